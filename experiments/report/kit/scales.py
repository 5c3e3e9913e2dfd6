"""Axes: from values to places in percent, and the round values that stand along them."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from experiments.records.interval import Interval, Number
from experiments.report.kit.digits import THIN, fixed, step_decimals

NOTHING = -1.0  # the relative change to nothing at all: no quantity that is counted falls further
WIDEST = 4.0  # an axis reaches at most this often the median row's reach; beyond is an arrow
LONG = 6  # ticks along the axis of a wide plot, about
_LEAST = 1e-290  # step of an axis that can still be divided


@dataclass(frozen=True)
class Scale:
    """A linear axis from `low` to `high`."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Place of a value in percent of the axis, kept on the axis."""
        return min(100.0, max(0.0, 100 * (value - self.low) / (self.high - self.low)))

    def ticks(self, most: int = 5) -> list[float]:
        """At most `most` + 1 round values on the axis."""
        rough = max((self.high - self.low) / most, _LEAST)
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * size for size in (1, 2, 2.5, 5, 10) if power * size >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [count * step for count in range(first, last + 1)]


@dataclass(frozen=True)
class LogScale:
    """A logarithmic axis from `low` to `high`, both positive."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Place of a value in percent of the axis, kept on the axis."""
        high = max(self.high, self.low * 1.01)
        return Scale(math.log10(self.low), math.log10(high)).at(math.log10(max(value, self.low)))

    def ticks(self, most: int = 5) -> list[float]:
        """Powers of ten on the axis, with twos and fives between where they are few."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        inside = [
            step * 10.0**power
            for power in powers
            for step in (1, 2, 5)
            if self.low * 0.999 <= step * 10.0**power <= self.high * 1.001
        ]
        tens = [value for value in inside if math.log10(value) % 1 < 1e-9]
        return inside if len(inside) <= most or len(tens) < 2 else tens


Words = Callable[[Sequence[float]], Sequence[str]]
"""From the values along an axis to the same in words."""


def plain(values: Sequence[float]) -> list[str]:
    """Values as they are, with as many decimals as their step needs where they have one."""
    steps = [b - a for a, b in pairwise(values)]
    if steps and max(steps) - min(steps) <= 1e-6 * max(steps):
        return [fixed(value, step_decimals(values)) for value in values]
    return [f"{value:g}" for value in values]


def along(times: float = 1, unit: str = "", *, sign: bool = False) -> Words:
    """Words for values times a number, with the decimals that their step needs."""

    def words(values: Sequence[float]) -> list[str]:
        decimals = step_decimals([times * value for value in values])
        return [fixed(times * value, decimals, sign=sign) + unit for value in values]

    return words


percents = along(100, THIN + "%")
signed_percents = along(100, THIN + "%", sign=True)
decimal = along()
signed = along(sign=True)


@dataclass(frozen=True)
class Axis:
    """A scale with what stands along it.

    Attributes:
        scale: from values to places.
        words: of the round values along it.
        most: about how many of them there are.
        name: of the axis.
        marks: values and their words, in place of round ones.
        thin: whether some words may give way where there is no room for all.
    """

    scale: Scale | LogScale
    words: Words = plain
    most: int = 5
    name: str = ""
    marks: Sequence[tuple[float, str]] | None = None
    thin: bool = True

    def at(self, value: float) -> float:
        """Place of a value in percent."""
        return self.scale.at(value)

    def holds(self, value: float) -> bool:
        """Whether a value lies on the axis."""
        return self.scale.low <= value <= self.scale.high

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """The values along the axis and their words."""
        if self.marks is not None:
            return list(self.marks)
        values = self.scale.ticks(self.most)
        return list(zip(values, self.words(values), strict=True))


def cuts(scale: Scale | LogScale, ends: tuple[float, float]) -> str:
    """Classes of an interval that goes beyond its axis: an arrow at each end that is cut."""
    low, high = ends
    return " cut-low" * (low < scale.low) + " cut-high" * (high > scale.high)


def day_marks(start: float, count: int, most: int) -> list[tuple[float, str]]:
    """Days along an axis, counted from the first; not all where they are many."""
    every = max(1, -(-count // most))
    return [(start + at, str(at + 1) if at else "day 1") for at in range(0, count, every)]


def place(**sides: float) -> str:
    """A style that places an element by percentages."""
    return ";".join(f"{side}:{value:.3f}%" for side, value in sides.items())


def known(values: Iterable[Number]) -> list[float]:
    """The values that there are."""
    return [value for value in values if value is not None]


def around_zero(values: Sequence[float], least: float = -math.inf) -> Scale:
    """An axis that holds zero and all values but those below `least`, with room at the ends."""
    low, high = max(least, min([0.0, *values])), max([0.0, *values])
    room = 0.06 * (high - low or 1.0)
    return Scale(max(least, low - room), high + room)


def from_zero(values: Sequence[float]) -> Scale:
    """An axis from zero to the greatest value."""
    return Scale(0.0, max([*values, 0.0]) or 1.0)


def rounded(scale: Scale, most: float = math.inf) -> Scale:
    """The same axis up to the round value above its end, but no further than `most`."""
    values = scale.ticks(4)
    step = values[1] - values[0] if len(values) > 1 else scale.high
    high = step * math.ceil(scale.high / step - 1e-9)
    return Scale(scale.low, max(scale.high, min(high, most)))


def around(values: Sequence[Number], most: float = math.inf) -> Scale:
    """An axis that just holds the known values, with some room at the ends.

    It goes below zero only where a value does, and not beyond `most`, which no value can exceed.
    """
    found = known(values)
    low, high = min(found, default=0.0), max(found, default=1.0)
    room = 0.08 * (high - low) or abs(high) * 0.05 or 1.0
    return Scale(max(0.0, low - room) if low >= 0 else low - room, min(most, high + room))


def shared(rows: Iterable[Sequence[Interval]], least: float = -math.inf) -> Scale:
    """An axis around zero for rows of intervals, which a single wild row cannot squash.

    It begins at `least` where intervals reach below that.
    """
    ends = [known(end for interval in row for end in interval.numbers) for row in rows]
    reaches = [max(abs(end) for end in row) for row in ends if row]
    if not reaches or max(reaches) == 0:
        return Scale(-0.01, 0.01)
    widest = WIDEST * median(reaches) or max(reaches)
    return around_zero([min(widest, max(-widest, end)) for row in ends for end in row], least)


def growths(rows: Iterable[Sequence[Interval]]) -> Axis:
    """An axis for rows of relative changes.

    It ends at -100 %, as nothing that is counted can fall further; an interval that reaches beyond
    has an arrow there. Only an estimate below that, of a quantity that can be negative, widens it.
    """
    every = [list(row) for row in rows]
    least = min(known([NOTHING, *(span.estimate for row in every for span in row)]))
    return Axis(shared(every, least), signed_percents, LONG)


def bounded(rows: Iterable[Sequence[Interval]], least: float, most: float) -> Scale:
    """An axis that holds zero and all intervals, and goes no further than it may."""
    ends = known(end for row in rows for interval in row for end in interval.numbers)
    low, high = min([0.0, *ends]), max([0.0, *ends])
    room = 0.03 * ((high - low) or 1.0)
    low = max(low - room if low < 0 else 0.0, least)
    return Scale(low, min(high + room, max(most, low + 1e-9)))
