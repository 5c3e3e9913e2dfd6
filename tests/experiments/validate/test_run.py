"""`funnelab validate`: of a run and of a config, in words and for scripts, and what it refuses."""

import json
import shutil

import pytest

from experiments.cli import run_command
from experiments.records.reading import read_record
from experiments.records.validity import Validity, Verdict
from tests.experiments.small_runs import SMALL, content, log_digests
from tests.experiments.validate.evidences import log_of, spoiled


def validated(capsys, *arguments):
    status = run_command(["validate", *map(str, arguments)])
    return status, capsys.readouterr()


@pytest.fixture(scope="module")
def of_run(small_run, tmp_path_factory):
    """Where the small run was judged; the run itself is only read."""
    out = tmp_path_factory.mktemp("judged") / "out"
    before = content(small_run)
    status = run_command(["validate", str(small_run), "--out", str(out)])
    assert content(small_run) == before
    return status, out


def test_the_status_is_1_where_a_check_failed_and_0_where_none_did(of_run):
    status, out = of_run
    record = read_record(Validity, out)
    assert status == (1 if record.count(Verdict.FAIL) else 0)


def test_a_run_has_every_rung_and_its_page_says_what_came_of_it(of_run):
    _, out = of_run
    record = read_record(Validity, out)
    rungs = {"invariants", "ranges", "controls", "policy_shift", "favouritism"}
    assert {check.rung for check in record.checks} == rungs
    assert {check.period for check in record.checks} == {"history", "experiment"}
    assert record.count(Verdict.FAIL, "invariants") == record.count(Verdict.FAIL, "controls") == 0
    page = (out / "validity.html").read_text()
    for told in (
        "Purchase per click",
        "CTR rise on phone",
        "GMV before",
        "Channels by several truths",
    ):
        assert told in page


def test_without_an_audit_no_channel_is_asked_and_that_is_said(small_run, tmp_path, capsys):
    out = tmp_path / "out"
    _, printed = validated(capsys, small_run, "--out", out, "--audit", 0)
    record = read_record(Validity, out)
    assert not record.recalls
    assert not [check for check in record.checks if check.rung == "favouritism"]
    assert "Channels were not asked" in " ".join(printed.out.split())


def test_for_scripts_the_record_is_told_whole(small_run, of_run, tmp_path, capsys):
    status, printed = validated(capsys, small_run, "--out", tmp_path / "out", "--json")
    told = json.loads(printed.out)
    assert status == of_run[0]
    assert told["validity"] == json.loads((of_run[1] / "validity.json").read_text())
    assert told["report"] == str(tmp_path / "out" / "validity.html")


def test_a_config_has_its_history_made_and_judged_without_any_model(small_run, tmp_path, capsys):
    out = tmp_path / "out"
    status, printed = validated(capsys, SMALL, "--out", out)
    record = read_record(Validity, out)
    assert status == (1 if record.count(Verdict.FAIL) else 0)
    assert {check.period for check in record.checks} == {"history"}
    assert record.count(Verdict.FAIL, "invariants") == 0
    stages = {path.name.rpartition("-")[0] for path in (out / "stages").glob("*-*")}
    assert stages == {"catalogue", "history"}
    assert log_digests(out).items() <= log_digests(small_run).items()
    assert "No experiment was run" in " ".join(printed.out.split())
    again, printed = validated(capsys, out)  # the folder is a run that has a history alone
    assert again == status
    assert "No experiment was run" in " ".join(printed.out.split())


def test_a_log_that_was_changed_fails(small_run, tmp_path, capsys, monkeypatch):
    """As the digest of a stage would refuse it, the log is spoiled behind that check."""
    broken = spoiled(
        log_of(small_run, "history"),
        tmp_path / "log",
        "sessions",
        lambda rows: rows.assign(end_reason=None),
    )
    import experiments.validate.opening as opening

    found = opening.open_logs
    monkeypatch.setattr(opening, "open_logs", lambda history, *others: found(broken, *others))
    status, printed = validated(capsys, small_run, "--out", tmp_path / "out")
    assert status == 1
    assert "session without reason (history)" in " ".join(printed.out.split())


def test_a_damaged_stage_is_refused(small_run, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(small_run, copy, symlinks=True)
    shard = next((log_of(copy, "history") / "orders").glob("*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-1])
    status, printed = validated(capsys, copy)
    assert status == 2
    assert "must be as it was written" in printed.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["{tmp}"], "no finished run, must be the folder of one, or a config"),
        (["nowhere"], "nowhere"),
        (["{run}", "--set", "seed=3"], "must not be given with a finished run"),
        (["{small}", "--set", "wrld.days=3"], "wrld"),
    ],
)
def test_what_is_neither_a_run_nor_a_config_is_refused(
    small_run, tmp_path, capsys, arguments, told
):
    given = [each.format(tmp=tmp_path, run=small_run, small=SMALL) for each in arguments]
    status, printed = validated(capsys, *given)
    assert status == 2
    assert told in printed.err


def test_a_history_without_visits_is_refused(tmp_path, capsys):
    quiet = ["shoppers.count=3", "shoppers.visits_per_week=0.0001", "world.history_days=1"]
    sets = [part for each in quiet for part in ("--set", each)]
    status, printed = validated(capsys, SMALL, "--out", tmp_path / "out", *sets)
    assert status == 2
    assert "requests == 0 rows, must be a history in which somebody searched" in printed.err


def test_a_history_without_orders_is_told(tmp_path, capsys):
    status, printed = validated(
        *(capsys, SMALL, "--out", tmp_path / "out", "--set", "world.behavior.outside=60", "--json")
    )
    rows = {row["fact"]: row for row in json.loads(printed.out)["validity"]["checks"]}
    assert status == (1 if any(row["verdict"] == "fail" for row in rows.values()) else 0)
    assert rows["purchase_per_click"]["found"]["estimate"] == 0
    assert rows["purchase_per_click"]["verdict"] != "pass"
    assert rows["items_per_order"]["verdict"] == "untold"
    assert rows["negative_stock"]["verdict"] == "pass"
