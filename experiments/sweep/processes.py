"""Cells in processes of this machine."""

import os
import signal
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from types import FrameType
from typing import Any, NamedTuple, NoReturn

from experiments.stages.executor import (
    begin_worker,
    fresh_processes,
    without_main,
    worker_environment,
    worker_environment_here,
)
from experiments.sweep.crew import Death, News, Outcome, Run, Work, attempt_elsewhere
from simulator.errors import FunnelabError

_POLL = 0.5  # seconds that news are awaited
_MOMENT = 0.02  # seconds until an interruption that was swallowed comes again
_GRACE = 5.0  # seconds in which a worker that is stopped stops its own


class _Worker(NamedTuple):
    process: Any
    line: Connection


class Processes:
    """Worker processes, each with one cell at a time; they stay for the next one.

    Args:
        run: what runs a cell.
        jobs: how many cells at a time.
        processors: what each may use: threads of numerical libraries, and processes of its own.
        modules: that they have from the start, where the system can do that.
    """

    def __init__(self, run: Run, jobs: int, processors: int, modules: Sequence[str]) -> None:
        self._run, self._jobs, self._processors = run, jobs, processors
        self._context = fresh_processes(modules)
        self._busy: dict[int, _Worker] = {}
        self._idle: list[_Worker] = []

    @property
    def room(self) -> int:
        """How many more cells can begin now."""
        return self._jobs - len(self._busy)

    def begin(self, work: Work) -> None:
        """Give a cell to a worker that has none, or to a new one."""
        worker = self._idle.pop() if self._idle else self._started()
        try:
            worker.line.send(work)
        except OSError:  # it died while it had nothing to do
            self._leave(worker)
            worker = self._started()
            worker.line.send(work)
        self._busy[work.number] = worker

    def _started(self) -> _Worker:
        line, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._run, self._processors))
        with worker_environment_here(self._processors), without_main():
            try:
                process.start()
            except EOFError as error:  # it ended as it began; an interruption of all comes now
                raise FunnelabError(
                    "a worker process == ended as it began, must have memory to begin"
                ) from error
        theirs.close()
        return _Worker(process, line)

    def news(self) -> Sequence[tuple[int, News]]:
        """What workers have told by now."""
        found: list[tuple[int, News]] = []
        ready = wait([worker.line for worker in self._busy.values()], timeout=_POLL)
        for number, worker in list(self._busy.items()):
            if worker.line not in ready:
                continue
            try:
                news: News = worker.line.recv()
            except (EOFError, OSError):  # without an outcome
                news = Death.DIED
            found.append((number, news))
            if isinstance(news, Death):
                self._leave(self._busy.pop(number))
            elif isinstance(news, Outcome):
                self._idle.append(self._busy.pop(number))
        return found

    def _leave(self, worker: _Worker) -> None:
        worker.process.join()
        worker.process.close()
        worker.line.close()

    def stop(self) -> None:
        """Stop all workers; they get a moment for their own."""
        workers = [*self._busy.values(), *self._idle]
        self._busy, self._idle = {}, []
        for worker in workers:
            worker.process.terminate()
        until = time.monotonic() + _GRACE
        for worker in workers:
            worker.process.join(max(until - time.monotonic(), 0.0))
            worker.process.kill()
            self._leave(worker)


def _serve(line: Connection, run: Run, processors: int) -> None:
    """What a worker does, cell after cell, until it is stopped."""
    os.environ.update(worker_environment(processors))
    begin_worker(processors)
    signal.signal(signal.SIGTERM, _stop)
    sys.unraisablehook = _stop_again
    try:
        while True:
            work: Work = line.recv()
            line.send(attempt_elsewhere(run, work, line.send, processors))
    except (KeyboardInterrupt, EOFError):
        os._exit(1)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _stop_again(ignored: Any) -> None:
    """Where a library's callback has swallowed the interruption, it comes again a moment later."""
    if not isinstance(ignored.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(ignored)
        return
    signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, _MOMENT)
