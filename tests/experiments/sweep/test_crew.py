"""Cells are handed to workers, and what becomes of them is told, whatever becomes of workers."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiments.config.execution import ExecutionSpec
from experiments.stages.progress import NoProgress, Progress
from experiments.sweep.crew import MOST_DEATHS, Crew, Here, Outcome, Work, attempt, carry_out
from experiments.sweep.processes import Processes
from simulator.errors import ContractError, DiskError

BUSY = 0.12
"""Seconds of a processor that a stand-in for a cell takes."""


def busy(config: Any, folder: Path, **options: Any) -> None:
    """Keep a processor busy, and write down from when to when."""
    begun, until = time.monotonic(), time.process_time() + BUSY
    while time.process_time() < until:
        pass
    (folder / config.name).write_text(f"{begun} {time.monotonic()}")


def meet(config: Any, folder: Path, **options: Any) -> None:
    """Wait until another cell is under way, too."""
    (folder / config.name).touch()
    while len([*folder.iterdir()]) < 2:
        time.sleep(0.01)


def die_twice(config: Any, folder: Path, **options: Any) -> None:
    deaths = len([*folder.glob("death*")])
    if config.name == "1" and deaths < 2:
        (folder / f"death{deaths}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    (folder / f"done{config.name}").touch()


def die(config: Any, folder: Path, **options: Any) -> None:
    if config.name == "1":
        os.kill(os.getpid(), signal.SIGKILL)


def fail(config: Any, folder: Path, **options: Any) -> None:
    errors = {"1": ContractError("no such luck"), "2": KeyError("odd"), "3": MemoryError()}
    if config.name in errors:
        raise errors[config.name]


def threads(config: Any, folder: Path, *, execution: ExecutionSpec, **options: Any) -> None:
    told = (os.environ["OMP_NUM_THREADS"], os.environ["NUMBA_NUM_THREADS"], execution.processes)
    (folder / config.name).write_text(" ".join(map(str, told)))


@pytest.mark.parametrize(("unit", "made"), [("pages", True), ("", False)])
def test_a_cell_that_only_tells_what_it_found_was_there_before(
    tmp_path: Path, unit: str, made: bool
) -> None:
    def tell(config: Any, folder: Path, *, progress: Progress, **options: Any) -> None:
        progress.reused("history")
        with progress.stage("worlds", unit=unit):
            pass

    (work,) = works(tmp_path, 1)
    assert attempt(tell, work, NoProgress()) == Outcome(made=made)


class Deaf:
    """Something whose end takes a while, and swallows an interruption, as callbacks of C do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __del__(self) -> None:
        (self.folder / "deaf").touch()
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            pass


def swallow(config: Any, folder: Path, **options: Any) -> None:
    """Be interrupted where that is ignored, and work on."""
    try:
        thing = Deaf(folder)
        del thing
        while True:
            time.sleep(0.01)
    finally:
        (folder / "heard").touch()


Hire = Callable[..., Processes]


@pytest.fixture
def processes() -> Iterator[Hire]:
    """Hires worker processes, and stops them in the end."""
    hired = []

    def hire(run: Callable[..., None], jobs: int, processors: int = 1) -> Processes:
        hired.append(Processes(run, jobs, processors, [__name__]))
        return hired[-1]

    yield hire
    for crew in hired:
        crew.stop()


def works(folder: Path, count: int) -> list[Work]:
    cells = [
        SimpleNamespace(name=str(number), execution=ExecutionSpec(processes=3))
        for number in range(1, count + 1)
    ]
    here = (os.getcwd(), ())
    return [
        Work(number, f"{number}/{count}", "", cell, folder, "a test", False, here)  # type: ignore[arg-type]
        for number, cell in enumerate(cells, start=1)
    ]


def ended(crew: Crew, its: list[Work], progress: Any = None) -> dict[int, str]:
    outcomes = carry_out(crew, its, progress or NoProgress())
    return {work.number: outcome.reason for work, outcome in outcomes}


def together(folder: Path) -> float:
    """How many cells were under way on average, from the first to the last moment."""
    spans = [tuple(map(float, path.read_text().split())) for path in folder.iterdir()]
    whole = max(end for _, end in spans) - min(begin for begin, _ in spans)
    return sum(end - begin for begin, end in spans) / whole


