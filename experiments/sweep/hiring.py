"""The workers that a sweep gets: this process, processes of this machine, or a Ray cluster."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from experiments.config.schema import Config
from experiments.running.run import modules
from experiments.stages.cluster import joined
from experiments.stages.progress import Progress
from experiments.sweep.crew import Crew, Here, Run
from experiments.sweep.onray import OnRay
from experiments.sweep.processes import Processes


@dataclass(frozen=True)
class Workers:
    """Who is asked for; nothing here changes a result.

    Attributes:
        jobs: cells at a time; None: one, or as many as a cluster has processors.
        address: of a Ray cluster, as `joined` has it; None: this machine, without Ray.
    """

    jobs: int | None = None
    address: str | None = None

    @property
    def apart(self) -> bool:
        """Whether cells run in other processes than the one that asks for them."""
        return self.address is not None or (self.jobs or 1) > 1

    @contextmanager
    def hired(self, run: Run, config: Config, progress: Progress) -> Iterator[Crew]:
        """The workers, while the block runs; none outlives it.

        Args:
            run: what runs a cell.
            config: of a cell, to load what it will need.
            progress: told of the stages of cells that run in this process.

        Raises:
            ConfigError: no such cluster, or Ray is not installed.
        """
        if self.address is not None:
            asked, here = f"--address {self.address}", max(processors(), self.jobs or 1)
            with (
                joined(self.address, here, asked) as ray,
                _stopped(OnRay(ray, run, self.jobs)) as crew,
            ):
                yield crew
        elif self.apart:
            jobs = self.jobs or 1
            each = max(processors() // jobs, 1)
            with _stopped(Processes(run, jobs, each, modules(config))) as crew:
                yield crew
        else:
            yield Here(run, progress)


HERE = Workers()
"""This process alone."""


@contextmanager
def _stopped(crew: OnRay | Processes) -> Iterator[Crew]:
    try:
        yield crew
    finally:
        crew.stop()


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
