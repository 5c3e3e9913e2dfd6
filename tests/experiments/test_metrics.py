import pytest
from pydantic import ValidationError

from experiments.metrics import DAILY_METRICS, METRICS, Metric, select_metrics
from simulator.errors import ConfigError


def test_the_registry_holds_the_metrics_of_the_report_in_their_order():
    assert list(METRICS) == [
        *("gmv", "orders", "uctcvr", "uctr", "ctr", "cvr", "aov"),
        *("zero_result_rate", "abandonment", "latency"),
    ]
    assert set(DAILY_METRICS) <= set(METRICS)


def test_a_mean_metric_needs_one_column_and_a_ratio_two():
    assert METRICS["gmv"].columns == ("gmv",)
    assert METRICS["ctr"].columns == ("clicks", "exposures")


def test_an_unknown_column_is_refused_with_the_place_and_the_choice():
    with pytest.raises(ValidationError, match=r"metrics\.depth\.numerator == 'pages', must be one"):
        Metric(name="depth", numerator="pages")


@pytest.mark.parametrize("name", ["", "Page depth", "x; DROP TABLE pairs"])
def test_a_name_that_could_not_be_a_key_is_refused(name):
    with pytest.raises(ValidationError):
        Metric(name=name, numerator="requests")


def test_users_add_metrics_to_the_registry():
    own = Metric(name="depth", numerator="requests", denominator="sessions")
    assert select_metrics(["gmv", "depth"], [own]) == (METRICS["gmv"], own)


@pytest.mark.parametrize(
    ("names", "added", "message"),
    [
        (["gvm"], [], "metrics == 'gvm', must be one of: gmv"),
        (["gmv", "gmv"], [], "metrics == 'gmv' twice"),
        (["gmv"], [Metric(name="gmv", numerator="orders")], "must not be taken"),
    ],
)
def test_selections_that_mean_nothing_are_refused(names, added, message):
    with pytest.raises(ConfigError, match=message):
        select_metrics(names, added)
