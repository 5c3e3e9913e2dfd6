import pytest
from pydantic import ValidationError

from experiments.inference.analysis import analyse
from experiments.inference.metrics import (
    MEANINGS,
    METRICS,
    UNIT_COLUMNS,
    Column,
    Meaning,
    Metric,
    followed,
)
from experiments.records.reading import write_record
from experiments.report import write_report
from tests.experiments.inference.logs import ARMS, write_log
from tests.experiments.inference.parity import read


def test_the_registry_holds_the_metrics_of_the_report_in_their_order():
    assert list(METRICS) == [
        *("gmv", "orders", "baskets", "uctcvr", "uctr", "ctr", "cvr", "aov", "basket_value"),
        *("zero_result_rate", "abandonment", "latency"),
    ]
    assert list(MEANINGS) == [*METRICS, "clicks"]
    daily = [each.name for each in followed(METRICS.values())]
    assert daily == ["gmv", "orders", "uctcvr", "ctr"]


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


def test_a_metric_is_added_in_one_file_and_stands_in_analysis_and_report(tmp_path, monkeypatch):
    """Its column, its definition and its name are entries of `experiments.inference.metrics`."""
    column = Column("requests beyond the first page", "requests", "page > 0")
    meaning = Meaning("the share of pages beyond the first", "share")
    log, arms = write_log(tmp_path / "log", requests=4), dict.fromkeys(ARMS, 0.5)
    with monkeypatch.context() as patch:
        patch.setitem(UNIT_COLUMNS, "deep", column)
        patch.setitem(
            METRICS, "depth", Metric(name="depth", numerator="deep", denominator="requests")
        )
        patch.setitem(MEANINGS, "depth", meaning)
        chosen = tuple(METRICS.values())
        found = analyse(log, log, name="x", arms=arms, control=ARMS[0], metrics=chosen)
        write_record(tmp_path, found)
        page = write_report(tmp_path).read_text(encoding="utf-8")
    row = found.estimate("depth", ARMS, cuped=False)
    requests = read(log, "requests")
    own = requests[requests["arm"] == 0]
    assert row.control == pytest.approx((own["page"] > 0).mean())
    assert "Pages beyond the first" in page
