"""Monitoring: rows look by look, by three rules."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from experiments.inference.sequential.groupsequential import group_sequential
from experiments.inference.sequential.monitor import monitor
from experiments.inference.sequential.plans import PrecisionPlan, UnitsPlan
from experiments.inference.sequential.spending import POCOCK
from experiments.records.interval import Interval
from simulator.errors import ConfigError, DataError
from tests.experiments.inference.sequential.series import looks_like

PLAN = UnitsPlan(400, 400)


def test_four_looks_by_hand():
    """Standard errors 0.2, 0.141, 0.115 and 0.1, so z is 2.1, 2.12, 2.60 and 4."""
    rows = monitor(looks_like([0.42, 0.3, 0.3, 0.4], error=0.2), PLAN)
    assert [row.fraction for row in rows] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert [row.boundary for row in rows] == pytest.approx([4.333, 2.963, 2.359, 2.014], abs=5e-4)
    assert [row.by_fixed for row in rows] == ["more"] * 4
    assert [row.by_group for row in rows] == ["untold", "untold", "more", "more"]
    assert [row.by_sequence for row in rows] == ["untold", "untold", "untold", "more"]
    last = rows[-1]
    assert (last.time, last.n_control, last.n_treatment, last.control) == (4.0, 400, 400, 1.0)
    assert last.sequence.low == pytest.approx(0.4 - 0.1 * 3.0351, abs=1e-5)
    assert last.group.high == pytest.approx(0.4 + 0.1 * 2.01409, abs=1e-5)
    assert last.p_sequence < 0.05 < rows[2].p_sequence


def test_a_decision_stays_though_later_looks_would_take_it_back():
    rows = monitor(looks_like([-0.9, 0.0, 0.4, 0.9], error=0.2), PLAN)
    for row in rows:
        assert (row.by_fixed, row.by_sequence, row.by_group) == ("less",) * 3


effects = st.lists(st.floats(-1, 1), min_size=1, max_size=12)


@given(effects, st.floats(0.02, 0.5), st.sampled_from([0.01, 0.05, 0.2]))
def test_each_rule_has_decided_where_one_of_its_intervals_has_left_out_0(effect, error, alpha):
    rows = monitor(looks_like(effect, error=error), UnitsPlan(900, 900), alpha=alpha)
    for rule, kind in (("fixed", "effect"), ("sequence", "sequence"), ("group", "group")):
        ever = np.maximum.accumulate([getattr(row, kind).holds(0.0) is False for row in rows])
        assert [getattr(row, f"by_{rule}") != "untold" for row in rows] == ever.tolist()
    for row in rows:
        assert row.effect.estimate == row.sequence.estimate == row.group.estimate
        assert row.sequence.low < row.effect.low < row.effect.high < row.sequence.high


@given(effects, st.integers(1, 12))
def test_later_looks_change_no_earlier_row(effect, count):
    """Of the two sequential rules nothing hangs on the future, whatever it brings."""
    whole = monitor(looks_like(effect), UnitsPlan(1_500, 1_500))
    part = monitor(looks_like(effect[:count]), UnitsPlan(1_500, 1_500))
    for early, again in zip(part, whole, strict=False):
        assert early.sequence == again.sequence
        assert early.by_group == again.by_group
        assert (early.boundary or 0) == pytest.approx(again.boundary or 0, abs=1e-9)


def test_looks_that_tell_nothing_new_are_none_of_the_group_test_but_of_the_others():
    looks = looks_like([0.1] * 5, units=[100, 100, 200, 400, 500])
    rows = monitor(looks, PLAN, spending=POCOCK)
    assert [row.boundary is None for row in rows] == [False, True, False, False, True]
    assert rows[1].group == Interval(rows[1].effect.estimate, None, None)
    assert all(row.sequence.ends for row in rows)
    kept = group_sequential([0.25, 0.5, 1.0], alpha=0.05, spending=POCOCK).boundary_K
    assert [row.boundary for row in rows if row.boundary] == pytest.approx(kept.tolist())


def test_with_precision_as_the_clock_days_count_though_no_units_come():
    """Each look has the same units, and half the relative error of the one before."""
    looks = looks_like([0.1, 0.1], units=[50, 50])
    halved = looks.control.error_K * [1, 0.5]
    for arm in (looks.control, looks.treatment):
        arm.error_K[:] = halved
    assert [row.boundary is None for row in monitor(looks, UnitsPlan(50, 50))] == [False, True]
    rows = monitor(looks, PrecisionPlan(0.05))
    assert [row.fraction for row in rows] == pytest.approx([0.25, 1.0])
    assert all(row.boundary for row in rows)


def test_small_arms_have_students_interval_at_a_fixed_look():
    wide = monitor(looks_like([0.3], units=[4]), PLAN)[0].effect
    assert wide.high - 0.3 == pytest.approx(0.1 * 2.4469, abs=1e-5)  # 6 degrees of freedom


def test_what_cannot_be_monitored_is_refused():
    with pytest.raises(ConfigError, match="alpha == 2, must be"):
        monitor(looks_like([0.1]), PLAN, alpha=2)
    with pytest.raises(ConfigError, match=r"plan.control == -1, must be > 0"):
        monitor(looks_like([0.1]), UnitsPlan(-1, 5))
    with pytest.raises(DataError, match=r"control.n_K\[0\] == 1.0, must be at least 2"):
        monitor(looks_like([0.1], units=[1]), PLAN)
