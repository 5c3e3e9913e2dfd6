"""Metrics of a user's own are estimated as the built-in ones are."""

import numpy as np
import pytest
from scipy import stats

from experiments.inference.estimates import estimate
from experiments.inference.metrics import METRICS
from experiments.inference.own.estimating import own_estimates
from experiments.inference.own.ownmetric import OwnMetric
from experiments.inference.units import open_units
from simulator.errors import ContractError
from tests.experiments.inference.logs import write_log, write_table
from tests.experiments.inference.parity import read

CONTRAST = ("control", "treatment")
TWINS = {
    "gmv": "SELECT shopper, price::DOUBLE * quantity AS numerator FROM orders",
    "orders": "SELECT shopper, count(*) AS numerator FROM orders GROUP BY shopper",
    "ctr": "SELECT shopper, clicked::INT AS numerator, 1 AS denominator FROM exposures",
    "aov": "SELECT shopper, sum(price::DOUBLE * quantity) AS numerator, count(*) AS denominator "
    "FROM orders GROUP BY shopper",
}


def found(metrics, log, history=None):
    return own_estimates(metrics, log, history, None, [CONTRAST], confidence=0.95)


@pytest.mark.parametrize("name", TWINS)
def test_a_metric_written_as_sql_has_the_estimates_of_the_built_in_one(log, history, name):
    """Levels, effects, intervals and p-values, plain and adjusted by the history."""
    mine = found([OwnMetric(name=name, sql=TWINS[name])], log, history)
    metric = METRICS[name]
    with open_units(log, [metric], history=history) as units:
        arms = units.aggregates([metric], covariates=True)
    for cuped, (row, reason) in zip((False, True), mine, strict=True):
        wanted, _ = estimate(metric, CONTRAST, arms, cuped=cuped)
        assert (reason, row.cuped, row.n) == ("", cuped, wanted.n)
        numbers = [
            (
                each.control,
                each.treatment,
                *each.effect.numbers,
                *each.relative.numbers,
                each.p_value,
            )
            for each in (row, wanted)
        ]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-9)


def test_python_gives_what_sql_gives(log):
    sql = "SELECT shopper, sum(price * quantity) * 0.2 AS numerator FROM orders GROUP BY shopper"
    place = "tests.experiments.inference.own.own_metrics:margin"
    one, other = found(
        [
            OwnMetric(name="a", sql=sql),
            OwnMetric(name="b", object=place, options={"rate": 0.2}),
        ],
        log,
    )
    assert one[0].effect.numbers == pytest.approx(other[0].effect.numbers)


def test_a_quantile_is_that_of_the_arms_values_and_has_an_error_of_its_own(log):
    orders = read(log, "orders")
    metric = OwnMetric(name="p90", sql="SELECT shopper, price AS value FROM orders", quantile=0.9)
    ((row, reason),) = found([metric], log)
    assert reason == ""
    for arm, level in enumerate((row.control, row.treatment)):
        prices = orders.loc[orders["arm"] == arm, "price"]
        assert level == np.quantile(prices, 0.9, method="inverted_cdf")
    assert row.effect.low < row.effect.estimate < row.effect.high
    assert row.effect.holds(0.0) == (row.p_value > 0.05) == row.relative.holds(0.0)
    assert found([metric], log) == [(row, reason)]  # the luck of resampling is fixed


def test_a_custom_statistic_is_resampled_as_a_quantile_is(log):
    place = "tests.experiments.inference.own.own_metrics:MedianPrice"
    ((mine, _),) = found([OwnMetric(name="m", object=place, resamples=200)], log)
    half = OwnMetric(name="m", sql="SELECT shopper, price AS value FROM orders", quantile=0.5)
    ((known, _),) = found([half.model_copy(update={"resamples": 200})], log)
    assert mine.control == pytest.approx(known.control, rel=0.02)
    widths = [row.effect.high - row.effect.low for row in (mine, known)]
    assert widths[0] == pytest.approx(widths[1], rel=0.3)


def test_an_arm_without_values_has_no_estimate_and_a_reason(tmp_path):
    log = write_log(tmp_path / "log", shoppers=60, orders=0.0)
    metric = OwnMetric(name="p90", sql="SELECT shopper, price AS value FROM orders", quantile=0.9)
    ((row, reason),) = found([metric], log)
    assert (row.effect.estimate, row.p_value) == (None, None)
    assert reason == "an arm has too few shoppers with a value for p90"


def test_rows_of_somebody_without_a_request_are_refused(log):
    place = "tests.experiments.inference.own.own_metrics:strangers"
    wanted = r"^analysis.own.m: shopper == 1000000000, must be one with a request in the log$"
    with pytest.raises(ContractError, match=wanted):
        found([OwnMetric(name="m", object=place)], log)


@pytest.mark.parametrize("kind", ["mean", pytest.param("quantile", marks=pytest.mark.slow)])
def test_intervals_hold_no_difference_as_often_as_they_say(tmp_path, kind):
    """Shoppers with several correlated values each: the shopper is what is resampled."""
    rng, times, shoppers, hits = np.random.default_rng(4), 60, 300, 0
    sql = "SELECT shopper, price AS {} FROM orders".format(
        "numerator" if kind == "mean" else "value"
    )
    more = {} if kind == "mean" else {"quantile": 0.5, "resamples": 200}
    log = write_log(tmp_path / "log", shoppers=shoppers)
    arm_S = read(log, "assignments")["arm"].to_numpy()
    exposed = np.unique(read(log, "requests")["shopper"])
    for number in range(times):
        shopper_N = np.repeat(exposed, rng.integers(0, 4, len(exposed)))
        taste_S = rng.normal(0, 1, shoppers)
        price_N = np.exp(taste_S[shopper_N] + rng.normal(0, 0.3, len(shopper_N)))
        for path in (log / "orders").glob("*"):
            path.unlink()
        columns = {"shopper": shopper_N, "arm": arm_S[shopper_N], "price": price_N}
        write_table(log / "orders", columns)
        ((row, _),) = found([OwnMetric(name=f"m{number}", sql=sql, **more)], log)
        hits += bool(row.effect.holds(0.0))
    assert stats.binom.ppf(0.001, times, 0.95) <= hits
