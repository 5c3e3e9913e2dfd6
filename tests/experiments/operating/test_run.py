"""`funnelab calibrate`: its record, its page, its status, what it keeps and what it refuses."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.cli import run_command
from experiments.designs.settings import QueryClusterDesign
from experiments.operating import study as studying
from experiments.operating.study import DESIGNS
from experiments.records.experiment.operating import Characteristic, Operating, Verdict
from experiments.records.manifest import BenchManifest
from experiments.records.reading import read_record, row_of, rows_of
from experiments.report.operating.page import write_report
from tests.experiments.operating.lived import REDRAWS, SETTINGS, WORLDS, LivedStudy, calibrate
from tests.experiments.small_runs import PLAIN, SMALL, begun, content, read

SETS = [word for each in (*PLAIN, *SETTINGS) for word in ("--set", each)]


@pytest.fixture(scope="module")
def record(lived: LivedStudy) -> Operating:
    return read_record(Operating, lived.folder)


def told(
    capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, "pytest.CaptureResult[str]"]:
    status = run_command(["calibrate", *map(str, arguments)])
    return status, capsys.readouterr()


def one(record: Operating, **keys: object) -> Characteristic:
    found = row_of(record.rows, **keys)
    assert found is not None, keys
    return found


def test_every_design_and_metric_is_asked(record: Operating) -> None:
    sums, whole = ("gmv", "orders", "ctr"), ("gmv", "orders", "uctcvr", "ctr")
    others = [design for design in DESIGNS if design != "shopper"]
    wanted = {("redraws", design, metric) for design in others for metric in sums}
    wanted |= {(by, "shopper", metric) for by in ("redraws", "worlds") for metric in whole}
    assert {(r.by, r.design, r.metric) for r in record.rows if not r.known_fault} == wanted
    of_gmv = rows_of(record.rows, by="worlds", metric="gmv")
    assert [row.question for row in of_gmv] == [
        *("false_positive_rate", "uniformity", "coverage_global", "coverage_naive"),
        *("power", "type_s", "type_m"),
    ]
    assert all((row.verdict is None) == (row.wanted is None) for row in record.rows)


def test_repetitions_are_those_that_were_asked_for(record: Operating) -> None:
    for row in rows_of(record.rows, question="false_positive_rate"):
        assert row.repetitions == (REDRAWS if row.by == "redraws" else WORLDS)
    assert (record.redraws, record.worlds, record.truth_pairs) == (REDRAWS, WORLDS, 2)
    for each in record.p_values:
        assert sum(each.counts) == (REDRAWS if each.by == "redraws" else WORLDS)


def test_two_worlds_tell_nothing_for_sure(record: Operating) -> None:
    judged = [row for row in record.judged if row.by == "worlds"]
    assert {row.verdict for row in judged} == {Verdict.UNTOLD}


def test_exposures_as_units_fail_in_a_row_of_their_own(record: Operating) -> None:
    rows = [row for row in record.rows if row.unit == "exposures"]
    assert all(row.known_fault and row.metric == "ctr" for row in rows)
    assert {(row.by, row.setting, row.question) for row in rows} == {
        (by, "aa", question)
        for by in ("redraws", "worlds")
        for question in ("false_positive_rate", "uniformity")
    }
    fault = one(record, unit="exposures", by="redraws", question="false_positive_rate")
    assert fault.verdict is Verdict.FAILS
    assert fault.value.low is not None
    assert fault.value.low > 0.05
    assert not any(row.known_fault for row in record.judged)


def test_the_true_effect_stands_beside_what_the_tests_estimate(record: Operating) -> None:
    found = row_of(record.estimands, design="shopper", metric="gmv", by="redraws")
    assert found is not None
    assert found.truth.ends is not None
    assert found.bias.ends is not None
    (same,) = {row.truth for row in rows_of(record.estimands, metric="gmv")}
    assert found.truth == same
    assert found.bias.holds(0.0)


def test_what_cannot_be_asked_is_said(record: Operating) -> None:
    missing = " ".join(record.missing)
    others = ", ".join(design for design in DESIGNS if design != "shopper")
    assert f"uctcvr is no sum over what is split by {others}: not asked there." in missing
    assert "request: no A/B tests by redraws, for units of two worlds ==" in missing
    assert not rows_of(record.rows, design="request", setting="ab")


def test_the_folder_is_that_of_a_bench_and_its_page_is_drawn_from_the_record(
    lived: LivedStudy, tmp_path: Path
) -> None:
    manifest = read_record(BenchManifest, lived.folder)
    assert manifest.command == "a test"
    assert {"operating-control", "operating-aa-0", "truth-dense-1"} <= {
        stage.name for stage in manifest.stages
    }
    shutil.copy(lived.folder / Operating.FILE, tmp_path)
    drawn = write_report(tmp_path)
    assert drawn.read_text() == (lived.folder / "operating.html").read_text()


def test_the_same_again_finds_every_world_in_the_store_and_says_the_same(
    lived: LivedStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studying, "TRUTH_PAIRS", 2)
    copy = Path(shutil.copytree(lived.folder, tmp_path / "run", symlinks=True))
    before = content(copy / "stages")
    calibrate(copy)
    assert content(copy / "stages") == before
    assert read(copy, "operating") == read(lived.folder, "operating")


def test_more_worlds_and_redraws_go_on_from_those_that_there_are(
    lived: LivedStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studying, "TRUTH_PAIRS", 2)
    copy = Path(shutil.copytree(lived.folder, tmp_path / "run", symlinks=True))
    before = content(copy / "stages")
    calibrate(copy, worlds=WORLDS + 1, redraws=REDRAWS + 10)
    after = content(copy / "stages")
    assert before.items() <= after.items()
    new = {Path(path).parts[0].rpartition("-")[0] for path in after.keys() - before.keys()}
    assert new == {"operating-aa-2", "operating-ab-2"}


@pytest.mark.slow
def test_a_broken_promise_is_status_1_and_known_faults_are_none(
    small_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A few clusters of very different size hold what they promise, but not by Student's law."""
    asked = ["--redraws", 200, "--set", "truth.seeds=0", "--set", "analysis.primary=cvr"]
    folder = begun(tmp_path / "run", small_run)
    words = [SMALL, "--out", folder, *SETS[:-2], *asked]
    status, printed = told(capsys, *words, "--design", "shopper", "--json")
    assert status == 0, printed.err
    found = json.loads(printed.out)
    assert found["operating"] == read(folder, "operating")
    assert found["report"] == str(folder / "operating.html")
    asked_of = ("metric", "unit", "question")
    rows = {tuple(row[key] for key in asked_of): row for row in found["operating"]["rows"]}
    assert rows["ctr", "exposures", "false_positive_rate"]["verdict"] == "does_not_hold"
    assert rows["gmv", "shoppers", "coverage_global"]["verdict"] == "cannot_be_told"
    assert rows["gmv", "shoppers", "power"]["value"]["estimate"] is None

    status, printed = told(capsys, *words, "--design", "query_cluster")
    assert status == 0, printed.err
    by_permutation = QueryClusterDesign.layout
    monkeypatch.setattr(
        QueryClusterDesign,
        "layout",
        lambda self, first_day: replace(by_permutation(self, first_day), permuted=False),
    )
    status, printed = told(capsys, *words, "--design", "query_cluster", "--overwrite")
    assert status == 1
    words_of = " ".join(printed.out.split())
    assert " not hold: " in words_of
    assert "(query cluster, by redraws)." in words_of
    assert "(query cluster, by redraws)" in words_of
    assert "`truth.seeds` is 0, so the true effect is not known" in words_of


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--redraws", "0"], "--redraws == 0, must be > 0 where --worlds is 0"),
        (["--arm", "nobody"], "--arm == 'nobody', must be"),
        (["--design", "coin"], "--design == 'coin', must be"),
        (["--design", "switchback"], "switchback: world.days == 2, must be >= 4"),
        (["--set", "wrld.days=3"], "wrld"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], wanted: str
) -> None:
    status, printed = told(capsys, SMALL, "--out", tmp_path / "run", *arguments)
    assert status == 2
    assert wanted in printed.err
    assert not (tmp_path / "run").exists()


def test_what_worlds_would_cost_is_told_where_none_are_asked_for(
    small_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = begun(tmp_path / "run", small_run)
    asked = ["--redraws", 20, "--design", "session", "--set", "truth.seeds=0"]
    _, printed = told(capsys, SMALL, "--out", folder, *SETS[:-2], *asked)
    assert "plan: --worlds 200 would take about" in printed.err
    assert "redraws" in printed.err
