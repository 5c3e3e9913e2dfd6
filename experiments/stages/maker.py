"""Makes the stages that a run needs and its store does not hold yet."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from experiments.config.execution import ExecutionSpec
from experiments.records.manifest import StageRecord
from experiments.stages.executor import run_tasks
from experiments.stages.folder import RunFolder
from experiments.stages.keys import stage_key
from experiments.stages.progress import Progress
from experiments.stages.stage import Stage


class Job(Protocol):
    """The argument of a task that makes one stage, in whatever process."""

    @property
    def stage(self) -> Stage:
        """The stage that the task finishes."""


class Maker:
    """Finds or makes the stages of one run and remembers what it did.

    A stage is made by the task whose code is in its key, and by no other.

    Attributes:
        records: one for each stage so far, in the order of the run.
    """

    def __init__(self, run: RunFolder, execution: ExecutionSpec, progress: Progress) -> None:
        self.run = run
        self.execution = execution
        self.progress = progress
        self.records: list[StageRecord] = []
        self._tasks: dict[Path, Callable[..., Any]] = {}

    def stage(
        self, name: str, settings: Any, *, task: Callable[..., Any], inputs: Sequence[str]
    ) -> Stage:
        """The stage that a task makes of these settings, finished or not; see `stage_key`.

        One that is in the store and not as it was written is told, and will be made again.
        """
        key = stage_key(name, settings, task=task, inputs=inputs)
        stage = self.run.stage(name, key)
        if stage.path not in self._tasks and stage.finished:
            damage = stage.damage()
            if damage is not None:
                self.progress.damaged(name, damage)
                stage.remove()
        self._tasks[stage.path] = task
        return stage

    def here(self, job: Job, unit: str) -> None:
        """Make the stage of a job in this process, if it is not in the store."""
        stage = job.stage
        if stage.finished:
            self.progress.reused(stage.name)
        else:
            with self.progress.stage(stage.name, unit=unit) as bar:
                self._tasks[stage.path](job, advance=bar.advance)
        self.records.append(stage.record())

    def side_by_side(
        self, name: str, jobs: Sequence[Job], unit: str, units_each: int
    ) -> dict[Path, str]:
        """Make the stages of the jobs that are not in the store, in several processes.

        A task may return why it could not make its stage; the others then go on.

        Args:
            name: what the progress bar calls them together.
            jobs: of stages that one task makes.
            unit, units_each: what the task counts, and about how many of it.

        Returns:
            What the tasks returned that made no stage, by the stages' folders.
        """
        failed: dict[Path, str] = {}
        missing = [job for job in jobs if not job.stage.finished]
        if missing:
            (task,) = {self._tasks[job.stage.path] for job in missing}
            with self.progress.stage(name, total=units_each * len(missing), unit=unit) as bar:
                told = run_tasks(
                    task,
                    [(job,) for job in missing],
                    settings=self.execution,
                    advance=bar.advance,
                )
            failed = {
                job.stage.path: why
                for job, why in zip(missing, told, strict=True)
                if why is not None and not job.stage.finished
            }
        else:
            self.progress.reused(name)
        made = {job.stage.path for job in missing}
        for job in (each for each in jobs if each.stage.path not in failed):
            record = job.stage.record()
            self.records.append(replace(record, cached=job.stage.path not in made))
        return failed