def test_two_processes_have_two_cells_under_way_nearly_all_the_time(
    tmp_path: Path, processes: Hire
) -> None:
    """With as many processors, that is how many times as fast they are as one process.

    Both the cells and the whole take longer on a machine that does other things, too.
    """
    for name in ("before", "two", "one"):
        (tmp_path / name).mkdir()
    crew = processes(busy, 2)
    ended(crew, works(tmp_path / "before", 4))  # until both have loaded their libraries
    assert ended(crew, works(tmp_path / "two", 16)) == dict.fromkeys(range(1, 17), "")
    assert together(tmp_path / "two") >= 1.8
    ended(Here(busy, NoProgress()), works(tmp_path / "one", 2))
    assert together(tmp_path / "one") <= 1.01


def test_cells_of_two_processes_are_under_way_at_the_same_time(
    tmp_path: Path, processes: Hire
) -> None:
    assert ended(processes(meet, 2), works(tmp_path, 2)) == {1: "", 2: ""}


def test_a_worker_that_dies_costs_only_its_cell_which_is_begun_again(
    tmp_path: Path, processes: Hire
) -> None:
    assert ended(processes(die_twice, 2), works(tmp_path, 3)) == {1: "", 2: "", 3: ""}
    assert sorted(path.name for path in tmp_path.glob("done*")) == ["done1", "done2", "done3"]


def test_a_cell_that_kills_every_worker_is_given_up_and_the_others_go_on(
    tmp_path: Path, processes: Hire
) -> None:
    reasons = ended(processes(die, 2), works(tmp_path, 3))
    assert reasons[1].startswith(f"{MOST_DEATHS} workers == killed in the middle of it")
    assert (reasons[2], reasons[3]) == ("", "")


@pytest.mark.parametrize("apart", [False, True])
def test_whatever_a_cell_fails_with_is_told_and_the_others_go_on(
    tmp_path: Path, processes: Hire, apart: bool
) -> None:
    crew = processes(fail, 2) if apart else Here(fail, NoProgress())
    reasons = ended(crew, works(tmp_path, 4))
    assert reasons[1] == "no such luck"
    assert reasons[2].startswith("KeyError: 'odd' (")
    assert f"{Path(__file__).name}:" in reasons[2]
    assert reasons[3].startswith("memory == full")
    assert reasons[4] == ""


def test_a_store_that_cannot_be_written_stops_all(tmp_path: Path) -> None:
    def full(*arguments: Any, **options: Any) -> None:
        raise DiskError("the disk == full")

    (work,) = works(tmp_path, 1)
    assert attempt(full, work, NoProgress()) == Outcome("the disk == full", stops=True)


def test_a_worker_has_its_share_of_the_processors_for_threads_and_processes(
    tmp_path: Path, processes: Hire
) -> None:
    ended(processes(threads, 2, 2), works(tmp_path, 1))
    assert (tmp_path / "1").read_text() == "2 2 2"
    ended(processes(threads, 2, 4), works(tmp_path, 1))
    assert (tmp_path / "1").read_text() == "4 4 3"  # no more than the settings ask for


def test_workers_are_stopped_with_what_they_have_begun(tmp_path: Path, processes: Hire) -> None:
    crew = processes(meet, 2)
    (work,) = works(tmp_path, 1)
    crew.begin(work)
    while not (tmp_path / "1").exists():
        crew.news()
    (worker,) = multiprocessing.active_children()
    pid = worker.pid or 0
    crew.stop()
    assert not multiprocessing.active_children()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_worker_that_dies_between_two_cells_costs_none(tmp_path: Path, processes: Hire) -> None:
    crew = processes(die_twice, 1)
    assert ended(crew, works(tmp_path, 3)[1:]) == {2: "", 3: ""}
    (worker,) = multiprocessing.active_children()
    worker.kill()
    worker.join()
    assert ended(crew, works(tmp_path, 2)[1:]) == {2: ""}


def test_a_worker_hears_an_interruption_that_a_callback_has_swallowed(
    processes: Hire, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    crew = processes(swallow, 1)
    crew.begin(works(tmp_path, 1)[0])
    while not (tmp_path / "deaf").exists():
        time.sleep(0.01)
    begun = time.monotonic()
    crew.stop()
    assert time.monotonic() - begun < 4  # before it would be killed
    assert (tmp_path / "heard").exists()
    assert "Traceback" not in capfd.readouterr().err
