"""What is said of parts that failed."""

from experiments.records.manifest import Failed
from experiments.report.kit.failed import told_failed


def test_a_part_is_told_once_with_all_its_requests_and_some_of_its_stages() -> None:
    worlds = ("experiment", "truth-a-0", "truth-b-0", "truth-b-1", "experiment")
    rows = [Failed(stage, "channel mine", "raised", 10, f"in {stage}") for stage in worlds]
    assert told_failed(rows) == (
        "Channel mine raised an error and is missing from 50 requests "
        "(in experiment, truth-a-0, truth-b-0, 1 more): in experiment",
    )


def test_what_serves_no_requests_was_left_out() -> None:
    assert told_failed([Failed("", "metric margin", "raised", 0, "why")]) == (
        "Metric margin failed and was left out: why",
    )


def test_another_way_of_failing_is_another_sentence() -> None:
    rows = [Failed("a", "channel x", reason, 1, "") for reason in ("raised", "bad_shape")]
    assert len(told_failed(rows)) == 2
    assert told_failed([]) == ()
