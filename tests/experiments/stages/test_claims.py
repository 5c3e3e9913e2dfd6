"""Several makers share one store: each stage is made by one of them, and none waits for ever."""

import io
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from experiments.config.execution import ExecutionSpec
from experiments.stages.claims import alone_with, claimed
from experiments.stages.executor import Advance
from experiments.stages.folder import RunFolder, held_store
from experiments.stages.maker import Maker
from experiments.stages.progress import LineProgress
from experiments.stages.stage import Stage
from simulator.errors import StoreError
from simulator.failures import Failure, note_failure


@dataclass(frozen=True)
class Job:
    stage: Stage
    text: str
    named: tuple[Path, ...] = ()


def write(job: Job, *, advance: Advance) -> None:
    with job.stage.write() as folder:
        (folder / "text").write_text(job.text)
    advance(1)


def write_and_fail(job: Job, *, advance: Advance) -> None:
    note_failure(Failure("channel mine", "raised", 5, job.text))
    write(job, advance=advance)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Of a run, whose store is held for several makers."""
    with held_store(tmp_path / "run"):
        yield tmp_path / "run"


class Shared:
    """A maker in a shared store, with what it told."""

    def __init__(self, folder: Path) -> None:
        self.told = io.StringIO()
        self.run = RunFolder(folder, shared=True)
        self.run.__enter__()
        self.maker = Maker(self.run, ExecutionSpec(processes=1), LineProgress(self.told))

    def stage(self, name: str, task: Callable[..., None] = write, *inputs: str) -> Stage:
        return self.maker.stage(name, name, task=task, inputs=inputs)


@pytest.fixture
def shared(folder: Path) -> Iterator[Callable[[], Shared]]:
    makers: list[Shared] = []

    def made() -> Shared:
        makers.append(Shared(folder))
        return makers[-1]

    yield made
    for each in makers:
        each.run.__exit__(None, None, None)


def meanwhile(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize("here", [True, False])
def test_what_another_one_makes_is_waited_for_and_not_made_again(
    shared: Callable[[], Shared], here: bool
) -> None:
    one, other = shared(), shared()
    job = Job(one.stage("text"), "theirs")
    with alone_with(job.stage):
        mine = Job(other.stage("text"), "mine")
        if here:
            waiting = meanwhile(lambda: other.maker.here(mine, "texts"))
        else:
            waiting = meanwhile(lambda: other.maker.side_by_side("texts", [mine], "texts", 1))
        waiting.join(0.5)
        assert waiting.is_alive()
        write(job, advance=lambda amount: None)
    waiting.join()
    assert (job.stage.path / "text").read_text() == "theirs"
    assert [(each.name, each.cached) for each in other.maker.records] == [("text", True)]


def test_while_another_one_makes_a_stage_the_others_are_made(
    shared: Callable[[], Shared],
) -> None:
    one, other = shared(), shared()
    busy = one.stage("busy")
    with alone_with(busy):
        jobs = [Job(other.stage("busy"), "mine"), Job(other.stage("free"), "mine")]
        made_of_it = Job(other.stage("late"), "mine", (busy.path,))
        names = [*jobs, made_of_it]
        waiting = meanwhile(lambda: other.maker.side_by_side("texts", names, "texts", 1))
        while not jobs[1].stage.finished:
            assert waiting.is_alive()
        assert not made_of_it.stage.finished
        write(Job(busy, "theirs"), advance=lambda amount: None)
    waiting.join()
    assert made_of_it.stage.finished
    assert [each.cached for each in other.maker.records] == [True, False, False]


def test_what_another_one_failed_to_make_is_made(shared: Callable[[], Shared]) -> None:
    one, other = shared(), shared()
    with alone_with(one.stage("text")):
        mine = Job(other.stage("text"), "mine")
        waiting = meanwhile(lambda: other.maker.side_by_side("texts", [mine], "texts", 1))
        waiting.join(0.3)
    waiting.join()
    assert (mine.stage.path / "text").read_text() == "mine"


def test_a_claim_is_one_holders_and_goes_with_it(shared: Callable[[], Shared]) -> None:
    stage = shared().stage("text")
    with claimed(stage) as mine, claimed(stage) as theirs:
        assert (mine, theirs) == (True, False)
    with claimed(stage) as again:
        assert again


def test_a_damaged_stage_of_a_shared_store_is_made_again_once(
    folder: Path, shared: Callable[[], Shared]
) -> None:
    one, other = shared(), shared()
    one.maker.here(Job(one.stage("text"), "first"), "texts")
    stage = other.stage("text")
    assert "damaged" not in other.told.getvalue()
    (stage.path / "text").write_text("spoiled")
    third, fourth = shared(), shared()
    third.maker.here(Job(third.stage("text"), "second"), "texts")
    assert "text has changed since it was written" in third.told.getvalue()
    fourth.maker.here(Job(fourth.stage("text"), "third"), "texts")
    assert fourth.told.getvalue() == "text: found in the store\n"
    assert (stage.path / "text").read_text() == "second"


def test_a_part_that_failed_is_tried_again_once_by_all_who_share_the_store(
    tmp_path: Path,
) -> None:
    """Both stages, for the second is made of the first; the second maker keeps what the first did.

    So it is where the first has not yet come to the second stage.
    """
    run = tmp_path / "run"

    def made(maker: Shared, text: str, stages: int = 2) -> list[str]:
        found = []
        inputs: tuple[str, ...] = ()
        for name, task in [("one", write_and_fail), ("two", write)][:stages]:
            stage = maker.stage(name, task, *inputs)
            maker.maker.here(Job(stage, text), "texts")
            found.append((stage.path / "text").read_text())
            inputs = (stage.key,)
        return found

    with held_store(run):
        assert made(Shared(run), "first") == ["first", "first"]
        assert made(Shared(run), "again") == ["first", "first"]  # failed since it is held
    for path in run.glob("stages/*/stage.json"):
        os.utime(path, ns=(1, 1))
    with held_store(run):
        assert made(Shared(run), "second", stages=1) == ["second"]
        assert made(Shared(run), "third") == ["second", "third"]
        assert made(Shared(run), "fourth") == ["second", "third"]


def test_a_held_store_is_for_those_who_share_it_alone(folder: Path) -> None:
    with RunFolder(folder, shared=True), RunFolder(folder, shared=True):
        wanted = "is being written by another funnelab process"
        with pytest.raises(StoreError, match=wanted):
            RunFolder(folder).__enter__()


def test_what_was_left_half_written_is_swept_up_before_and_after_and_never_meanwhile(
    tmp_path: Path,
) -> None:
    half = tmp_path / "run" / "stages" / "text-0.partial"
    half.mkdir(parents=True)
    with held_store(tmp_path / "run"):
        assert not half.exists()
        half.mkdir()
        with RunFolder(tmp_path / "run", shared=True):
            assert half.exists()
        assert half.exists()
    assert not half.exists()
