"""`funnelab analyze` reads a log, writes record and page, and refuses what it cannot use."""

import json
from pathlib import Path

import pytest

from experiments.cli import run_command
from experiments.records.experiment.scorecard import Scorecard
from experiments.records.reading import read_record
from tests.experiments.analyze.test_scoring import customers

COMMON = ["--unit", "customer", "--arm", "variant", "--control", "old", "--rows", "units"]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "boxes.csv"
    customers(n=3_000).to_csv(path, index=False)
    return path


def test_a_log_becomes_a_scorecard_and_a_page(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--metric", "orders", "--metric", "views", "--metric", "ctr=clicks/views"]
    assert run_command(["analyze", str(log), *asked, *COMMON, "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "new against old" in said
    card = read_record(Scorecard, tmp_path)
    assert [each.name for each in card.metrics] == ["orders", "views", "ctr"]
    page = (tmp_path / "scorecard.html").read_text()
    assert "boxes" in page
    assert "There is no truth beside these estimates" in page


def test_a_toml_file_describes_a_log_beside_it(log: Path, tmp_path: Path) -> None:
    described = log.with_name("log.toml")
    described.write_text(
        'path = "boxes.csv"\nrows = "units"\nunit = "customer"\narm = "variant"\n'
        'segments = ["device"]\n[[metrics]]\nname = "orders"\nvalue = "orders"\n'
    )
    assert run_command(["analyze", str(described), "--control", "old", "--out", str(tmp_path)]) == 0
    assert read_record(Scorecard, tmp_path).control == "old"


def test_json_is_for_scripts(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["analyze", str(log), "--metric", "orders", *COMMON, "--out", str(tmp_path), "--json"]
    assert run_command(words) == 0
    assert json.loads(capsys.readouterr().out)["scorecard"]["control"] == "old"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["none.csv", "--metric", "orders"], "path == none.csv: no such file"),
        (["LOG"], "metrics == none, must be one at least"),
        (["LOG", "--metric", "=x"], "--metric =x == no name"),
        (["LOG", "--metric", "orders", "--arm", "group"], "arm == 'group', must be a column"),
        (["none.toml"], "none.toml"),
    ],
)
def test_what_cannot_be_used_is_refused(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], wanted: str
) -> None:
    told = [str(log) if word == "LOG" else word for word in words]
    assert run_command(["analyze", *told, *COMMON[:2], "--out", str(tmp_path)]) == 2
    assert wanted in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
