"""Ctrl-C and kill -9: what was finished stays, and the next run goes on from there."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.cli import run_command
from tests.experiments.small_runs import (
    PLAIN,
    SMALL,
    begun,
    content,
    log_digests,
    read,
    run,
    small_config,
)

pytestmark = pytest.mark.long

# An index refreshed twice an hour makes the worlds, and nothing else, slow enough to be hit.
SLOW = (*PLAIN, "world.index_refresh=1800", "truth.seeds=0")
COMMAND = Path(sys.executable).with_name("funnelab")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(small_config(*SLOW), tmp_path_factory.mktemp("whole") / "run")


def start(folder: Path, *more: str) -> subprocess.Popen[str]:
    options = [word for each in (*SLOW, *more) for word in ("--set", each)]
    words = [str(COMMAND), "run", str(SMALL), "--out", str(folder), *options]
    return subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a group of its own: Ctrl-C reaches all processes of a group
    )


def wait_for(pattern: str, folder: Path, program: subprocess.Popen[str]) -> None:
    while not list(folder.glob(pattern)):
        assert program.poll() is None, program.communicate()
        time.sleep(0.002)


def _is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("how", "whole_group"),
    [
        (signal.SIGTERM, False),
        pytest.param(signal.SIGHUP, True, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, True, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, False, marks=pytest.mark.slow),
    ],
)
@pytest.mark.slow
def test_a_run_that_is_asked_to_end_stops_its_processes_and_ends_by_that_signal(
    tmp_path: Path, uninterrupted: Path, how: signal.Signals, whole_group: bool
) -> None:
    """Nothing that its processes shared is left for Python to clean up and warn of."""
    (made,) = begun(tmp_path / "run", uninterrupted).glob("stages/experiment-*")
    shutil.rmtree(made)
    program = start(tmp_path / "run", "execution.processes=2", "truth.seeds=1")
    wait_for("run/stages/experiment-*.partial/log", tmp_path, program)
    if whole_group:
        os.killpg(program.pid, how)
    else:
        program.send_signal(how)
    output, error = program.communicate(timeout=300)
    assert program.returncode == -how
    assert output == ""
    assert "leaked" not in error
    assert "Traceback" not in error
    assert "Interrupted. Finished stages in " in error
    late = time.monotonic() + 60
    while _is_there(program.pid) and time.monotonic() < late:
        time.sleep(0.05)
    assert not _is_there(program.pid)  # nobody of its group is left


@pytest.mark.parametrize(
    "how", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.slow)]
)
def test_an_interrupted_run_goes_on_from_its_last_finished_stage_to_the_same_end(
    tmp_path: Path, uninterrupted: Path, how: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    (made,) = begun(folder := tmp_path / "run", uninterrupted).glob("stages/experiment-*")
    shutil.rmtree(made)
    program = start(folder)
    wait_for("stages/experiment-*.partial/log", folder, program)
    if how == signal.SIGINT:
        os.killpg(program.pid, how)
    else:
        program.kill()
    output, error = program.communicate()
    assert output == ""
    if how == signal.SIGINT:
        assert program.returncode == 130
        assert f"Finished stages in {folder} are kept (catalogue, history, channel-" in error
        assert "Traceback" not in error
    else:
        assert program.returncode == -signal.SIGKILL
    assert run_command(["report", str(folder)]) == 2
    assert "metrics.json" in capsys.readouterr().err
    finished = {name: hash_ for name, hash_ in content(folder).items() if ".partial" not in name}
    assert not any(name.startswith("stages/experiment-") for name in finished)

    run(small_config(*SLOW), folder)
    cached = {one["name"]: one["cached"] for one in read(folder, "manifest")["stages"]}
    assert [name for name, found in cached.items() if not found] == ["experiment"]
    assert finished.items() <= content(folder).items()
    assert not list((folder / "stages").glob("*.partial"))
    assert log_digests(folder) == log_digests(uninterrupted)
    assert read(folder, "metrics") == read(uninterrupted, "metrics")
