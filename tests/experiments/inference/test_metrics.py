import pytest
from pydantic import ValidationError

from experiments.inference.metrics import DAILY_METRICS, METRICS, Metric


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
