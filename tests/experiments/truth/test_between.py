"""Lifts of two runs beside each other: paired by shopper, and as exact as a plain comparison."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from experiments.inference.metrics import METRICS
from experiments.truth.between import PairLogs, lifts_apart
from experiments.truth.effects import paired_truth
from simulator.errors import DataError
from tests.experiments.inference.logs import write_log
from tests.experiments.inference.parity import sums

CTR, ORDERS = METRICS["ctr"], METRICS["orders"]


def pair(folder: Path, lift: float, luck: int, shoppers: int = 1_500) -> PairLogs:
    """A run's worlds; equal luck makes equal shoppers in all of them."""
    control = write_log(
        folder / "control", arms=("control",), shares=(1.0,), luck=luck, shoppers=shoppers
    )
    treatment = write_log(
        folder / "treatment",
        arms=("control", "treatment"),
        shares=(0.0, 1.0),
        lift=lift,
        clicks=0.05 * (1 + lift),
        luck=luck,
        shoppers=shoppers,
    )
    return PairLogs([control], [treatment])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PairLogs]:
    folder = tmp_path_factory.mktemp("runs")
    return {
        "low": pair(folder / "low", 0.2, luck=1),
        "high": pair(folder / "high", 0.35, luck=1),
        "elsewhere": pair(folder / "elsewhere", 0.35, luck=2),
        "fewer": pair(folder / "fewer", 0.35, luck=1, shoppers=1_000),
    }


def apart(run: PairLogs, base: PairLogs):
    return lifts_apart(
        *(run, base, (CTR, ORDERS)), method="realised", confidence=0.95, same_categories=True
    )


def lift_of(run: PairLogs, metric) -> float:
    (row,) = paired_truth(run.control, run.treatment, (metric,), method="realised").effects
    return row.relative.estimate


def plain(run: PairLogs, base: PairLogs, metric) -> tuple[float, float, float]:
    """The same in NumPy, by the delta method on one row for each shopper."""

    def shares(logs, index):
        table = sums(logs[0], ["shopper"]).assign(exposed=1.0)
        table = table.reindex(index).fillna(0.0)
        top, bottom = (table[name] for name in (metric.numerator, metric.denominator or "exposed"))
        return np.log(top.sum() / bottom.sum()), (top / top.mean() - bottom / bottom.mean())

    every = [
        sums(logs[0], ["shopper"]).index
        for run in (run, base)
        for logs in (run.control, run.treatment)
    ]
    index = sorted(set().union(*every))
    size, linear = 0.0, 0.0
    for sign, each in ((1, run), (-1, base)):
        for side, logs in ((1, each.treatment), (-1, each.control)):
            level, spread = shares(logs, index)
            size, linear = size + sign * side * level, linear + sign * side * spread
    error = np.std(linear, ddof=1) / np.sqrt(len(index))
    half = stats.t.ppf(0.975, len(index) - 1) * error
    return tuple(np.expm1([size, size - half, size + half]))


@pytest.mark.parametrize("metric", [CTR, ORDERS], ids=lambda metric: metric.name)
@pytest.mark.parametrize("other", ["high", "elsewhere", "fewer"])
def test_a_difference_equals_a_plain_comparison_and_the_ratio_of_both_lifts(runs, metric, other):
    found = apart(runs[other], runs["low"])[metric.name].interval
    np.testing.assert_allclose(found.numbers, plain(runs[other], runs["low"], metric), rtol=1e-8)
    one, base = lift_of(runs[other], metric), lift_of(runs["low"], metric)
    assert found.estimate == pytest.approx((1 + one) / (1 + base) - 1, rel=1e-9)


def test_runs_of_one_luck_are_told_apart_more_sharply_than_those_of_two(runs):
    def width(other: str) -> float:
        interval = apart(runs[other], runs["low"])["ctr"].interval
        return interval.high - interval.low

    assert width("high") < 0.8 * width("elsewhere")


def test_a_run_differs_from_itself_by_exactly_nothing(runs):
    for found in apart(runs["low"], runs["low"]).values():
        assert found.interval.numbers == (0.0, 0.0, 0.0)
        assert found.p_value == 1.0


def test_runs_of_several_seeds_are_compared_seed_by_seed(runs):
    both = [
        PairLogs([*a.control, *b.control], [*a.treatment, *b.treatment])
        for a, b in ((runs["high"], runs["elsewhere"]), (runs["low"], runs["low"]))
    ]
    found = apart(*both)["ctr"]
    assert found.seeds == 2
    assert found.interval.ends is not None
    with pytest.raises(DataError, match="the same seeds"):
        apart(both[0], runs["low"])


def test_worlds_that_are_not_there_are_named(runs):
    with pytest.raises(DataError, match="truth worlds == 1 of control and 0 of treatment"):
        apart(replace(runs["low"], treatment=[]), runs["low"])
