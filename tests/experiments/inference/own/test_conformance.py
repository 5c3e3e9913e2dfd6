"""The suite passes what keeps the contract of a metric and names what breaks it."""

import pytest
from pydantic import ValidationError

from experiments.inference.own.conformance import check_metric
from experiments.inference.own.ownmetric import OwnMetric
from simulator import calling
from simulator.calling import Limit, limit_calls

OWN = "tests.experiments.inference.own.own_metrics"
SOUND = [
    {"object": f"{OWN}:margin"},
    {"object": f"{OWN}:margin", "options": {"rate": 0.1}},
    {"object": f"{OWN}:MedianPrice", "resamples": 100},
    {"sql": "SELECT shopper, price AS value FROM orders", "quantile": 0.9},
    {"sql": "SELECT shopper, clicked::INT AS numerator, 1 AS denominator FROM exposures"},
]
BROKEN = [
    ("nothing", "nothing() == NoneType, must be arrays by column"),
    ("unequal", "must be one axis of equal length"),
    ("texts", "numerator == object, must be numbers"),
    ("endless", "numerator[0] == inf, must be finite, within +-1e+15"),
    ("strangers", "shopper == 1000000000, must be one with a request in the log"),
    (
        "raises",
        "'Tables' object has no attribute 'orders'\") (tests/experiments/inference/own/own_m",
    ),
    ("drifts", "rows asked again == other rows, must be a function of the log"),
    ("Undefined", "statistic() == nan, must be finite"),
    ("missing", "must name an object in"),
]


@pytest.mark.parametrize("settings", SOUND, ids=str)
def test_a_sound_metric_passes(settings):
    assert check_metric(OwnMetric(name="mine", **settings)) == []


@pytest.mark.parametrize(("name", "told"), BROKEN)
def test_a_broken_metric_is_named(name, told):
    found = check_metric(OwnMetric(name="mine", object=f"{OWN}:{name}"))
    assert any(told in str(violation) for violation in found), found


def test_columns_that_are_not_wanted_are_named():
    found = check_metric(OwnMetric(name="mine", sql="SELECT shopper, price FROM orders"))
    assert "sql == columns shopper, price, must be shopper and numerator, and denom" in str(
        found[0]
    )


def test_a_metric_that_hangs_is_named():
    before = calling.time_limit()
    limit_calls(Limit(0.2, "--seconds"))
    try:
        (found,) = check_metric(OwnMetric(name="mine", object=f"{OWN}:hangs"))
    finally:
        limit_calls(before)
    assert "took longer than 0.2 s (tests/experiments/inference/own/own_metrics.py" in str(found)


@pytest.mark.parametrize("settings", [{}, {"sql": "SELECT 1", "object": "a:b"}])
def test_a_metric_has_one_source(settings):
    with pytest.raises(ValidationError, match="given, must be one of them"):
        OwnMetric(name="mine", **settings)
