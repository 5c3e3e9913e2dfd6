"""Forest plots: lines with an interval, a mark and both in words, all over one axis."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.records.interval import UNKNOWN, Interval
from experiments.report.kit.markup import Html, tag, words_of
from experiments.report.kit.ruler import labels, room
from experiments.report.kit.scales import Axis, cuts, known, place


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
        told: the number with its interval where it is pointed at; none: size and what is beside.
    """

    span: Interval
    size: str
    beside: object = None
    mark: str = "mark-plain"
    kind: str = ""
    name: str = ""
    diamond: tuple[float, str] | None = None
    bar: tuple[float, float] | None = None
    told: str = ""

    def tip(self, called: str) -> str:
        """Name, number and interval of the line, in words."""
        around = words_of(self.beside) if self.beside else ""
        told = self.told or (f"{self.size} ({around})" if around else self.size)
        return ": ".join(
            each for each in (", ".join(filter(None, (called, self.name))), told) if each
        )


@dataclass(frozen=True)
class Row:
    """Lines with one label.

    Attributes:
        label: before them, or above them where there is no room.
        lanes: from top to bottom.
        colour: their class.
        primary: whether it is what was declared beforehand.
        called: its name where a line is pointed at; none: the label without its small print.
    """

    label: object
    lanes: Sequence[Lane]
    colour: str = ""
    primary: bool = False
    called: str = ""


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
                *(_lane(lane, axis, row.called or words_of(row.label)) for lane in row.lanes),
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


def _lane(lane: Lane, axis: Axis, called: str) -> Html:
    beside = lane.beside if isinstance(lane.beside, Html) else tag("small", lane.beside)
    return tag(
        "div",
        tag("span", lane.name, cls="name", title=lane.name) if lane.name else None,
        tag("div", *marks(lane, axis), cls="track", title=lane.tip(called)),
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
        kind = ("whisker" if lane.bar else "span") + cuts(axis.scale, lane.span.ends)
        parts.append(tag("i", cls=kind, style=place(left=left, width=right - left)))
    middle = lane.span.estimate
    if lane.bar is None and middle is not None:
        parts.append(_mark(lane.mark, middle, axis))
    if lane.diamond is not None:
        value, told = lane.diamond
        parts.append(_mark("diamond", value, axis, told))
    return parts


def _mark(kind: str, value: float, axis: Axis, told: str | None = None) -> Html:
    """A mark at its value; where the axis does not reach it, an arrow that points to it."""
    where = place(left=axis.at(value))
    if axis.holds(value):
        return tag("i", cls=kind, style=where, title=told)
    return tag("i", cls="beyond" + cuts(axis.scale, (value, value)), style=where, title=told)


def _ruler(axis: Axis) -> Html:
    """The words of the axis."""
    return tag(
        "div",
        tag("span", cls="label"),
        tag("div", tag("div", *labels(axis), cls=f"axis {room(axis)}")),
        cls="metric ruler",
    )
