"""Curves over an axis, with points that tell what they are, and further marks."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.report.kit.figures import Scale, place
from experiments.report.kit.markup import Html, tag
from experiments.report.run.daily import outline


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


@dataclass(frozen=True)
class Line:
    """A curve of a chart.

    Attributes:
        colour: its class.
        points: (x, y, what is told of it) from left to right.
        style: further classes: "faint", "loose" (dotted).
        marked: whether its points can be pointed at.
    """

    colour: str
    points: Sequence[tuple[float, float, str]]
    style: str = ""
    marked: bool = True


def mark_name(mark: str, label: str) -> Html:
    """One entry of a legend: a mark's class and what it means."""
    return tag("span", tag("i", cls=mark, aria_hidden="true"), label, cls="named")


def chart(
    lines: Sequence[Line],
    diamonds: Sequence[tuple[float, float, str]],
    *,
    across: LogScale | Scale,
    up: Scale,
    xname: str,
    shown: Callable[[float], str],
    large: bool = False,
) -> Html:
    """Curves over an axis, with diamonds for numbers from elsewhere."""
    rules = [
        tag(
            "i",
            tag("span", f"{value:g}"),
            cls="rule zero" if value == 0 else "rule",
            style=place(bottom=up.at(value)),
        )
        for value in up.ticks(4)
    ]
    labels = [
        tag("span", shown(value), cls="day", style=place(left=across.at(value)))
        for value in across.ticks()
    ]
    return tag(
        "div",
        *rules,
        *(_series(line, across, up) for line in lines),
        *(_diamond(point, across, up) for point in diamonds),
        *labels,
        tag("span", xname, cls="xname"),
        cls="chart plot large" if large else "chart plot",
    )


def _series(line: Line, across: LogScale | Scale, up: Scale) -> Html:
    path = [(across.at(x), 100 - up.at(y)) for x, y, _ in line.points]
    picture = tag(
        "svg",
        tag("path", d=outline(path), cls="curve"),
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
    points = [_point("point", point, across, up) for point in line.points if line.marked]
    return tag("div", picture, *points, cls=f"series {line.colour} {line.style}".strip())


def _point(kind: str, point: tuple[float, float, str], across: LogScale | Scale, up: Scale) -> Html:
    x, y, told = point
    left = across.at(x)
    where = place(left=left, bottom=up.at(y))
    return tag("i", cls=f"{kind} turned" if left > 50 else kind, style=where, data_tip=told)


def _diamond(point: tuple[float, float, str], across: LogScale | Scale, up: Scale) -> Html:
    x, y, told = point
    return tag("i", cls="diamond", style=place(left=across.at(x), bottom=up.at(y)), title=told)
