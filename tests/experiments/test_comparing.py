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
    rows = {row["metric"]: row for row in json.loads(printed.out)}
    assert status == 1
    assert rows["ctr"]["agrees"] is False
    assert rows["gmv"]["agrees"] is True
    assert rows["ctr"]["second"] == {"estimate": 3.0, "low": 2.9, "high": 3.1}


def test_a_folder_without_a_run_is_refused(small_run, tmp_path, capsys):
    status, printed = compared(capsys, small_run, tmp_path)
    assert status == 2
    assert str(tmp_path) in printed.err
