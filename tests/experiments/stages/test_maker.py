"""A stage is made once, by the task whose code is in its key; a damaged one is made again."""

import io
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from experiments.records.manifest import Failed
from experiments.stages.executor import Advance, ExecutionSpec
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Maker
from experiments.stages.progress import LineProgress
from experiments.stages.stage import Stage
from simulator.errors import StoreError
from simulator.failures import Failure, note_failure


@dataclass(frozen=True)
class Job:
    stage: Stage
    text: str


def write(job: Job, *, advance: Advance) -> None:
    with job.stage.write() as folder:
        (folder / "text").write_text(job.text)
    advance(1)


def make(folder: Path, texts: Sequence[str], *, here: bool = False) -> str:
    """Make a stage for each text; returns what was told."""
    stream = io.StringIO()
    with RunFolder(folder) as run:
        maker = Maker(run, ExecutionSpec(processes=1), LineProgress(stream))
        jobs = [
            Job(maker.stage(f"text-{text}", text, task=write, inputs=[]), text) for text in texts
        ]
        if here:
            maker.here(*jobs, unit="texts")
        else:
            maker.side_by_side("texts", jobs, "texts", 1)
        assert [(job.stage.path / "text").read_text() for job in jobs] == list(texts)
        assert [record.name for record in maker.records] == [f"text-{text}" for text in texts]
    return stream.getvalue()


@pytest.mark.parametrize("here", [True, False])
def test_a_stage_in_the_store_is_not_made_again(tmp_path: Path, here: bool) -> None:
    assert ": 1 texts in " in make(tmp_path / "run", ["a"], here=here)
    assert make(tmp_path / "run", ["a"], here=here).endswith(": found in the store\n")


@pytest.mark.parametrize("here", [True, False])
def test_a_damaged_stage_is_told_with_its_file_and_made_again(tmp_path: Path, here: bool) -> None:
    make(tmp_path / "run", ["a"], here=here)
    (file,) = tmp_path.glob("run/stages/text-a-*/text")
    file.write_text("spoiled")
    told, made = make(tmp_path / "run", ["a"], here=here).splitlines()
    wanted = "text-a: damaged in the store (text has changed since it was written), made again"
    assert told == wanted
    assert ": 1 texts in " in made
    assert file.read_text() == "a"
    assert "found in the store" in make(tmp_path / "run", ["a"], here=here)


def test_a_stage_without_its_record_is_told_and_made_again(tmp_path: Path) -> None:
    make(tmp_path / "run", ["a"])
    (record,) = tmp_path.glob("run/stages/text-a-*/stage.json")
    record.unlink()
    told, made = make(tmp_path / "run", ["a"]).splitlines()
    assert told == "text-a: damaged in the store (stage.json is gone), made again"
    assert ": 1 texts in " in made


@pytest.mark.parametrize("what", ["file", "link"])
def test_what_lies_in_the_place_of_a_stage_is_told_and_replaced(tmp_path: Path, what: str) -> None:
    make(tmp_path / "run", ["a"])
    (stage,) = tmp_path.glob("run/stages/text-a-*")
    shutil.rmtree(stage)
    stage.write_text("") if what == "file" else stage.symlink_to(tmp_path / "nowhere")
    assert "text-a: damaged in the store" in make(tmp_path / "run", ["a"])
    assert (stage / "text").read_text() == "a"


def test_only_what_is_missing_is_made(tmp_path: Path) -> None:
    make(tmp_path / "run", ["a"])
    assert "texts: 2 texts in " in make(tmp_path / "run", ["a", "b", "c"])


def write_some(job: Job, *, advance: Advance) -> str | None:
    if job.text == "bad":
        return "bad == refused"
    return write(job, advance=advance)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_task_that_says_why_it_failed_does_not_stop_the_others(
    tmp_path: Path, processes: int
) -> None:
    with RunFolder(tmp_path / "run") as run:
        maker = Maker(run, ExecutionSpec(processes=processes), LineProgress(io.StringIO()))
        jobs = [
            Job(maker.stage(text, text, task=write_some, inputs=[]), text)
            for text in ("a", "bad", "c")
        ]
        failed = maker.side_by_side("texts", jobs, "texts", 1)
        assert failed == {jobs[1].stage.path: "bad == refused"}
        assert [record.name for record in maker.records] == ["a", "c"]
        assert [job.stage.finished for job in jobs] == [True, False, True]


def write_and_tell(job: Job, *, advance: Advance) -> str:
    write(job, advance=advance)
    return job.text


