"""Forest plots: lines with an interval, a mark and both in words, all over one axis."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.records.interval import UNKNOWN, Interval
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.scales import Axis, known, place

TICKS = 6  # about so many along the axis of a wide plot


@dataclass(frozen=True)
class Lane:
    """One line of a forest plot.

    Attributes:
        span: middle and interval; what is not known is not drawn.
        size: the middle in words.
        beside: behind it: the interval in words, or what else is to be said.
        mark: class of the mark at the middle.
        kind: class of the line.
        name: at its left.
        diamond: a number from elsewhere, and what is told of it.
        bar: where a bar from and to; the interval is then a whisker, and there is no mark.
    """

    span: Interval
    size: str
    beside: object = None
    mark: str = "mark-plain"
    kind: str = ""
    name: str = ""
    diamond: tuple[float, str] | None = None
    bar: tuple[float, float] | None = None


@dataclass(frozen=True)
class Row:
    """Lines with one label.

    Attributes:
        label: before them, or above them where there is no room.
        lanes: from top to bottom.
        colour: their class.
        primary: whether it is what was declared beforehand.
    """

    label: object
    lanes: Sequence[Lane]
    colour: str = ""
    primary: bool = False


def spans(rows: Iterable[Row]) -> list[list[Interval]]:
    """What each row's lines need of their axis: intervals, bars and diamonds."""
    return [[_reach(lane) for lane in row.lanes] for row in rows]


def _reach(lane: Lane) -> Interval:
    ends = known((*lane.span.numbers, *(lane.bar or ()), *(lane.diamond or ())[:1]))
    return Interval(lane.span.estimate, min(ends), max(ends)) if ends else UNKNOWN


def forest(rows: Sequence[Row], axis: Axis, title: object = "", kind: str = "") -> Html:
    """Rows over one axis; an arrow marks what goes beyond it.

    Args:
        rows: from top to bottom.
        axis: of all rows.
        title: above them.
        kind: class: "narrow" for many rows, "strips" for small panels, "beams" for short names.
    """
    drawn = [
        tag(
            "div",
            tag("span", row.label, cls="label") if row.label else None,
            tag(
                "div",
                *(_lane(lane, axis) for lane in row.lanes),
                None if row.lanes else tag("div", "could not be estimated", cls="empty"),
                cls=f"lanes {row.colour}".rstrip(),
            ),
            cls="metric primary" if row.primary else "metric",
        )
        for row in rows
    ]
    return tag(
        "div",
        tag("h4", title) if title else None,
        *drawn,
        _ruler(axis),
        cls=f"forest {kind}".rstrip(),
    )


def _lane(lane: Lane, axis: Axis) -> Html:
    beside = lane.beside if isinstance(lane.beside, Html) else tag("small", lane.beside)
    return tag(
        "div",
        tag("span", lane.name, cls="name", title=lane.name) if lane.name else None,
        tag("div", *marks(lane, axis), cls="track"),
        tag("div", tag("span", lane.size, cls="size"), beside if lane.beside else None, cls="said"),
        cls=f"lane {lane.kind}".rstrip(),
    )


def marks(lane: Lane, axis: Axis) -> list[Html]:
    """What stands on a track: ticks, the interval (cut where the axis ends), a mark."""
    parts = [
        tag("i", cls="tick zero" if value == 0 else "tick", style=place(left=axis.at(value)))
        for value, _ in axis.ticks
    ]
    if lane.bar is not None:
        start, end = lane.bar
        left, right = sorted((axis.at(start), axis.at(end)))
        parts.append(tag("i", cls="bar", style=place(left=left, width=right - left)))
    if lane.span.ends is not None:
        left, right = map(axis.at, lane.span.ends)
        cut = (
            (" cut-low", lane.span.ends[0] < axis.scale.low),
            (" cut-high", lane.span.ends[1] > axis.scale.high),
        )
        kind = "whisker" if lane.bar else "span" + "".join(name for name, beyond in cut if beyond)
        parts.append(tag("i", cls=kind, style=place(left=left, width=right - left)))
    middle = lane.span.estimate
    if lane.bar is None and middle is not None and axis.holds(middle):
        parts.append(tag("i", cls=lane.mark, style=place(left=axis.at(middle))))
    if lane.diamond is not None and axis.holds(lane.diamond[0]):
        value, told = lane.diamond
        parts.append(tag("i", cls="diamond", style=place(left=axis.at(value)), title=told))
    return parts


def _ruler(axis: Axis) -> Html:
    """The words of the axis; every second one is left out where the axis is short."""
    ticks = axis.ticks
    zero = next((at for at, (value, _) in enumerate(ticks) if value == 0), 0)
    labels = [
        tag("span", label, style=place(left=axis.at(at)), cls="odd" if (n - zero) % 2 else None)
        for n, (at, label) in enumerate(ticks)
    ]
    return tag(
        "div",
        tag("span", cls="label"),
        tag("div", tag("div", *labels, cls="axis")),
        cls="metric ruler",
    )
