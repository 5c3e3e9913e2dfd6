"""Curves with bands over an axis of shares or relative changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.report.kit.figures import Scale, place
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.words import percent, step_decimals
from experiments.report.run.daily import outline
from experiments.report.run.effects import Span

LEVELS = 4


@dataclass(frozen=True)
class Curve:
    """One curve.

    Attributes:
        colour: its class.
        points: place along the axis, what lies there, and the same in words.
        style: "dashed" or nothing.
        labelled: whether the words stand beside the points, not only where they are pointed at.
        spread: how intervals are drawn: "band", "bars" or "none".
    """

    colour: str
    points: Sequence[tuple[float, Span, str]]
    style: str = ""
    labelled: bool = False
    spread: Literal["band", "bars", "none"] = "band"


def plot(
    curves: Sequence[Curve],
    across: Scale,
    up: Scale,
    ticks: Sequence[tuple[float, str]],
    *,
    name: str = "",
    sign: bool = False,
    low: bool = False,
    shown: Callable[[float, int], str] | None = None,
) -> Html:
    """Curves over one axis.

    Args:
        curves: the last lies on top.
        across: the axis below.
        up: the axis of shares or relative changes.
        ticks: places and names along the axis below.
        name: of the axis below.
        sign: whether the upright axis tells plus and minus.
        low: whether the picture is less high.
        shown: a value of the upright axis in words, given its decimals; a percentage.
    """
    values = up.ticks(LEVELS)
    decimals = step_decimals([100 * value for value in values])
    words = shown or (lambda value, digits: percent(value, digits, sign=sign))
    rules = [
        tag(
            "i",
            tag("span", words(value, decimals)),
            cls="rule zero" if value == 0 else "rule",
            style=place(bottom=up.at(value)),
        )
        for value in values
    ]
    labels = [
        tag("span", label, cls="day", style=place(left=across.at(value))) for value, label in ticks
    ]
    return tag(
        "div",
        *rules,
        *(series(curve, across, up) for curve in curves),
        *labels,
        tag("span", name, cls="xname") if name else None,
        cls="chart shares-plot low" if low else "chart shares-plot",
    )


def series(curve: Curve, across: Scale, up: Scale) -> Html:
    """A curve, its band or bars, and its points."""
    middle = [(across.at(x), 100 - up.at(span[0])) for x, span, _ in curve.points]
    shapes = [tag("path", d=outline(middle), cls="curve")]
    if curve.spread == "band":
        shapes = [*band(curve, across, up), *shapes]
    picture = tag(
        "svg",
        join(shapes),
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
    barred = curve.points if curve.spread == "bars" else ()
    bars = [upright(x, span, across, up) for x, span, _ in barred]
    points = [point(curve, at, across, up) for at in range(len(curve.points))]
    return tag("div", picture, *bars, *points, cls=f"series {curve.colour} {curve.style}".rstrip())


def band(curve: Curve, across: Scale, up: Scale) -> list[Html]:
    """The intervals as one area."""
    known = [
        (across.at(x), 100 - up.at(low), 100 - up.at(high))
        for x, (_, low, high), _ in curve.points
        if low is not None and high is not None
    ]
    if not known:
        return []
    upper = [(x, high) for x, _, high in known]
    lower = [(x, low) for x, low, _ in reversed(known)]
    return [tag("path", d=outline([*upper, *lower]) + "Z", cls="band")]


def upright(x: float, span: Span, across: Scale, up: Scale) -> Html | None:
    """One interval as a bar."""
    _, low, high = span
    if low is None or high is None:
        return None
    bottom = up.at(low)
    where = place(left=across.at(x), bottom=bottom, height=up.at(high) - bottom)
    return tag("i", cls="upright-bar", style=where)


def point(curve: Curve, at: int, across: Scale, up: Scale) -> Html:
    """A point, with its words beside it or where it is pointed at."""
    x, (middle, *_), told = curve.points[at]
    left = across.at(x)
    where = place(left=left, bottom=up.at(middle))
    label = tag("b", told) if curve.labelled else None
    tip = None if curve.labelled else told
    return tag("i", label, cls="point turned" if left > 60 else "point", style=where, data_tip=tip)
