"""The parts of pictures: scales, axes, tracks with marks, and grouped bars.

Pictures are HTML placed by percentages rather than a plotting library's canvas: text keeps its
size at any width, colours follow the page's theme without a script, and they print.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.report.kit.markup import Html, join, tag

ARM_COLOURS = 6
CHANNEL_COLOURS = 8


_LEAST = 1e-290  # step of an axis that can still be divided


@dataclass(frozen=True)
class Scale:
    """A linear axis from `low` to `high`."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Place of a value in percent of the axis, kept on the axis."""
        return min(100.0, max(0.0, 100 * (value - self.low) / (self.high - self.low)))

    def holds(self, value: float) -> bool:
        """Whether the value lies on the axis."""
        return self.low <= value <= self.high

    def ticks(self, most: int = 5) -> list[float]:
        """At most `most` + 1 round values on the axis."""
        rough = max((self.high - self.low) / most, _LEAST)
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * size for size in (1, 2, 2.5, 5, 10) if power * size >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [count * step for count in range(first, last + 1)]


def around_zero(values: Sequence[float], spare: float = 0.06) -> Scale:
    """An axis that holds zero and all values, with some room at the ends."""
    low, high = min([0.0, *values]), max([0.0, *values])
    width = high - low or 1.0
    return Scale(low - spare * width, high + spare * width)


def from_zero(values: Sequence[float]) -> Scale:
    """An axis from zero to the greatest value."""
    return Scale(0.0, max([*values, 0.0]) or 1.0)


def place(**sides: float) -> str:
    """A style that places an element by percentages."""
    return ";".join(f"{side}:{value:.3f}%" for side, value in sides.items())


def arm_class(arms: Sequence[str], arm: str) -> str:
    """The class that gives an arm its colour: control has its own, treatments take turns."""
    at = arms.index(arm) if arm in arms else 0
    return f"a{at if at == 0 else 1 + (at - 1) % (ARM_COLOURS - 1)}"


def channel_class(channels: Sequence[str], channel: str) -> str:
    """The class that gives a channel its colour."""
    at = channels.index(channel) if channel in channels else 0
    return f"c{at % CHANNEL_COLOURS}"


def swatch(channels: Sequence[str], channel: str) -> Html:
    """A channel's name behind a square in its colour."""
    mark = tag("i", cls=f"swatch {channel_class(channels, channel)}", aria_hidden="true")
    return tag("span", mark, tag("span", channel), cls="named")


def arm_name(arms: Sequence[str], arm: str) -> Html:
    """An arm's name behind a dot in its colour."""
    mark = tag("i", cls=f"dot {arm_class(arms, arm)}", aria_hidden="true")
    return tag("span", mark, tag("span", arm), cls="named")


def arm_legend(arms: Sequence[str]) -> Html:
    """The arms' colours."""
    return tag("div", *(arm_name(arms, arm) for arm in arms), cls="legend", aria_hidden="true")


@dataclass(frozen=True)
class Bar:
    """One bar of a group: its arm, length, optional interval, and the number beside it."""

    arm: str
    value: float | None
    shown: str
    low: float | None = None
    high: float | None = None


def bar_line(bar: Bar, scale: Scale, arms: Sequence[str]) -> Html:
    """A bar from zero, its interval as a whisker, and its number."""
    parts = []
    if bar.value:
        parts.append(tag("i", cls="bar", style=place(width=scale.at(bar.value))))
    if bar.low is not None and bar.high is not None:
        left, right = scale.at(bar.low), scale.at(bar.high)
        parts.append(tag("i", cls="whisker", style=place(left=left, width=right - left)))
    track = tag("span", join(parts), cls="track")
    return tag(
        "span", track, tag("span", bar.shown, cls="value"), cls=f"line {arm_class(arms, bar.arm)}"
    )


def grouped_bars(
    groups: Sequence[tuple[object, Sequence[Bar]]], arms: Sequence[str], whole: float | None = None
) -> Html:
    """Rows with a label and one bar for each arm, all on one scale from zero.

    With a `whole`, the scale ends there and each bar lies on a track that shows it.
    """
    ends = [end for _, bars in groups for bar in bars for end in (bar.value, bar.high)]
    scale = from_zero([whole] if whole else [end for end in ends if end is not None])
    rows = [
        tag(
            "div",
            tag("span", label, cls="label"),
            tag("span", *(bar_line(bar, scale, arms) for bar in bars), cls="lines"),
            cls="group",
        )
        for label, bars in groups
    ]
    return tag("div", *rows, cls="bars whole" if whole else "bars")


def panels(*parts: tuple[object, Html]) -> Html:
    """Small pictures beside each other, below each other on a narrow screen."""
    return tag(
        "div",
        *(tag("div", tag("h4", title), picture, cls="panel") for title, picture in parts),
        cls="panels",
    )


def axis(scale: Scale, shown: Callable[[float], str], most: int) -> Html:
    """The ticks' labels under a row of tracks."""
    values = scale.ticks(most)
    zero = next((at for at, value in enumerate(values) if value == 0), 0)
    labels = [
        tag(
            "span",
            shown(value),
            style=place(left=scale.at(value)),
            cls="odd" if (at - zero) % 2 else None,  # left out where the axis is short
        )
        for at, value in enumerate(values)
    ]
    return tag("div", *labels, cls="axis")
