"""How far a run got: one bar per stage on a terminal, a line now and then elsewhere.

Library code takes a `Progress` and knows nothing of terminals.
"""

import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO, runtime_checkable

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress as Bars,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from experiments.stages.pace import finished, left, rate, shown, under_way, whole

SILENCE = 30.0
"""Seconds after which a log hears of a stage that still runs."""


class Bar(Protocol):
    """The progress of one stage."""

    def advance(self, amount: float = 1) -> None:
        """Count `amount` more units as done; a long one may be counted in parts."""

    def keep(self, amount: float = 1) -> None:
        """Count `amount` more units as done before; they tell nothing of the pace."""


class Progress(Protocol):
    """Tells a person what a run is doing."""

    def stage(
        self, name: str, *, total: int | None = None, unit: str = ""
    ) -> AbstractContextManager[Bar]:
        """Show one stage while the block runs; `total` units are expected, None if unknown."""

    def reused(self, name: str) -> None:
        """Tell that a stage was found in the store."""

    def damaged(self, name: str, damage: str) -> None:
        """Tell that a stage was found damaged in the store, and will be made again."""

    def failed(self, name: str, part: str) -> None:
        """Tell that a stage of the store will be made again, for a part failed in it.

        Args:
            part: which; empty where it failed in a stage of which this one was made.
        """

    def plan(self, text: str) -> None:
        """Tell what is to come, before it begins."""

    def line(self, what: str, name: str, text: str) -> None:
        """Leave one line of what was told elsewhere.

        Args:
            what: "done", "kept", "lost" or "plan".
            name, text: of which stage or cell, and what.
        """


class More(Protocol):
    """What can be told of a stage besides its bar, from wherever its work is done."""

    def __rich__(self) -> RenderableType:
        """How things stand, for a terminal; asked several times a second."""

    def news(self) -> Iterable[str]:
        """Lines on what has happened since the last call, for logs and pipes."""


@runtime_checkable
class Showing(Protocol):
    """A `Progress` that can show more than bars."""

    def show(self, more: More | None) -> None:
        """Show this beside the bars of the next stages; None: nothing any more."""


class _Counter:
    """A bar that counts, and then tells somebody."""

    def __init__(self, tell: Callable[["_Counter"], None] = lambda counter: None) -> None:
        self.amount = self.kept = 0.0
        self._tell = tell

    def advance(self, amount: float = 1) -> None:
        self.amount += amount
        self._tell(self)

    def keep(self, amount: float = 1) -> None:
        self.kept += amount
        self.advance(amount)

    @property
    def done(self) -> int:
        """Whole units done."""
        return whole(self.amount)


class Parts:
    """Counts one unit in hundredths, from the share of it that is done.

    Args:
        advance: counts units.
    """

    def __init__(self, advance: Callable[[float], None]) -> None:
        self._advance, self._counted = advance, 0

    def __call__(self, share: float) -> None:
        """Count up to a share; the end is for `finish` to tell."""
        hundredths = min(int(100 * share), 99)
        if hundredths > self._counted:
            self._advance((hundredths - self._counted) / 100)
            self._counted = hundredths

    def finish(self) -> None:
        """Count the rest."""
        self._advance((100 - self._counted) / 100)


class NoProgress:
    """Tells nobody."""

    @contextmanager
    def stage(self, name: str, *, total: int | None = None, unit: str = "") -> Iterator[Bar]:
        """A bar that is not shown."""
        yield _Counter()

    def reused(self, name: str) -> None:
        """Say nothing."""

    def damaged(self, name: str, damage: str) -> None:
        """Say nothing."""

    def failed(self, name: str, part: str) -> None:
        """Say nothing."""

    def plan(self, text: str) -> None:
        """Say nothing."""

    def line(self, what: str, name: str, text: str) -> None:
        """Say nothing."""


class _Telling(ABC):
    """What is told alike everywhere: what was done, found in the store, or found damaged there."""

    def __init__(self) -> None:
        self._more: More | None = None

    def show(self, more: More | None) -> None:
        """Also show this beside the bars of the next stages."""
        self._more = more

    def reused(self, name: str) -> None:
        """Leave one line."""
        self.line("kept", name, "found in the store")

    def damaged(self, name: str, damage: str) -> None:
        """Leave one line."""
        self.line("lost", name, f"damaged in the store ({damage}), made again")

    def failed(self, name: str, part: str) -> None:
        """Leave one line."""
        why = f"{part} failed in it" if part else "it was made of one in which a part failed"
        self.line("lost", name, f"made again, for {why}")

    def plan(self, text: str) -> None:
        """Leave one line."""
        self.line("plan", "plan", text)

    @abstractmethod
    def line(self, what: str, name: str, text: str) -> None:
        """Leave one line, in the style of what it tells."""


