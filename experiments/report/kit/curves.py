"""Charts: curves over an axis with their intervals, and planes of spots over two measures."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple

from experiments.records.interval import Interval
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.ruler import labels, room
from experiments.report.kit.scales import Axis, cuts, place


class Point(NamedTuple):
    """A point of a curve.

    Attributes:
        x, y: where it lies.
        told: what is told of it where it is pointed at.
        ends: of its interval.
        label: what stands beside it, where the curve is labelled; of a diamond, a further class.
    """

    x: float
    y: float
    told: str = ""
    ends: tuple[float, float] | None = None
    label: str = ""


def spanned(x: float, value: Interval, told: str, label: str = "") -> Point:
    """A number with its interval as a point."""
    return Point(x, value.estimate or 0.0, told, value.ends, label)


@dataclass(frozen=True)
class Curve:
    """One curve of a chart.

    Attributes:
        colour: its class.
        points: from left to right.
        style: further classes: "faint", "loose" (dotted), "dashed".
        spread: how intervals are drawn.
        marked: whether its points can be pointed at.
        labelled: whether the labels of its points stand beside them.
        end: a number for the whole of it and its interval, beyond the right end.
        end_told: what is told of that where it is pointed at.
        told: what is told of the whole curve where it is pointed at; for one without marked points.
    """

    colour: str
    points: Sequence[Point]
    style: str = ""
    spread: Literal["band", "bars", "none"] = "none"
    marked: bool = True
    labelled: bool = False
    end: Interval | None = None
    end_told: str = ""
    told: str = ""


def chart(
    curves: Sequence[Curve],
    across: Axis,
    up: Axis,
    diamonds: Sequence[Point] = (),
    kind: str = "plot",
) -> Html:
    """Curves over one axis, the last on top, with diamonds for numbers from elsewhere.

    Args:
        curves: all on the same axes.
        across, up: the axis below, and the upright one.
        diamonds: further points.
        kind: class that decides the picture's size.
    """
    series = [_series(curve, across, up) for curve in curves]
    rhombs = [
        tag(
            "i",
            cls=f"diamond {at.label}".rstrip(),
            style=place(left=across.at(at.x), bottom=up.at(at.y)),
            title=at.told,
        )
        for at in diamonds
    ]
    kind += " below" * bool(across.name)
    return tag("div", *framed([*series, *rhombs], across, up), cls=f"chart {kind}".rstrip())


def framed(inside: Sequence[Html | None], across: Axis, up: Axis) -> list[Html | None]:
    """What lies on two axes, between the lines of one and the words of the other."""
    rules = [
        tag(
            "i",
            tag("span", label),
            cls="rule zero" if value == 0 else "rule",
            style=place(bottom=up.at(value)),
        )
        for value, label in up.ticks
    ]
    words = tag("div", *labels(across, "day"), cls=f"days {room(across)}".rstrip())
    name = tag("span", across.name, cls="xname") if across.name else None
    return [*rules, *inside, words, name]


def lines(*shapes: Html) -> Html:
    """Shapes in percent of the picture, stretched to its size."""
    box = {"viewBox": "0 0 100 100", "preserveAspectRatio": "none"}
    return tag("svg", join(shapes), aria_hidden="true", **box)


def outline(points: Sequence[tuple[float, float]]) -> str:
    """Points as the path of a polyline."""
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)


def _series(curve: Curve, across: Axis, up: Axis) -> Html:
    """A curve, its intervals, its points, and what stands at its end."""
    middle = [(across.at(at.x), 100 - up.at(at.y)) for at in curve.points]
    told = tag("title", curve.told) if curve.told else None
    shapes = [tag("path", told, d=outline(middle), cls="curve")] if middle else []
    bars: list[Html | None] = []
    if curve.spread == "band":
        bands, lone = _band(curve, across, up)
        shapes = [*bands, *shapes]
        bars = [_bar(at, across, up) for at in lone]
        bars += [arrow for at in curve.points for arrow in _cut(at, across, up)]
    elif curve.spread == "bars":
        bars = [_bar(at, across, up) for at in curve.points]
    else:
        bars = [_arrow(at, across, up) for at in curve.points]
    points = [_point(curve, at, across, up) for at in curve.points if curve.marked]
    return tag(
        "div",
        lines(*shapes),
        *bars,
        *points,
        _end(curve.end, up, curve.end_told) if curve.end else None,
        cls=f"series {curve.colour} {curve.style}".rstrip(),
    )


def _band(curve: Curve, across: Axis, up: Axis) -> tuple[list[Html], list[Point]]:
    """Bands over neighbours that have intervals, and those that stand alone with theirs.

    A band that reached over points without an interval would claim one for them.
    """
    runs = [list(run) for has, run in groupby(curve.points, lambda at: at.ends is not None) if has]
    drawn = []
    for run in runs:
        known = [(across.at(at.x), *map(up.at, at.ends or (at.y, at.y))) for at in run]
        upper = [(x, 100 - high) for x, _, high in known]
        lower = [(x, 100 - low) for x, low, _ in reversed(known)]
        if len(run) > 1:
            drawn.append(tag("path", d=outline([*upper, *lower]) + "Z", cls="band"))
    return drawn, [run[0] for run in runs if len(run) == 1]


def _cut(at: Point, across: Axis, up: Axis) -> list[Html]:
    """An arrow at each end of a band that goes beyond the axis there."""
    ends = [end for end in at.ends or () if not up.holds(end)]
    return [
        tag(
            "i",
            cls="upright-bar" + cuts(up.scale, (end, end)),
            style=place(left=across.at(at.x), bottom=up.at(end)),
        )
        for end in ends
    ]


def _bar(at: Point, across: Axis, up: Axis) -> Html | None:
    if at.ends is None:
        return _arrow(at, across, up)
    bottom, top = map(up.at, at.ends)
    where = place(left=across.at(at.x), bottom=bottom, height=top - bottom)
    return tag("i", cls="upright-bar" + cuts(up.scale, at.ends), style=where)


def _arrow(at: Point, across: Axis, up: Axis) -> Html | None:
    """An arrow where the axis does not reach a point; nothing where it does."""
    if up.holds(at.y):
        return None
    where = place(left=across.at(at.x), bottom=up.at(at.y))
    return tag("i", cls="upright-bar" + cuts(up.scale, (at.y, at.y)), style=where)


def _point(curve: Curve, at: Point, across: Axis, up: Axis) -> Html:
    """A point, with its label beside it."""
    left = across.at(at.x)
    return tag(
        "i",
        tag("b", at.label) if curve.labelled else None,
        cls="point",
        style=place(left=left, bottom=up.at(at.y)),
        title=at.told,
    )


def _end(end: Interval, up: Axis, told: str) -> Html | None:
    if end.estimate is None:
        return None
    parts = [tag("i", cls="mark-truth", style=place(bottom=up.at(end.estimate)))]
    if end.ends is not None:
        bottom, top = map(up.at, end.ends)
        parts.insert(0, tag("i", cls="reach", style=place(bottom=bottom, height=top - bottom)))
    return tag("div", *parts, cls="true-end", title=told)


@dataclass(frozen=True)
class Spot:
    """One of those that are compared, by two measures.

    Attributes:
        name: whose it is.
        label: what stands in its place.
        colour: its class.
        x, y: where; the intervals are the arms of its cross.
        told: what is told of it when it is pointed at.
    """

    name: str
    label: str
    colour: str
    x: Interval
    y: Interval
    told: str

    @property
    def at(self) -> tuple[float, float]:
        """Its place."""
        return self.x.estimate or 0.0, self.y.estimate or 0.0


def plane(
    spots: Sequence[Spot],
    across: Axis,
    up: Axis,
    front: Sequence[tuple[float, float]] = (),
    kind: str = "plot plane",
) -> Html:
    """Spots over two axes.

    Args:
        spots: in front of all crosses.
        across, up: the axes.
        front: corners of a line that is drawn behind them, from the left edge to the bottom.
        kind: class that decides the picture's size.
    """
    inside = [
        _front(front, across, up) if front else None,
        *(_cross(spot, across, up) for spot in spots),
        *(_spot(spot, across, up) for spot in spots),
    ]
    name = tag("span", up.name, cls="yname")
    return tag("div", name, *framed(inside, across, up), cls=f"chart {kind}")


def _front(corners: Sequence[tuple[float, float]], across: Axis, up: Axis) -> Html:
    inner = [(across.at(x), 100 - up.at(y)) for x, y in corners]
    path = outline([(0.0, inner[0][1]), *inner, (inner[-1][0], 100.0)])
    return tag("div", lines(tag("path", d=path, cls="curve")), cls="series front")


def _cross(spot: Spot, across: Axis, up: Axis) -> Html:
    arms = []
    x, y = spot.at
    if spot.x.ends:
        left, right = map(across.at, spot.x.ends)
        where = place(left=left, width=right - left, bottom=up.at(y))
        arms.append(tag("i", cls="arm level" + cuts(across.scale, spot.x.ends), style=where))
    if spot.y.ends:
        low, high = map(up.at, spot.y.ends)
        where = place(left=across.at(x), bottom=low, height=high - low)
        arms.append(tag("i", cls="arm upright" + cuts(up.scale, spot.y.ends), style=where))
    return tag("div", join(arms), cls=f"cross {spot.colour}")


def _spot(spot: Spot, across: Axis, up: Axis) -> Html:
    x, y = spot.at
    where = place(left=across.at(x), bottom=up.at(y))
    return tag("b", spot.label, cls=f"seal point {spot.colour}", style=where, title=spot.told)
