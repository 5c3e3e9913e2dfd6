"""The command answers from a run, a log or numbers, and refuses what it cannot answer."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.cli import run_command
from experiments.records.experiment.power import PowerRecord
from experiments.records.reading import read_record

NUMBERS = ["power", "--mean", "2", "--variance", "9", "--units-per-day", "1000"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_numbers_are_answered_into_a_folder_of_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command([*NUMBERS, "--effect", "5%", "--days", "14"]) == 0
    told = capsys.readouterr().out
    assert "28,258" in told
    assert "power.html" in told
    assert read_record(PowerRecord, Path("runs/power")).needs[0].days_needed == 29
    assert Path("runs/power/power.html").is_file()


def test_scripts_get_the_record_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command([*NUMBERS, "--effect", "5%", "--json", "--out", "x"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["power"] == json.loads(Path("x/power.json").read_text())
    assert (told["run"], told["failed"]) == ("x", [])


def test_a_run_is_planned_from_its_own_logs_into_its_folder(
    small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(small_run, tmp_path / "run", symlinks=True)
    arguments = ["power", str(folder), "--metric", "ctr", "--effect", "20%", "--simulate", "50"]
    assert run_command(arguments) == 0
    assert "clicks per exposure" in " ".join(capsys.readouterr().out.split())
    record = read_record(PowerRecord, folder)
    assert (record.source, record.arms, record.running) == ("run", ("control", "dense"), 2)
    assert record.methods == ("plain", "cuped")
    assert record.law is None  # of two days
    assert {row.repetitions for row in record.simulated} == {50}


def test_a_log_is_planned_into_runs_and_stays_as_it_is(days_log: Path, days_before: Path) -> None:
    before = sorted(path.name for path in days_log.iterdir())
    arguments = ["power", str(days_log), "--history", str(days_before), "--simulate", "0"]
    assert run_command([*arguments, "--effect", "30%", "--share", "0.6,0.4"]) == 0
    record = read_record(PowerRecord, Path("runs/power"))
    assert (record.source, record.metric, record.shares) == ("log", "orders", (0.6, 0.4))
    assert sorted(path.name for path in days_log.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["power"], "RUN|LOG == none, must be a folder"),
        (["power", "nowhere"], "nowhere == neither a finished run nor a log"),
        ([*NUMBERS, "--effect", "0%"], "effect == 0, must be another number"),
        ([*NUMBERS, "--effect", "much"], "--effect == 'much', must be a number"),
        ([*NUMBERS, "--effect", "1%", "--power", "0.01"], "power == 0.01, must be > 0.05"),
        ([*NUMBERS, "--effect", "1%", "--share", "0.5,0.6"], "sum 1.1, must sum to 1"),
        ([*NUMBERS, "--effect", "1%", "--arms", "1"], "--arms == 1, must be 2 to 50"),
        (["power", "--mean", "2", "--variance", "0", "--effect", "1%"], "--variance == 0, must be"),
        (["power", "{log}", "--metric", "ordrs"], "(the closest known: 'orders')"),
        (["power", "{log}", "--mean", "2"], "--mean == 2 with a run or log"),
        (["power", "{log}", "--history", "{log}"], "must be another log"),
        (["power", "{log}", "--history", "nowhere"], "nowhere == no manifest.json"),
    ],
)
def test_what_cannot_be_planned_is_one_message_and_status_2(
    days_log: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], wanted: str
) -> None:
    assert run_command([each.replace("{log}", str(days_log)) for each in arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "Error: " in output.err
    assert wanted in output.err
    assert not Path("runs").exists()


def test_numbers_need_no_library_of_logs_or_models() -> None:
    program = (
        "import sys\n"
        "from experiments.cli import run_command\n"
        f"assert run_command({[*NUMBERS, '--effect', '5%', '--out', 'x', '--json']!r}) == 0\n"
        "heavy = {'torch', 'numba', 'pandas', 'duckdb', 'scipy.stats', 'scipy.optimize'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.strip() == ""