class LineProgress(_Telling):
    """One line per finished stage, for logs and pipes; news whenever the stage advances.

    A stage that takes long is told of every so many seconds.
    """

    def __init__(self, stream: TextIO, silence: float = SILENCE) -> None:
        super().__init__()
        self._stream = stream
        self._silence = silence

    @contextmanager
    def stage(self, name: str, *, total: int | None = None, unit: str = "") -> Iterator[Bar]:
        """Count, then write what was done, in which time, at which rate."""
        bar, start, over = _Counter(self._news), time.perf_counter(), threading.Event()

        def tell() -> None:
            while not over.wait(self._silence):
                seconds = time.perf_counter() - start
                self.line("runs", name, under_way(bar.amount, total, unit, seconds, bar.kept))

        teller = threading.Thread(target=tell, daemon=True)
        teller.start()
        try:
            yield bar
        finally:
            over.set()
            teller.join()
        self._news(bar)
        self.line("done", name, finished(bar.done, unit, time.perf_counter() - start))

    def _news(self, counter: _Counter) -> None:
        for line in self._more.news() if self._more is not None else ():
            self._write(line)

    def line(self, what: str, name: str, text: str) -> None:
        """Write it."""
        self._write(f"{name}: {text}")

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


class SentProgress(_Telling):
    """Tells another process, which knows best how to show it: a line for each finished stage.

    Args:
        send: takes what a line is about, a name and a text, see `Progress.line`.
    """

    def __init__(self, send: Callable[[str, str, str], None]) -> None:
        super().__init__()
        self._send = send

    @contextmanager
    def stage(self, name: str, *, total: int | None = None, unit: str = "") -> Iterator[Bar]:
        """Count, then tell what was done, in which time, at which rate."""
        bar, start = _Counter(), time.perf_counter()
        yield bar
        self.line("done", name, finished(bar.done, unit, time.perf_counter() - start))

    def line(self, what: str, name: str, text: str) -> None:
        """Send it."""
        self._send(what, name, text)


class TerminalProgress(_Telling):
    """A live bar with throughput and time left for the stage that runs, a line for the others."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    @contextmanager
    def stage(self, name: str, *, total: int | None = None, unit: str = "") -> Iterator[Bar]:
        """Show a live bar; a finished stage leaves one line."""
        start = time.perf_counter()

        def draw(counter: _Counter) -> None:
            bars.update(task, completed=counter.amount, kept=counter.kept)

        counter = _Counter(draw)
        with _Bars(
            self._more,
            TextColumn("[bold]{task.description:<11}"),
            BarColumn(),
            _Rate(),
            TimeElapsedColumn(),
            _Left(),
            console=self._console,
        ) as bars:
            task = bars.add_task(name, total=total, unit=unit, kept=0.0)
            yield counter
        self.line("done", name, finished(counter.done, unit, time.perf_counter() - start))

    def line(self, what: str, name: str, text: str) -> None:
        """Print it in its colour."""
        colour = {"lost": "yellow", "plan": "cyan"}.get(what, "green")
        told = f"[{colour}]{what}[/] [bold]{name:<11}[/] {escape(text)}"
        self._console.print(told, highlight=False)


class _Rate(ProgressColumn):
    """What is done, and how fast; it goes on while nothing is counted."""

    def render(self, task: Task) -> Text:
        """Such as `45,200 pages 1,200/s`."""
        pace = rate(task.completed, task.elapsed or 0.0)
        return Text(f"{shown(task.completed)} {task.fields['unit']} {pace}".rstrip())


class _Left(ProgressColumn):
    """How much longer, at the pace so far."""

    def render(self, task: Task) -> Text:
        """Such as `about 40 s left`; empty where no total is known."""
        kept: float = task.fields["kept"]
        return Text(left(task.completed, task.total, task.elapsed or 0.0, kept))


class _Bars(Bars):
    """Bars that vanish, below whatever else is shown."""

    def __init__(self, more: More | None, *columns: ProgressColumn, console: Console) -> None:
        self._shown_above = more
        super().__init__(*columns, console=console, transient=True)

    def get_renderables(self) -> Iterable[RenderableType]:
        """What is drawn, several times a second."""
        if self._shown_above is not None:
            yield self._shown_above.__rich__()
        yield from super().get_renderables()


def default_progress(stream: TextIO | None = None) -> Progress:
    """Live bars where standard error is a terminal, plain lines where it is not."""
    stream = stream or sys.stderr
    console = Console(file=stream)
    return TerminalProgress(console) if console.is_terminal else LineProgress(stream)