def test_a_task_that_made_its_stage_has_not_failed_whatever_it_returns(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run") as run:
        maker = Maker(run, ExecutionSpec(processes=1), LineProgress(io.StringIO()))
        job = Job(maker.stage("told", "a", task=write_and_tell, inputs=[]), "a")
        assert maker.side_by_side("texts", [job], "texts", 1) == {}
        assert [record.name for record in maker.records] == ["told"]


@dataclass(frozen=True)
class Reader:
    stage: Stage
    text: str
    folders: dict[str, Path]


def copy_all(job: Reader, *, advance: Advance) -> None:
    texts = [(folder / "text").read_text() for folder in job.folders.values()]
    with job.stage.write() as folder:
        (folder / "text").write_text("+".join([*texts, job.text]))
    advance(1)


@pytest.mark.parametrize("processes", [1, 2])
def test_what_is_made_together_waits_for_the_folders_that_it_names(
    tmp_path: Path, processes: int
) -> None:
    stream = io.StringIO()
    with RunFolder(tmp_path / "run") as run:
        maker = Maker(run, ExecutionSpec(processes=processes), LineProgress(stream))

        def read(text: str, *others: Reader) -> Reader:
            named = {str(number): other.stage.path for number, other in enumerate(others)}
            return Reader(maker.stage(text, text, task=copy_all, inputs=[]), text, named)

        with maker.together("texts", "texts"):
            first, second = read("a"), read("b")
            maker.side_by_side("some", [first, second], "texts", 1)
            both = read("c", first, second)
            maker.side_by_side("more", [both], "texts", 1)
            assert not first.stage.finished
            maker.side_by_side("last", [read("d", both)], "texts", 1)
        assert (both.stage.path / "text").read_text() == "a+b+c"
        assert [record.name for record in maker.records] == ["a", "b", "c", "d"]
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("texts: 4 texts in ")


def asked_then_refused(maker: Maker, job: Job) -> None:
    maker.side_by_side("texts", [job], "texts", 1)
    raise StoreError("another one cannot be made")


def test_nothing_is_made_of_what_was_asked_for_together_where_that_failed(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run") as run:
        maker = Maker(run, ExecutionSpec(processes=1), LineProgress(io.StringIO()))
        job = Job(maker.stage("a", "a", task=write, inputs=[]), "a")
        with pytest.raises(StoreError), maker.together("texts", "texts"):
            asked_then_refused(maker, job)
        assert not job.stage.finished
        maker.side_by_side("texts", [job], "texts", 1)
        assert job.stage.finished


def test_what_counts_most_is_made_first(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run") as run:
        maker = Maker(run, ExecutionSpec(processes=1), LineProgress(io.StringIO()))
        jobs = [Job(maker.stage(text, text, task=write, inputs=[]), text) for text in "abc"]
        maker.side_by_side("texts", jobs, "texts", [1, 3, 2])
        made = sorted(jobs, key=lambda job: (job.stage.path / "text").stat().st_mtime_ns)
        assert [job.text for job in made] == ["b", "c", "a"]
        assert [record.name for record in maker.records] == ["a", "b", "c"]


def write_and_fail(job: Job, *, advance: Advance) -> None:
    if "bad" in job.text:
        note_failure(Failure("channel mine", "raised", 5, job.text))
    write(job, advance=advance)


FAILED = Failed(stage="one", part="channel mine", reason="raised", requests=5, detail="bad")


def chain(folder: Path, processes: int, *, results: Sequence[str] = ()) -> tuple[Maker, str]:
    """Two stages, of which the first fails and the second is made of it; and a third alone."""
    stream = io.StringIO()
    with RunFolder(folder) as run:
        maker = Maker(run, ExecutionSpec(processes=processes), LineProgress(stream), results)
        one = maker.stage("one", 1, task=write_and_fail, inputs=[])
        two = maker.stage("two", 2, task=write_and_fail, inputs=[one.key])
        three = maker.stage("three", 3, task=write_and_fail, inputs=[])
        texts = {"bad": one, "good": two, "fine": three}
        maker.side_by_side("texts", [Job(s, text) for text, s in texts.items()], "texts", 1)
    return maker, stream.getvalue()


@pytest.mark.parametrize("processes", [1, 2])
def test_a_failure_is_known_of_the_stage_in_which_it_was(tmp_path: Path, processes: int) -> None:
    maker, _ = chain(tmp_path / "run", processes)
    assert maker.failed == (FAILED,)


def test_a_stage_in_which_a_part_failed_is_made_again_and_what_was_made_of_it(
    tmp_path: Path,
) -> None:
    chain(tmp_path / "run", 1)
    maker, told = chain(tmp_path / "run", 1)
    assert told.splitlines()[:2] == [
        "one: made again, for channel mine failed in it",
        "two: made again, for it was made of one in which a part failed",
    ]
    assert "texts: 2 texts in " in told
    assert maker.failed == (FAILED,)


def test_a_stage_of_which_there_are_results_stays_and_is_told(tmp_path: Path) -> None:
    first, _ = chain(tmp_path / "run", 1)
    results = [record.key for record in first.records]
    maker, told = chain(tmp_path / "run", 1, results=results)
    assert told == "texts: found in the store\n"
    assert maker.failed == (FAILED,)


def test_what_fails_in_no_stage_is_told_too(tmp_path: Path) -> None:
    maker, _ = chain(tmp_path / "run", 1)
    note_failure(Failure("metric margin", "raised", 0, "why"))
    assert maker.failed[-1] == Failed("", "metric margin", "raised", 0, "why")
    assert len(maker.failed) == 2
