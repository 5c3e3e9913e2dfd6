"""What looks tell of arms, and looks at a log day by day."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from tea_tasting.aggr import Aggregates

from experiments.inference.estimates import estimate
from experiments.inference.metrics import METRICS
from experiments.inference.sequential.looks import ArmLooks, Looks, effective_units, looks_of
from experiments.inference.sequential.monitor import monitor
from experiments.inference.sequential.plans import UnitsPlan
from experiments.inference.units import open_units
from simulator.errors import DataError
from tests.experiments.inference.sequential.series import looks_like

PAIR = ("control", "treatment")


@pytest.mark.parametrize("metric", ["orders", "ctr"])
def test_looks_at_a_log_have_the_effects_and_intervals_of_its_daily_estimates(log, metric):
    with open_units(log, [METRICS[metric]]) as units:
        daily = units.daily([METRICS[metric]])
    looks, reasons = looks_of(METRICS[metric], PAIR, daily)
    assert reasons == ()
    rows = monitor(looks, UnitsPlan(1_500, 1_500), alpha=0.1)
    assert [row.time for row in rows] == sorted(daily)
    for row in rows:
        wanted, _ = estimate(METRICS[metric], PAIR, daily[int(row.time)], confidence=0.9)
        assert row.effect.numbers == pytest.approx(wanted.effect.numbers, rel=1e-10)
        assert (row.n_control, row.n_treatment) == (wanted.n_control, wanted.n_treatment)
        assert row.control == pytest.approx(wanted.control)


def arm(n, mean=1.0, var=1.0):
    return Aggregates(n, {"orders": mean}, {"orders": var})


def test_days_that_tell_no_effect_are_left_out_with_the_reason():
    nothing = {"control": arm(1), "treatment": arm(9)}
    daily = {4: nothing, 5: nothing, 7: {"control": arm(8), "treatment": arm(9)}}
    looks, reasons = looks_of(METRICS["orders"], PAIR, daily)
    assert looks.time_K.tolist() == [7.0]
    assert reasons == (
        "orders, treatment against control, 2 days from 4 on: an arm has fewer than 2 exposed "
        "shoppers",
    )
    assert looks_of(METRICS["orders"], PAIR, {4: nothing})[0] is None


def test_error_and_freedom_are_welchs():
    rng = np.random.default_rng(1)
    one, two = rng.normal(0, 1, 20), rng.normal(0.3, 4, 9)
    arms = [
        ArmLooks(*(np.array([v]) for v in (len(x), x.mean(), x.std(ddof=1) / math.sqrt(len(x)))))
        for x in (one, two)
    ]
    looks = Looks(np.array([1.0]), *arms)
    peer = stats.ttest_ind(two, one, equal_var=False)
    assert looks.freedom_K[0] == pytest.approx(peer.df)
    assert looks.effect_K[0] / looks.error_K[0] == pytest.approx(peer.statistic)


def test_effective_units_are_those_of_an_even_split():
    assert effective_units([500, 900], [500, 100]) == pytest.approx([1_000, 360])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"time_K": np.array([1.0, 1.0])},
            r"time_K\[1\] == 1.0, must be later than the look before",
        ),
        ({"time_K": np.array([2.0, 1.0])}, r"time_K\[1\] == 1.0, must be later"),
        ({"time_K": np.array([1.0])}, r"control.n_K.shape == \(2,\), must be \(looks,\)"),
        ({"time_K": np.array([1.0, math.nan])}, r"time_K\[1\] == nan, must be a number"),
        ({"n_K": np.array([1.0, 9.0])}, r"control.n_K\[0\] == 1.0, must be at least 2 units"),
        ({"level_K": np.array([0.0, math.inf])}, r"control.level_K\[1\] == inf, must be a number"),
        ({"error_K": np.array([0.1, -0.1])}, r"control.error_K\[1\] == -0.1, must be >= 0"),
    ],
)
def test_looks_that_cannot_be_monitored_are_refused_by_place_and_value(change, told):
    looks = looks_like([0.1, 0.2])
    name, value = next(iter(change.items()))
    if name == "time_K":
        looks = replace(looks, time_K=value)
    else:
        looks = replace(looks, control=replace(looks.control, **{name: value}))
    with pytest.raises(DataError, match=told):
        looks.checked()


def test_looks_at_which_nothing_varies_or_no_looks_are_refused():
    flat = ArmLooks(np.array([5.0]), np.array([1.0]), np.array([0.0]))
    with pytest.raises(DataError, match=r"error_K\[0\] == 0.0, must be > 0 \(something varies\)"):
        Looks(np.array([1.0]), flat, flat).checked()
    with pytest.raises(DataError, match="at least one"):
        looks_like([0.1]).__class__(np.array([]), flat, flat).checked()
