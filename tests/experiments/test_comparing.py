"""`funnelab compare`: two runs agree with themselves, and a run that cannot be read is named."""

import json
import shutil
from dataclasses import replace

import pytest

from experiments.cli import run_command
from experiments.records.interval import Interval
from experiments.records.reading import read_record, write_record
from experiments.records.truth import Truths


def compared(capsys, *arguments):
    status = run_command(["compare", *map(str, arguments)])
    return status, capsys.readouterr()


def test_a_run_agrees_with_itself(small_run, capsys):
    status, printed = compared(capsys, small_run, small_run)
    assert status == 0
    assert "The runs agree: " in printed.out
    assert "gmv" in printed.out


@pytest.fixture
def other(small_run, tmp_path):
    """The same run, whose clicks per exposure came out far from what they were."""
    folder = tmp_path / "other"
    shutil.copytree(small_run, folder, symlinks=True, ignore=shutil.ignore_patterns("stages"))
    truths = read_record(Truths, folder)
    far = Interval(3.0, 2.9, 3.1)
    rows = [
        replace(row, effect=far, relative=far) if row.metric == "ctr" else row
        for row in truths.truth
    ]
    write_record(folder, replace(truths, truth=tuple(rows)))
    return folder


def test_runs_that_do_not_agree_end_with_status_1_and_name_the_effect(small_run, other, capsys):
    status, printed = compared(capsys, small_run, other)
    assert status == 1
    assert "do not agree on ctr" in printed.out


def test_for_scripts_every_effect_is_told(small_run, other, capsys):
    status, printed = compared(capsys, small_run, other, "--json")
    found = json.loads(printed.out)
    rows = {row["metric"]: row for row in found["effects"]}
    assert found["changed"] == []
    assert status == 1
    assert rows["ctr"]["agrees"] is False
    assert rows["gmv"]["agrees"] is True
    assert rows["ctr"]["second"] == {"estimate": 3.0, "low": 2.9, "high": 3.1}


def test_what_sets_two_runs_apart_is_told_first(small_run, other, capsys):
    config = other / "config.toml"
    text = config.read_text().replace("history_days = 2", "history_days = 3")
    first, arms = text.split("[[arms]]", 1)
    config.write_text(f"{first}[[arms]]{arms.replace('share = 0.5', 'share = 0.4', 1)}")
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["versions"]["torch"] = "9.9"
    manifest["processor"] = "abacus"
    (other / "manifest.json").write_text(json.dumps(manifest))
    _, printed = compared(capsys, small_run, other, "--json")
    changed = json.loads(printed.out)["changed"]
    apart = {(row["kind"], row["key"]): row["second"] for row in changed}
    assert apart == {
        ("setting", "arms.control.share"): "0.4",
        ("setting", "world.history_days"): "3",
        ("version", "torch"): "9.9",
        ("machine", "processor"): "abacus",
    }
    _, printed = compared(capsys, small_run, other)
    assert printed.out.index("What sets them apart") < printed.out.index("Two runs of one config")
    assert "abacus" in printed.out


def test_a_folder_without_a_run_is_refused(small_run, tmp_path, capsys):
    status, printed = compared(capsys, small_run, tmp_path)
    assert status == 2
    assert str(tmp_path) in printed.err
