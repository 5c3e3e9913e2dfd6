"""Clocks of the information."""

import numpy as np
import pytest

from experiments.inference.sequential.plans import PrecisionPlan, UnitsPlan, as_it_ended
from simulator.errors import ConfigError, DataError
from tests.experiments.inference.sequential.series import looks_like


def test_shares_are_those_of_the_effective_units():
    looks = looks_like([0.1, 0.2], units=[100, 300])
    assert UnitsPlan(600, 600).fraction(looks) == pytest.approx([1 / 6, 1 / 2])
    assert UnitsPlan(900, 450).fraction(looks) == pytest.approx([1 / 6, 1 / 2])


def test_shares_are_those_of_the_relative_precision():
    looks = looks_like([0.0, 0.0], units=[100, 400], error=0.1, level=2.0)
    assert PrecisionPlan(0.025).fraction(looks) == pytest.approx([0.25, 1.0])


@pytest.mark.parametrize("clock", ["units", "precision"])
def test_an_experiment_that_is_over_has_all_its_information_at_the_end(clock):
    looks = looks_like([0.1, 0.2, 0.1], units=[10, 30, 40])
    plan = as_it_ended(looks, clock)
    assert plan.clock == clock
    assert plan.fraction(looks) == pytest.approx([0.25, 0.75, 1.0])


def test_a_unit_and_a_precision_tell_the_same_where_units_are_alike():
    looks = looks_like(np.zeros(6))
    first, second = (as_it_ended(looks, clock).fraction(looks) for clock in ("units", "precision"))
    assert first == pytest.approx(second)


def test_plans_out_of_range_and_levels_without_a_precision_are_refused():
    looks = looks_like([0.1, 0.2])
    with pytest.raises(ConfigError, match=r"plan.treatment == 0, must be > 0 \(units\)"):
        UnitsPlan(5, 0).fraction(looks)
    with pytest.raises(ConfigError, match=r"plan.relative_error == -1, must be > 0"):
        PrecisionPlan(-1).fraction(looks)
    below = looks_like([0.1, 0.2], level=-1.0)
    with pytest.raises(DataError, match=r"control.level_K\[0\] == -1.0, must be > 0 where precis"):
        PrecisionPlan(0.1).fraction(below)
    with pytest.raises(DataError, match=r"control.level_K\[-1\] == -1.0, must be > 0"):
        as_it_ended(below, "precision")
