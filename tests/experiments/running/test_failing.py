"""A part that fails while a run goes on: results stay, the top of them and the status say it."""

import json
from pathlib import Path

import pytest

from experiments.cli import run_command
from tests.experiments.plugins import Shelf
from tests.experiments.small_runs import PLAIN, SMALL, begun, read

HERE = __name__
CHANNEL = """
[channels.mine]
type = "custom"
object = "{object}"
"""
METRIC = f"""
[[analysis.own]]
name = "late"
object = "{HERE}:fails_on_much"

[[analysis.own]]
name = "sound"
sql = "SELECT shopper, 1 AS numerator FROM orders"
"""


class Seldom(Shelf):
    """Answers as long as it is asked by few; a class that passes every check before a run."""

    def recall(self, requests, limit):
        if len(requests) > 100:
            raise RuntimeError("too <many> at once")
        return super().recall(requests, limit)


class Leaves(Shelf):
    def recall(self, requests, limit):
        raise SystemExit(0)


class WhenTaught(Shelf):
    """Fails as it is of the earlier history, where examples of a ranker are replayed."""

    def fit(self, catalog, history, *, rng):
        super().fit(catalog, history, rng=rng)
        self.early = bool(0 < history.at_R.max(initial=0) < 1.9 * 86_400)

    def recall(self, requests, limit):
        if self.early:
            raise RuntimeError("not as a pupil")
        return super().recall(requests, limit)


def fails_on_much(tables):
    rows = tables.sql("SELECT shopper, 1.0 AS numerator FROM requests")
    if len(rows["shopper"]) > 1_500:  # the sample log has fewer
        raise ZeroDivisionError("no margin")
    return rows


def fails_in_one_arm(tables):
    """Sound in the sample log, in the history and in an A/B test."""
    arms = len(tables.sql("SELECT * FROM arms")["name"])
    met = len(tables.sql("SELECT DISTINCT arm FROM requests")["arm"])
    if met == 1 < arms:
        raise ZeroDivisionError("nobody to compare with")
    return tables.sql("SELECT shopper, 1.0 AS numerator FROM requests")


def fails(paths):
    raise LookupError("no credit")


def settings(folder: Path, object_: str, more: str = "") -> Path:
    text = SMALL.read_text().replace('"popular", "dense"]', '"popular", "mine"]')
    path = folder / "failing.toml"
    path.write_text(text + CHANNEL.format(object=object_) + more)
    return path


def words(config: Path, folder: Path, *options: str) -> list[str]:
    told = (*PLAIN, "truth.seeds=0", *options)
    return [
        *("run", str(config), "--out", str(folder)),
        *(word for each in told for word in ("--set", each)),
    ]


@pytest.fixture
def folder(tmp_path: Path, small_run: Path) -> Path:
    """Of a run to be: catalogue, history and channels are there already."""
    return begun(tmp_path / "run", small_run)


