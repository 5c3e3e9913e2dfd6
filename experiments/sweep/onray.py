"""Cells as tasks of a Ray cluster."""

import socket
from collections.abc import Sequence
from typing import Any

from experiments.stages.executor import worker_environment
from experiments.stages.keys import code_of
from experiments.stages.sources import SOURCES
from experiments.sweep.crew import Death, News, Outcome, Run, Work, attempt_elsewhere, settle

_POLL = 0.5  # seconds that news are awaited


class OnRay:
    """A task of the cluster for each cell that is under way.

    Args:
        ray: the library, joined to a cluster.
        run: what runs a cell.
        jobs: how many cells at a time; as many as the cluster has processors where None.
    """

    def __init__(self, ray: Any, run: Run, jobs: int | None) -> None:
        from ray.util.queue import Queue

        nodes = [node["Resources"].get("CPU", 0.0) for node in ray.nodes() if node["Alive"]]
        processors = [int(each) for each in nodes if each >= 1]
        self._jobs = jobs or max(sum(processors), 1)
        each = min([sum(processors) // self._jobs, *processors])  # none is greater than a machine
        self._ray, self._run, self._processors = ray, run, max(each, 1)
        self._said = Queue(actor_options={"num_cpus": 0})
        self._cells: dict[Any, int] = {}
        self._task = ray.remote(_serve).options(
            num_cpus=self._processors,
            max_retries=0,  # who dies is counted by whoever waits for news
            runtime_env={"env_vars": worker_environment(self._processors)},
        )

    @property
    def room(self) -> int:
        """How many more cells can begin now."""
        return self._jobs - len(self._cells)

    def begin(self, work: Work) -> None:
        """Hand a cell to the cluster."""
        code = _code(self._run, work)
        task = self._task.remote(self._run, work, self._said, self._processors, code)
        self._cells[task] = work.number

    def news(self) -> Sequence[tuple[int, News]]:
        """What tasks have told by now."""
        ended, _ = self._ray.wait(list(self._cells), num_returns=1, timeout=_POLL)
        found: list[tuple[int, News]] = []
        while not self._said.empty():
            found.append(self._said.get())
        return found + [(self._cells.pop(task), self._outcome(task)) for task in ended]

    def _outcome(self, task: Any) -> Outcome | Death:
        errors = self._ray.exceptions
        try:
            outcome: Outcome = self._ray.get(task)
        except (errors.WorkerCrashedError, errors.NodeDiedError, errors.OutOfMemoryError):
            return Death.DIED
        except errors.RayError as error:  # it could not even begin
            return Outcome(f"Ray: {str(error).strip().splitlines()[-1]}")
        return outcome

    def stop(self) -> None:
        """Stop all tasks at once."""
        for task in self._cells:
            self._ray.cancel(task, force=True)
        self._cells.clear()
        self._said.shutdown(force=True)


def _code(run: Run, work: Work) -> str:
    """All source files that decide what a cell comes to, the user's own among them."""
    return SOURCES.digest(code_of(run, work.config))


def _serve(run: Run, work: Work, said: Any, processors: int, code: str) -> Outcome:
    """What a worker does."""
    settle(work)
    if _code(run, work) != code:  # stages would have other keys, and perhaps other bytes
        where = socket.gethostname()
        return Outcome(
            f"funnelab on {where} == other code than where the sweep was begun, must be the same "
            "everywhere, code of your own too",
            stops=True,
        )
    return attempt_elsewhere(run, work, lambda line: said.put((work.number, line)), processors)
