"""Makes the stages that a run needs and its store does not hold yet."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from experiments.config.execution import ExecutionSpec
from experiments.records.manifest import Failed, StageRecord
from experiments.stages.claims import all_there, alone_with, await_any, claimed
from experiments.stages.executor import Advance, run_tasks
from experiments.stages.folder import RunFolder
from experiments.stages.keys import stage_key
from experiments.stages.progress import Progress
from experiments.stages.stage import Stage
from simulator.failures import take_failures


class Job(Protocol):
    """The argument of a task that makes one stage, in whatever process."""

    @property
    def stage(self) -> Stage:
        """The stage that the task finishes."""


class Maker:
    """Finds or makes the stages of one run and remembers what it did.

    A stage is made by the task whose code is in its key, and by no other. One in which a part
    failed is made again, and so is what was made of it: a service may be there again.

    Args:
        results: keys of stages that stay as they are, for there are results of them.

    Attributes:
        records: one for each stage so far, in the order of the run.
    """

    def __init__(
        self,
        run: RunFolder,
        execution: ExecutionSpec,
        progress: Progress,
        results: Collection[str] = (),
    ) -> None:
        self.run = run
        self.execution = execution
        self.progress = progress
        self.records: list[StageRecord] = []
        self._tasks: dict[Path, Callable[..., Any]] = {}
        self._gathered: dict[Path, Job] | None = None
        self._results = frozenset(results)
        self._again: set[str] = set()  # keys of stages whose content may be another one now
        self._failed: dict[Path, tuple[Failed, ...]] = {}
        self._elsewhere: list[Failed] = []
        self._since = run.held_since() if run.shared else None
        take_failures()

    @property
    def failed(self) -> tuple[Failed, ...]:
        """The parts that have failed so far, by stage, and those that failed in no stage."""
        self._outside()
        return (*(row for rows in self._failed.values() for row in rows), *self._elsewhere)

    def stage(
        self, name: str, settings: Any, *, task: Callable[..., Any], inputs: Sequence[str]
    ) -> Stage:
        """The stage that a task makes of these settings, finished or not; see `stage_key`.

        One that is in the store and not as it was written is told, and will be made again.
        """
        key = stage_key(name, settings, task=task, inputs=inputs)
        stage = self.run.stage(name, key)
        if stage.path not in self._tasks:
            if stage.present:
                with self._undisturbed(stage):
                    self._examine(stage, inputs)
            elif self._since is not None:
                self._again.add(key)  # perhaps another cell has just removed it
        self._tasks[stage.path] = task
        return stage

    def _undisturbed(self, stage: Stage) -> AbstractContextManager[None]:
        """Nobody else makes or removes the stage in this block."""
        return nullcontext() if self._since is None else alone_with(stage)

    def _examine(self, stage: Stage, inputs: Sequence[str]) -> None:
        """Remove a stage of the store that must be made again."""
        damage = stage.damage() if stage.present else None
        if damage is not None:
            self.progress.damaged(stage.name, damage)
            stage.remove()
        elif stage.key not in self._results and stage.present:
            self._renew(stage, inputs)

    def _renew(self, stage: Stage, inputs: Sequence[str]) -> None:
        """Remove a stage that would come out otherwise if all parts did their work.

        In a shared store, what was made since it is held stays, whatever failed in it: others may
        be at work with it. What is older and made of such is made again, by whoever meets it first.
        """
        if self._since is not None and stage.made_at() >= self._since:
            self._again.add(stage.key)
            return
        failed, again = stage.failed(), self._again.intersection(inputs)
        if failed or again:
            part = failed[0].part if failed else ""
            self.progress.failed(stage.name, part)
            stage.remove()
            self._again.add(stage.key)

    def _done(self, stage: Stage) -> StageRecord:
        """The record of a finished stage, once its failures are known."""
        self._failed[stage.path] = stage.failed()
        return stage.record()

    def _outside(self) -> None:
        """Keep what failed in this process and in no stage."""
        self._elsewhere += [Failed(stage="", **vars(each)) for each in take_failures()]

    def here(self, job: Job, unit: str) -> None:
        """Make the stage of a job in this process, if it is not in the store."""
        stage = job.stage
        with nullcontext() if stage.finished else self._undisturbed(stage):
            if stage.finished:
                self.progress.reused(stage.name)
            else:
                self._outside()
                with self.progress.stage(stage.name, unit=unit) as bar:
                    self._tasks[stage.path](job, advance=bar.advance)
        self.records.append(self._done(stage))

    @contextmanager
    def together(self, name: str, unit: str) -> Iterator[None]:
        """Make all that is asked for in this block side by side, when the block ends.

        So what does not need the other need not wait for it. A job counts as one unit.
        """
        self._gathered = {}
        try:
            yield
            jobs = list(self._gathered.values())
        finally:
            self._gathered = None
        self.side_by_side(name, jobs, unit, 1)

    def side_by_side(
        self, name: str, jobs: Sequence[Job], unit: str, units_each: float | Sequence[float]
    ) -> dict[Path, str]:
        """Make the stages of the jobs that are not in the store, in several processes.

        A job waits for those before it whose folders it names. A task may return why it could not
        make its stage; the others then go on. Within `together` they are made when that ends.

        Args:
            name: what the progress bar calls them together.
            jobs: of stages; those of most units go first.
            unit, units_each: what the tasks count, and about how many of it, each or of each.

        Returns:
            What the tasks returned that made no stage, by the stages' folders.
        """
        if self._gathered is not None:
            for job in jobs:
                self._gathered.setdefault(job.stage.path, job)
            return {}
        each = units_each if isinstance(units_each, Sequence) else [units_each] * len(jobs)
        units = {job.stage.path: number for job, number in zip(jobs, each, strict=True)}
        missing = [job for job in jobs if not job.stage.finished]
        missing.sort(key=lambda job: -units[job.stage.path])
        told: dict[Path, _Told] = {}
        if missing:
            total = round(sum(units[job.stage.path] for job in missing))
            self._outside()
            with self.progress.stage(name, total=total, unit=unit) as bar:
                while rest := [job for job in missing if told.get(job.stage.path, _BUSY) is _BUSY]:
                    told |= self._try(rest, bar.advance)
        else:
            self.progress.reused(name)
        failed = {
            job.stage.path: why
            for job in missing
            if isinstance(why := told[job.stage.path], str) and not job.stage.finished
        }
        made = {path for path, found in told.items() if found is None}
        for job in (each for each in jobs if each.stage.path not in failed):
            record = self._done(job.stage)
            self.records.append(replace(record, cached=job.stage.path not in made))
        return failed

    def _try(self, jobs: Sequence[Job], advance: Advance) -> "dict[Path, _Told]":
        """Make the stages of jobs; what another process makes at the moment is left for later."""
        place = {job.stage.path: number for number, job in enumerate(jobs)}
        after = [{place[path] for path in _named(job) if path in place} for job in jobs]
        needs = [[jobs[number].stage.path for number in sorted(each)] for each in after]
        if self._since is not None:
            await_any([(job.stage, need) for job, need in zip(jobs, needs, strict=True)])
        tasks = [self._tasks[job.stage.path] for job in jobs]
        shared = [self._since is not None] * len(jobs)
        told = run_tasks(
            _make,
            list(zip(tasks, jobs, shared, needs, strict=True)),
            settings=self.execution,
            advance=advance,
            after=after,
            preload=[task.__module__ for task in tasks],
        )
        return {job.stage.path: why for job, why in zip(jobs, told, strict=True)}


class _Other(Enum):
    """What another process does with a stage."""

    MAKES = "it makes it at the moment"
    MADE = "it has made it"


_BUSY = _Other.MAKES
_Told = str | _Other | None


def _make(*arguments: Any, advance: Advance) -> _Told:
    """Make a stage; returns why it could not be made, or what another process does with it."""
    task, job, shared, needs = arguments
    if not shared:
        return _made(task, job, advance)
    with claimed(job.stage) as free:
        if job.stage.finished:
            return _Other.MADE
        return _made(task, job, advance) if free and all_there(needs) else _BUSY


def _made(task: Callable[..., Any], job: Job, advance: Advance) -> str | None:
    take_failures()  # of a stage that came to no end
    told: str | None = task(job, advance=advance)
    return told


def _named(value: Any) -> set[Path]:
    """The folders that a job names, but for its own."""
    if isinstance(value, Path):
        return {value}
    if isinstance(value, Mapping):
        return set().union(*map(_named, value.values()))
    if isinstance(value, list | tuple):
        return set().union(*map(_named, value))
    if isinstance(value, Stage):
        return {value.path}
    if isinstance(value, type) or not is_dataclass(value):
        return set()
    own = getattr(value, "stage", None)
    found = set().union(*(_named(getattr(value, field.name)) for field in fields(value)))
    return found - {own.path} if isinstance(own, Stage) else found