def test_a_channel_that_fails_in_a_run_has_a_status_of_its_own_and_takes_no_results(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = settings(tmp_path, f"{HERE}:Seldom")
    assert run_command([*words(config, folder, "truth.seeds=1"), "--json"]) == 3
    told = capsys.readouterr()
    assert "Failed: Channel mine raised an error and is missing from " in told.err
    assert "RuntimeError: too <many> at once (test_failing.py, line " in told.err
    assert "Traceback" not in told.err
    rows = read(folder, "manifest")["failed"]
    assert {row["part"] for row in rows} == {"channel mine"}
    assert {row["stage"] for row in rows} == {"experiment", "truth-dense-0"}
    assert json.loads(told.out)["failed"] == rows
    assert [row["metric"] for row in read(folder, "metrics")["estimates"]]
    html = (folder / "report.html").read_text()
    assert html.index("Channel mine raised an error") < html.index('class="badge"')
    assert "too &lt;many&gt; at once" in html
    # Whatever reads these results says it again, and the same command tries again.
    assert run_command(["report", str(folder)]) == 3
    assert run_command(["attribute", str(folder), "--incremental", "none"]) == 3
    capsys.readouterr()
    assert run_command(words(config, folder, "truth.seeds=1")) == 3
    assert "experiment: made again, for channel mine failed in it" in capsys.readouterr().err


def test_a_channel_that_ends_the_program_does_not_end_it_well(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = settings(tmp_path, f"{HERE}:Leaves")
    assert run_command(words(config, folder)) == 3
    assert "sys.exit(0) (test_failing.py, line " in capsys.readouterr().err
    assert (folder / "report.html").is_file()


def test_a_metric_and_a_rule_that_fail_at_the_end_leave_all_other_results(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = settings(tmp_path, f"{HERE}:Shelf", METRIC)
    rules = f"attribution.rules=['any_touch', '{HERE}:fails']"
    told = words(config, folder, rules)
    assert run_command(told) == 3
    error = capsys.readouterr().err
    assert "Failed: Metric late failed and was left out: analysis.own.late: " in error
    assert "ZeroDivisionError('no margin') (" in error
    assert f"Failed: Rule {HERE}:fails failed and was left out: rule " in error
    assert "LookupError('no credit') (" in error
    rows = {row["metric"]: row for row in read(folder, "metrics")["estimates"]}
    assert rows["late"]["effect"] == {"estimate": None, "low": None, "high": None}
    assert rows["late"]["n"] == rows["gmv"]["n"] > 0
    assert rows["sound"]["effect"]["low"] is not None
    assert read(folder, "attribution")["rules"] == ["any_touch"]
    assert run_command(told) == 3  # all stages are kept, and both are asked again
    assert "Rule" in capsys.readouterr().err


@pytest.mark.slow
def test_a_metric_that_fails_in_the_truth_alone_is_told_and_keeps_its_estimate(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metric = METRIC.replace("fails_on_much", "fails_in_one_arm")
    config = settings(tmp_path, f"{HERE}:Shelf", metric)
    assert run_command(words(config, folder, "truth.seeds=1")) == 3
    error = capsys.readouterr().err
    assert "Failed: Metric late failed and was left out: in a world with everybody in " in error
    assert "ZeroDivisionError('nobody to compare with') (" in error
    rows = {row["metric"]: row for row in read(folder, "metrics")["estimates"]}
    assert rows["late"]["effect"]["low"] is not None
    told = {row["metric"] for row in read(folder, "truth")["truth"]}
    assert "late" not in told
    assert {"sound", "gmv"} <= told


def test_a_part_without_which_nothing_goes_on_stops_the_run_with_that_status(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ranker = ("ranker.type=custom", "ranker.object=tests.experiments.plugins:RankerRaises")
    assert run_command(words(SMALL, folder, *ranker)) == 3
    error = capsys.readouterr().err
    assert "merge_order.score() raised RuntimeError('no scores today') (" in error
    assert "Finished stages are kept: once that is mended, the same command goes on." in error


def test_what_hangs_stops_the_run_with_that_status(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = settings(tmp_path, "tests.experiments.plugins:Hangs")
    assert run_command(words(config, folder, "execution.plug_in_seconds=2")) == 3
    assert "channel mine: recall() took longer than 2 s (" in capsys.readouterr().err


def test_a_part_that_is_refused_before_the_run_is_no_failure(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(words(settings(tmp_path, f"{HERE}:Nobody"), folder)) == 2


def test_a_service_that_is_not_there_is_a_failure_and_asked_again(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = (
        '"mine"\n\n[channels.mine]\ntype = "http"\nurl = "http://127.0.0.1:9/?q={query}&k={limit}"'
        f'\nids = "hits.*.id"\ncache = "{tmp_path}/answers.sqlite"\n'
    )
    text = settings(tmp_path, "x:Y").read_text()
    text = text.replace(CHANNEL.format(object="x:Y"), service.partition("\n")[2])
    (tmp_path / "service.toml").write_text(text)
    assert run_command(words(tmp_path / "service.toml", folder)) == 3
    assert "http://127.0.0.1:9/" in capsys.readouterr().err


def test_a_failure_where_examples_are_replayed_is_told_too(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = settings(tmp_path, f"{HERE}:WhenTaught")
    told = ("ranker.provenance=true", "ranker.training=per_arm")
    assert run_command(words(config, folder, *told)) == 3
    rows = read(folder, "manifest")["failed"]
    assert {row["stage"] for row in rows} == {"examples"}


def test_a_deadline_that_is_missed_is_no_failure(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = settings(tmp_path, f"{HERE}:Shelf", "\n[channels.mine.latency]\nbase_s = 30.0\n")
    assert run_command(words(config, folder)) == 0
    assert read(folder, "metrics")["health"]["dropped"][0]["reason"] == "deadline"
    assert read(folder, "manifest")["failed"] == []
