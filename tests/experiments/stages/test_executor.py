"""Tasks give the same results wherever they run."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.config.execution import ExecutionSpec
from experiments.stages.executor import Advance, run_tasks
from simulator.errors import ConfigError, FunnelabError

ONE = ExecutionSpec(processes=1)
TWO = ExecutionSpec(processes=2)


def square(number: int, *, advance: Advance) -> int:
    advance(number)
    return number * number


def sleep_inversely(number: int, *, advance: Advance) -> int:
    time.sleep(0.3 / (1 + number))
    return number


def threads(*, advance: Advance) -> str:
    return os.environ["OMP_NUM_THREADS"]


def fail_on_two(number: int, *, advance: Advance) -> int:
    if number == 2:
        raise ValueError("two is too many")
    signal.pause()  # until it is killed
    return number


def die(number: int, *, advance: Advance) -> int:
    os._exit(1)


def _ignore(amount: int) -> None: ...


@pytest.mark.parametrize("settings", [ONE, TWO])
def test_results_come_in_the_order_of_the_arguments(settings: ExecutionSpec) -> None:
    arguments = [(0,), (5,), (1,), (20,)]
    results = run_tasks(sleep_inversely, arguments, settings=settings, advance=_ignore)
    assert results == [0, 5, 1, 20]


@pytest.mark.parametrize("settings", [ONE, TWO])
def test_the_parent_counts_all_progress_of_its_workers(settings: ExecutionSpec) -> None:
    counted: list[int] = []
    results = run_tasks(square, [(1,), (2,), (3,)], settings=settings, advance=counted.append)
    assert results == [1, 4, 9]
    assert sorted(counted) == [1, 2, 3]


def test_workers_use_one_thread_and_leave_the_parent_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert run_tasks(threads, [(), ()], settings=TWO, advance=_ignore) == ["1", "1"]
    assert os.environ["OMP_NUM_THREADS"] == "2"
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert run_tasks(threads, [(), ()], settings=TWO, advance=_ignore) == ["1", "1"]
    assert "OMP_NUM_THREADS" not in os.environ


def test_a_failing_task_stops_the_others_and_shows_the_workers_traceback() -> None:
    with pytest.raises(ValueError, match="two is too many") as caught:
        run_tasks(fail_on_two, [(1,), (2,)], settings=TWO, advance=_ignore)
    assert "in fail_on_two" in str(caught.value.__cause__)
    assert not multiprocessing.active_children()


def test_a_killed_worker_is_reported_in_words() -> None:
    with pytest.raises(FunnelabError, match=r"processes == 2: a worker was killed.* must be fewer"):
        run_tasks(die, [(1,), (2,)], settings=TWO, advance=_ignore)


def test_ray_without_ray_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'funnelab\[cluster\]'"):
        run_tasks(square, [(1,)], settings=ExecutionSpec(backend="ray"), advance=_ignore)


_ENDLESS = """
import sys, time
sys.path.insert(0, {folder!r})
from pathlib import Path
from experiments.config.execution import ExecutionSpec
from experiments.stages.executor import run_tasks
from endless import wait_forever
if __name__ == "__main__":
    folder = Path({folder!r})
    try:
        run_tasks(wait_forever, [(folder, 0), (folder, 1)], settings=ExecutionSpec(processes=2),
                  advance=lambda n: None)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""
_WAIT_FOREVER = """
import os, signal
def wait_forever(folder, number, *, advance):
    (folder / f"worker-{number}").write_text(str(os.getpid()))
    signal.pause()
"""


@pytest.mark.parametrize("signal_number", [2, 9])
def test_workers_end_when_the_parent_is_interrupted_or_killed(
    tmp_path: Path, signal_number: int
) -> None:
    (tmp_path / "endless.py").write_text(_WAIT_FOREVER)
    (tmp_path / "program.py").write_text(_ENDLESS.format(folder=str(tmp_path)))
    program = subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py")], stdout=subprocess.PIPE, text=True
    )
    workers = _pids_of_workers(tmp_path, program)
    program.send_signal(signal_number)
    output, _ = program.communicate()
    assert output == ("interrupted\n" if signal_number == 2 else "")
    while any(_alive(pid) for pid in workers):  # one that outlives its parent waits for ever
        time.sleep(0.05)


_UNGUARDED = """
from experiments.config.execution import ExecutionSpec
from experiments.stages.executor import run_tasks
from plain_tasks import halve

print(run_tasks(halve, [(2,), (4,)], settings=ExecutionSpec(processes=2), advance=lambda n: None))
"""


@pytest.mark.slow
def test_a_script_without_a_guard_is_not_run_again_by_its_workers(tmp_path: Path) -> None:
    (tmp_path / "plain_tasks.py").write_text("def halve(n, *, advance):\n    return n // 2\n")
    (tmp_path / "program.py").write_text(_UNGUARDED)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")], capture_output=True, text=True
    )
    assert done.stdout == "[1, 2]\n", done.stderr


def _pids_of_workers(folder: Path, program: subprocess.Popen[str]) -> list[int]:
    while True:
        texts = [file.read_text() for file in folder.glob("worker-*")]
        if len(texts) == 2 and all(texts):
            return [int(text) for text in texts]
        assert program.poll() is None, "the program ended before its workers started"
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
