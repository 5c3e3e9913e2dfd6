"""Who runs the cells of a sweep, and what becomes of a cell whose worker dies."""

import os
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NamedTuple, Protocol

from experiments.config.schema import Config
from experiments.stages.progress import Progress, SentProgress
from experiments.sweep.progress import CellProgress
from simulator.errors import DiskError, FunnelabError

Run = Callable[..., object]
"""What runs a cell; called as `run_experiment`."""

MOST_DEATHS = 3
"""Workers that a cell may cost before it is taken to be its fault."""


@dataclass(frozen=True)
class Work:
    """One cell that is to be run.

    Attributes:
        number: of the cell.
        place, told: the same for people, such as "2/9", and its values.
        config, folder: its settings and its run folder.
        command: what makes its run by itself.
        overwrite: replace results of other settings.
        started_in: the current folder and where modules are found, of the process that knows both.
    """

    number: int
    place: str
    told: str
    config: Config
    folder: Path
    command: str
    overwrite: bool
    started_in: tuple[str, tuple[str, ...]]


class Outcome(NamedTuple):
    """How a cell ended.

    Attributes:
        reason: why it failed, empty where it did not.
        stops: whether that stops all.
        made: whether a stage of it was made; else all were there before.
    """

    reason: str = ""
    stops: bool = False
    made: bool = True


class Said(NamedTuple):
    """One line of progress, see `Progress.line`."""

    what: str
    name: str
    text: str


class Death(Enum):
    """Its worker is gone without a word."""

    DIED = "killed"


News = Outcome | Said | Death


class Crew(Protocol):
    """Workers that run cells."""

    @property
    def room(self) -> int:
        """How many more cells can begin now."""

    def begin(self, work: Work) -> None:
        """Begin to run a cell."""

    def news(self) -> Sequence[tuple[int, News]]:
        """What is new of which cell, after a moment; its `Outcome` or `Death` comes last."""


class Here:
    """The cells one after the other, in this process.

    Args:
        run: what runs a cell.
        progress: told of its stages as they go.
    """

    def __init__(self, run: Run, progress: Progress) -> None:
        self._run, self._progress = run, progress
        self._work: Work | None = None

    @property
    def room(self) -> int:
        """One cell at a time."""
        return int(self._work is None)

    def begin(self, work: Work) -> None:
        """Take a cell."""
        self._work = work

    def news(self) -> Sequence[tuple[int, News]]:
        """Run it."""
        work, self._work = self._work, None
        return [] if work is None else [(work.number, attempt(self._run, work, self._progress))]


def carry_out(
    crew: Crew, works: Iterable[Work], progress: Progress
) -> Iterator[tuple[Work, Outcome]]:
    """Run every cell; gives each with its outcome, in the order in which they end.

    A worker that dies costs only its cell, which is begun again.

    Args:
        crew: who runs them.
        works: the cells; earlier ones begin earlier.
        progress: told what workers say, and who died.
    """
    waiting, under_way, deaths = deque(works), dict[int, Work](), Counter[int]()
    while waiting or under_way:
        while waiting and crew.room > 0:
            work = waiting.popleft()
            under_way[work.number] = work
            crew.begin(work)
        for number, news in crew.news():
            if isinstance(news, Said):
                progress.line(*news)
                continue
            work = under_way.pop(number)
            if isinstance(news, Outcome):
                yield work, news
                continue
            deaths[number] += 1
            if deaths[number] < MOST_DEATHS:
                progress.line("lost", f"cell {work.place}", "its worker was killed, begun again")
                waiting.appendleft(work)
            else:
                yield work, Outcome(_DEATHS)


_DEATHS = (
    f"{MOST_DEATHS} workers == killed in the middle of it, most likely for memory, must be fewer "
    "cells at a time (--jobs) or a smaller world"
)


def attempt(run: Run, work: Work, progress: Progress, **options: object) -> Outcome:
    """Run a cell. Whatever it fails with is told, so that the others can go on.

    A folder that cannot be written stops them, too: they would not fare better.

    Args:
        run: what runs it.
        progress: told of its stages.
        options: further ones of `run`.
    """
    told = CellProgress(progress, work.place, work.told)
    common = {"command": work.command, "overwrite": work.overwrite, "shared": True}
    try:
        run(work.config, work.folder, progress=told, **common, **options)
    except DiskError as error:
        return Outcome(str(error), stops=True)
    except FunnelabError as error:
        return Outcome(str(error))
    except MemoryError:
        return Outcome("memory == full, must be a smaller world or fewer processes")
    except Exception as error:
        return Outcome(_unforeseen(error))
    return Outcome(made=told.made)


def _unforeseen(error: Exception) -> str:
    """What nobody thought of, with the place where it happened."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})"
    return f"{type(error).__name__}: {error}{place}"


def attempt_elsewhere(
    run: Run, work: Work, send: Callable[[Said], None], processors: int
) -> Outcome:
    """Run a cell in a process of its own.

    Args:
        run: what runs it.
        send: takes its progress.
        processors: what it may use; no more processes side by side than those.
    """
    settle(work)
    asked = work.config.execution
    update = {"processes": min(asked.processes, processors), "backend": "processes"}
    progress = SentProgress(lambda *line: send(Said(*line)))
    return attempt(run, work, progress, execution=asked.model_copy(update=update))


def settle(work: Work) -> None:
    """Be in the folder, and find modules where, the sweep was begun."""
    folder, paths = work.started_in
    os.chdir(folder)
    sys.path += [path for path in paths if path not in sys.path]
