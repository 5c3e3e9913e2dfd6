"""Makes the stages that a run needs and its store does not hold yet."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

from experiments.config.execution import ExecutionSpec
from experiments.stages.executor import run_tasks
from experiments.stages.folder import RunFolder, Stage, StageRecord
from experiments.stages.keys import stage_key
from experiments.stages.progress import Bar, Progress


class Job(Protocol):
    """The argument of a task that makes one stage, in whatever process."""

    @property
    def stage(self) -> Stage:
        """The stage that the task finishes."""


class Maker:
    """Finds or makes the stages of one run and remembers what it did.

    Attributes:
        records: one for each stage so far, in the order of the run.
    """

    def __init__(self, run: RunFolder, execution: ExecutionSpec, progress: Progress) -> None:
        self.run = run
        self.execution = execution
        self.progress = progress
        self.records: list[StageRecord] = []

    def stage(
        self, name: str, settings: Any, *, inputs: Sequence[str], code: Sequence[str]
    ) -> Stage:
        """The stage with this content, finished or not; see `stage_key`."""
        return self.run.stage(name, stage_key(name, settings, inputs=inputs, code=code))

    @contextmanager
    def making(self, stage: Stage, unit: str) -> Iterator[Bar | None]:
        """A progress bar if the stage has to be made in the block, None if it is in the store."""
        if stage.finished:
            self.progress.reused(stage.name)
            yield None
        else:
            with self.progress.stage(stage.name, unit=unit) as bar:
                yield bar
        self.records.append(stage.record())

    def side_by_side(
        self, name: str, task: Any, jobs: Sequence[Job], unit: str, units_each: int
    ) -> None:
        """Make the stages of the jobs that are not in the store, in several processes.

        Args:
            name: what the progress bar calls them together.
            task: takes one of the jobs; see `executor.Task`.
            unit, units_each: what a task counts, and about how many of it.
        """
        missing = [job for job in jobs if not job.stage.finished]
        if missing:
            with self.progress.stage(name, total=units_each * len(missing), unit=unit) as bar:
                run_tasks(
                    task,
                    [(job,) for job in missing],
                    settings=self.execution,
                    advance=bar.advance,
                )
        else:
            self.progress.reused(name)
        made = {job.stage.path for job in missing}
        for job in jobs:
            record = job.stage.record()
            self.records.append(replace(record, cached=job.stage.path not in made))
