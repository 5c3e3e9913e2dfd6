"""A metric of one's own has the truth of the shipped one that it restates."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.inference.metrics import METRICS
from experiments.inference.own.ownmetric import OwnMetric
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.metrics import Metrics
from experiments.truth.effects import paired_truth
from experiments.truth.ownmetrics import own_truths
from experiments.truth.table import truth_table
from simulator.errors import ContractError
from simulator.failures import take_failures
from tests.experiments.inference.logs import write_log
from tests.experiments.inference.own.test_estimating import TWINS
from tests.experiments.inference.parity import read
from tests.experiments.report.fake_run import bare_metrics, estimate

P90 = OwnMetric(name="p90", sql="SELECT shopper, price AS value FROM orders", quantile=0.9)
HERE = __name__


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    """Two pairs; in the second, ten shoppers come to one of its worlds alone."""
    folder = tmp_path_factory.mktemp("worlds")
    return {
        arm: [
            write_log(
                folder / arm / str(luck),
                shares=shares,
                lift=0.3,
                clicks=0.06 if arm == "treatment" else 0.05,
                luck=luck,
                shoppers=590 if arm == "treatment" and luck == 2 else 600,
            )
            for luck in (1, 2)
        ]
        for arm, shares in (("control", (1.0, 0.0)), ("treatment", (0.0, 1.0)))
    }


def some(worlds, pairs):
    return {arm: logs[:pairs] for arm, logs in worlds.items()}


def own(metric, worlds, **options):
    found = own_truths(metric, worlds, None, control="control", **options)
    (row,) = found["treatment"].effects
    return row, found["treatment"].warnings


@pytest.mark.parametrize("pairs", [1, 2])
@pytest.mark.parametrize("name", TWINS)
def test_a_metric_that_restates_a_shipped_one_has_its_realised_truth(worlds, name, pairs):
    """Whole rows: levels, effects, intervals, p-value and what pairing gains."""
    logs = some(worlds, pairs)
    row, warnings = own(OwnMetric(name=name, sql=TWINS[name]), logs)
    (wanted,) = paired_truth(
        logs["control"], logs["treatment"], [METRICS[name]], method="realised"
    ).effects
    assert (row.method, row.seeds, row.n, warnings) == ("realised", pairs, 600, ())
    assert row.effect.ends is not None
    for one, other in ((row, wanted), (row.realised, wanted.realised)):
        for part in ("effect", "relative"):
            numbers = [getattr(each, part).numbers for each in (one, other)]
            assert numbers[0] == pytest.approx(numbers[1], rel=1e-9), part
    numbers = ("control", "treatment", "p_value", "resolution")
    told = [[getattr(each, number) for number in numbers] for each in (row, wanted)]
    assert told[0] == pytest.approx(told[1], rel=1e-9)
    assert row.realised.pairing_factor == pytest.approx(wanted.realised.pairing_factor, rel=1e-6)


def test_a_quantile_is_that_of_each_world_and_has_an_interval(worlds):
    row, warnings = own(P90, some(worlds, 1))
    for arm in ("control", "treatment"):
        prices = read(worlds[arm][0], "orders")["price"]
        assert getattr(row, arm) == np.quantile(prices, 0.9, method="inverted_cdf")
    assert row.effect.low < row.effect.estimate < row.effect.high
    assert row.resolution == (row.relative.high - row.relative.low) / 2
    assert (row.realised.effect, warnings) == (row.effect, ())
    both, _ = own(P90, worlds, trainings=2)
    assert both.effect.ends is not None
    assert both.training_sd > 0


@pytest.mark.parametrize(
    "metric",
    [
        P90,
        OwnMetric(
            name="m", sql="SELECT shopper, sum(price) AS numerator FROM orders GROUP BY shopper"
        ),
        OwnMetric(name="m", sql="SELECT shopper, price AS numerator, 1 AS denominator FROM orders"),
    ],
    ids=lambda metric: metric.sql,
)
def test_equal_worlds_differ_by_exactly_nothing_however_their_rows_lie(tmp_path, metric):
    logs = {
        arm: [write_log(tmp_path / arm, shares=(1.0, 0.0), shoppers=900, clicks=0.3, shards=shards)]
        for arm, shards in (("control", 1), ("treatment", 7))
    }
    row, warnings = own(metric, logs)
    assert (row.effect, row.relative) == (Interval(0.0, 0.0, 0.0),) * 2
    assert (row.p_value, warnings) == (1.0, ())


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        (P90, "a world has no value"),
        (OwnMetric(name="p90", sql=TWINS["aov"]), "a world has no denominator"),
    ],
)
def test_what_cannot_be_told_has_no_number_and_a_warning(tmp_path, metric, why):
    logs = [write_log(tmp_path / "log", shoppers=60, orders=0.0)]
    row, warnings = own(metric, {"control": logs, "treatment": logs})
    assert row.effect == UNKNOWN
    assert warnings == (f"p90 has no global effect: {why}",)


def only_two_arms(tables):
    """Sound in an A/B test, and a failure where everybody is in one arm."""
    rows = tables.sql("SELECT DISTINCT arm, shopper FROM requests")
    arms = dict.fromkeys(rows["arm"].tolist())
    return {"shopper": rows["shopper"], "numerator": np.ones(len(rows["arm"])) / (len(arms) - 1)}


def ratio_in_treatment(tables):
    rows = tables.sql("SELECT arm, shopper, 1.0 AS numerator FROM orders")
    arm = rows.pop("arm")
    return rows | ({"denominator": np.ones(len(arm))} if arm[0] else {})


def ends_of_control(tables):
    raise ZeroDivisionError("no books of one arm")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ends_of_control", "in a world with everybody in control: analysis.own.mine: .* raised "),
        ("only_two_arms", r"in a world with everybody in control: .* == inf, must be finite"),
        ("ratio_in_treatment", "analysis.own.mine: denominator == in the rows of some worlds"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_metric_that_fails_in_a_world_is_named_with_the_world(worlds, name, told):
    with pytest.raises(ContractError, match=told):
        own(OwnMetric(name="mine", object=f"{HERE}:{name}"), some(worlds, 1))


def test_a_metric_that_fails_has_no_row_is_noted_and_takes_no_others(worlds):
    take_failures()
    metrics = [OwnMetric(name="mine", object=f"{HERE}:ends_of_control"), replaced("gmv", "money")]
    found = table(worlds, metrics)
    assert {row.metric for row in found.truth} == {"gmv", "money"}
    (failure,) = take_failures()
    assert (failure.part, failure.reason) == ("metric mine", "raised")
    assert "test_ownmetrics.py, line " in failure.detail


def replaced(name, new):
    return OwnMetric(name=new, sql=TWINS[name])


def table(worlds, metrics, found: Metrics | None = None):
    return truth_table(
        some(worlds, 1),
        found or bare_metrics(),
        control="control",
        metrics=[METRICS["gmv"]],
        own=metrics,
        method="realised",
    )


def test_the_naive_estimate_stands_beside_it(worlds):
    naive = replace(estimate(("control", "treatment"), "gmv", 0.1, 0.0, cuped=False), metric="own")
    found = table(worlds, [replaced("gmv", "own")], bare_metrics(estimates=(naive,)))
    row = found.of("own", ("control", "treatment"))
    assert row.naive == naive.effect
    assert row.bias == naive.effect.estimate - row.effect.estimate
    assert row.covered is naive.effect.holds(row.effect.estimate)
    shipped = found.of("gmv", ("control", "treatment")).effect
    assert row.effect.numbers == pytest.approx(shipped.numbers, rel=1e-9)
