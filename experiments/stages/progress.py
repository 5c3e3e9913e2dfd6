"""How far a run got: one bar per stage on a terminal, one line per stage elsewhere.

Library code takes a `Progress` and knows nothing of terminals.
"""

import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO, runtime_checkable

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import (
    BarColumn,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

_ROUNDING = 1e-6  # of a unit, far above what sums of parts lose


class Bar(Protocol):
    """The progress of one stage."""

    def advance(self, amount: float = 1) -> None:
        """Count `amount` more units as done; a long one may be counted in parts."""


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
    """A bar that only counts."""

    def __init__(self) -> None:
        self.amount = 0.0

    def advance(self, amount: float = 1) -> None:
        self.amount += amount

    @property
    def done(self) -> int:
        """Whole units done; parts that make up a unit may fall short of it by rounding."""
        return math.floor(self.amount + _ROUNDING)

    @property
    def shown(self) -> str:
        """Units done as people read them, with parts where there are any."""
        whole = abs(self.amount - self.done) < _ROUNDING
        return f"{self.done:,}" if whole else f"{self.amount:,.1f}"


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


class LineProgress:
    """One line per finished stage, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._more: More | None = None

    def show(self, more: More | None) -> None:
        """Also write its news, whenever the stage advances."""
        self._more = more

    @contextmanager
    def stage(self, name: str, *, total: int | None = None, unit: str = "") -> Iterator[Bar]:
        """Count in silence, then write what was done, in which time, at which rate."""
        bar, start = _TellingBar(self._news), time.perf_counter()
        yield bar
        self._news()
        seconds = time.perf_counter() - start
        self._write(f"{name}: {finished(bar.done, unit, seconds)}")

    def reused(self, name: str) -> None:
        """Write one line."""
        self._write(f"{name}: found in the store")

    def damaged(self, name: str, damage: str) -> None:
        """Write one line."""
        self._write(f"{name}: damaged in the store ({damage}), made again")

    def _news(self) -> None:
        for line in self._more.news() if self._more is not None else ():
            self._write(line)

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


class _TellingBar(_Counter):
    """A bar that counts and then tells somebody."""

    def __init__(self, tell: Callable[[], None]) -> None:
        super().__init__()
        self._tell = tell

    def advance(self, amount: float = 1) -> None:
        super().advance(amount)
        self._tell()


def finished(done: int, unit: str, seconds: float) -> str:
    """A finished stage in words, such as `1,200 requests in 3.0 s (400/s)`."""
    if not done:
        return f"{seconds:.1f} s"
    return f"{done:,} {unit} in {seconds:.1f} s ({done / max(seconds, 1e-9):,.0f}/s)"


class TerminalProgress:
    """A live bar with throughput and time left for the stage that runs, a line for the others."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._more: More | None = None

    def show(self, more: More | None) -> None:
        """Also show it, above the bar."""
        self._more = more

    @contextmanager
    def stage(self, name: str, *, total: int | None = None, unit: str = "") -> Iterator[Bar]:
        """Show a live bar; a finished stage leaves one line."""
        counter, start = _Counter(), time.perf_counter()
        with _Bars(
            self._more,
            TextColumn("[bold]{task.description:<11}"),
            BarColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
        ) as bars:
            task = bars.add_task(name, total=total, rate="")
            yield _LiveBar(counter, bars, task, unit, start)
        text = finished(counter.done, unit, time.perf_counter() - start)
        self._console.print(f"[green]done[/] [bold]{name:<11}[/] {text}", highlight=False)

    def reused(self, name: str) -> None:
        """Leave one line."""
        self._console.print(f"[green]kept[/] [bold]{name:<11}[/] found in the store")

    def damaged(self, name: str, damage: str) -> None:
        """Leave one line."""
        told = f"damaged in the store ({escape(damage)}), made again"
        self._console.print(f"[yellow]lost[/] [bold]{name:<11}[/] {told}", highlight=False)


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


class _LiveBar:
    def __init__(
        self, counter: _Counter, bars: Bars, task: TaskID, unit: str, start: float
    ) -> None:
        self._counter, self._bars, self._task = counter, bars, task
        self._unit, self._start = unit, start

    def advance(self, amount: float = 1) -> None:
        self._counter.advance(amount)
        rate = self._counter.done / max(time.perf_counter() - self._start, 1e-9)
        text = f"{self._counter.shown} {self._unit} {rate:,.0f}/s"
        self._bars.update(self._task, completed=self._counter.amount, rate=text)


def default_progress(stream: TextIO | None = None) -> Progress:
    """Live bars where standard error is a terminal, plain lines where it is not."""
    stream = stream or sys.stderr
    console = Console(file=stream)
    return TerminalProgress(console) if console.is_terminal else LineProgress(stream)
