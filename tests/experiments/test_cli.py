"""The command answers with one clear message, or with results; never with a traceback."""

import io
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console

from experiments.cli import run_command
from experiments.config.loading import resolved_toml
from experiments.config.schema import Config
from experiments.records.reading import write_record
from experiments.stages.folder import RunFolder
from simulator.errors import ContractError
from tests.experiments.report.fake_run import bare_metrics, fake_manifest

METRICS = bare_metrics(name="demo")


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Run in an empty folder, with a stand-in for the stages that notes what it is asked."""
    calls: list[dict[str, Any]] = []

    def run_experiment(
        config: Config, folder: Path, *, progress: Any, command: str, overwrite: bool
    ) -> Path:
        calls.append({"config": config, "folder": folder, "overwrite": overwrite})
        with RunFolder(folder) as run:
            stage = run.stage("history", "abc")
            if not stage.finished:
                with stage.write():
                    pass
            if config.seed == 666:
                raise KeyboardInterrupt
            run.write_text("config.toml", resolved_toml(config))
            write_record(folder, METRICS)
            write_record(folder, fake_manifest(["control", "treatment"]))
        return folder / "report.html"

    module = ModuleType("experiments.running.run")
    module.run_experiment = run_experiment  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "experiments.running.run", module)
    monkeypatch.chdir(tmp_path)
    return calls


def test_the_demo_goes_to_its_folder_and_says_where(
    runs: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["demo"]) == 0
    assert runs[0]["folder"] == Path("runs/demo")
    assert "report.html" in capsys.readouterr().out


def test_a_run_takes_overrides_and_a_folder(runs: list[dict[str, Any]]) -> None:
    assert (
        run_command(["run", "demo", "--set", "seed=5", "--set", "world.days=2", "--out", "x"]) == 0
    )
    assert runs[0]["folder"] == Path("x")
    assert (runs[0]["config"].seed, runs[0]["config"].world.days) == (5, 2)


def test_json_is_all_that_goes_to_standard_output(
    runs: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["demo", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["metrics"] == json.loads((Path("runs/demo") / "metrics.json").read_text())
    assert summary["truth"] is None
    assert summary["run"] == str(Path("runs/demo"))


def test_results_may_be_replaced_only_when_told(runs: list[dict[str, Any]]) -> None:
    assert run_command(["demo"]) == run_command(["run", "demo", "--overwrite"]) == 0
    assert [call["overwrite"] for call in runs] == [False, True]


def test_ctrl_c_exits_130_and_names_what_is_kept(
    runs: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["demo", "--set", "seed=666"]) == 130
    error = capsys.readouterr().err
    assert "Finished stages in runs/demo are kept (history)" in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["run", "nowhere.toml"], "CONFIG == 'nowhere.toml', must be a TOML file"),
        (["run", "demo", "--set", "world.days=0"], "world.days == 0, must be >= 1"),
        (["run", "demo", "--out", "taken"], "taken exists and is not a funnelab run"),
        (["run", "demo", "--out", "taken/file"], "taken/file is a file"),
        (["report", "nowhere"], "nowhere"),
        (["config", "nowhere"], "CONFIG == 'nowhere'"),
        (["check", "channel", "nonsense"], "must be MODULE:OBJECT"),
        (["check", "ranker", "no_such_module:X"], "no_such_module"),
        (["data", "check", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_status_2(
    runs: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    wanted: str,
) -> None:
    Path("taken").mkdir()
    Path("taken/file").write_text("precious")
    assert run_command(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("Error: ")
    assert wanted in output.err
    assert Path("taken/file").read_text() == "precious"


def test_the_shown_config_is_the_whole_config(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["config", "--show", "demo", "--set", "seed=5"]) == 0
    shown = capsys.readouterr().out
    assert "seed = 5" in shown
    assert "[world.market]" in shown
    assert run_command(["config", "--schema"]) == 0
    assert "world" in json.loads(capsys.readouterr().out)["properties"]


def test_a_plug_in_is_judged_by_its_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["check", "channel", "recall.classic.popular:PopularChannel"]) == 0
    assert "keeps the contract of a channel" in capsys.readouterr().out
    assert run_command(["check", "channel", "pathlib:Path", "--json"]) == 2
    output = capsys.readouterr()
    assert json.loads(output.out)["findings"]
    assert "Error: pathlib:Path breaks the contract of a channel:" in output.err


def test_data_files_are_looked_at_before_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("id,title,price\n1,red lamp,9.5\n2,blue lamp,12\n")
    bad.write_text("id,title,price\n1,red lamp,-3\n1,,12\n")
    assert run_command(["data", "check", str(good)]) == 0
    assert f"{good} can be used: items 2" in capsys.readouterr().out
    assert run_command(["data", "check", str(good), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["items"] == 2
    assert run_command(["data", "check", str(bad)]) == 2
    error = capsys.readouterr().err
    assert all(word in error for word in ("bad.csv, line 2", "price == ", "line 3", "title == "))
    assert run_command(["data", "check", "demo"]) == 0
    assert "the catalogue is generated" in capsys.readouterr().out


def test_version_and_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["--version"]) == 0
    assert capsys.readouterr().out.startswith("funnelab ")
    assert run_command(["rnu"]) == 2


def test_help_comes_before_any_heavy_import() -> None:
    program = (
        "import sys, experiments.cli\n"
        "heavy = {'torch', 'transformers', 'numba', 'numpy', 'pandas', 'duckdb', 'plotly'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (SystemExit(), "sys.exit(None) called, must not end the program"),
        (SystemExit(0), "sys.exit(0) called, must not end the program"),
        (SystemExit("bye"), "sys.exit('bye') called, must not end the program"),
        (MemoryError(), "memory == full, must be a smaller world or fewer processes"),
        (ContractError("x == \x1b[31m, must be plain"), "x == \\x1b[31m, must be plain"),
    ],
)
def test_nothing_but_a_finished_command_has_status_0(
    runs: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: BaseException,
    said: str,
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise raised

    monkeypatch.setattr(sys.modules["experiments.running.run"], "run_experiment", fails)
    assert run_command(["demo"]) == 2
    assert f"Error: {said}" in capsys.readouterr().err


def test_a_terminal_that_lacks_letters_gets_their_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    assert run_command(["--version"]) == 0
    Console().print("l\u00e4mp \u2212")  # as summaries are
    stream.flush()
    assert b"l\\xe4mp \\u2212" in stream.buffer.getvalue()
