"""A ledger: a line for each metric, with its levels, and one or two intervals on one track."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.records.interval import UNKNOWN, Interval
from experiments.report.kit.digits import ABSENT
from experiments.report.kit.forest import Lane, marks
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.ruler import labels, room
from experiments.report.kit.scales import Axis


@dataclass(frozen=True)
class Line:
    """One metric.

    Attributes:
        label: its name.
        levels: in both arms, in words.
        first, second: changes; what is not known is not drawn, nor a second that no line knows.
        told_first, told_second: each in words.
        told: both where they are pointed at.
        colour: class of the first interval.
        primary: whether it is what was declared beforehand.
    """

    label: object
    levels: object
    first: Interval
    second: Interval
    told_first: object
    told_second: object
    told: str
    colour: str = ""
    primary: bool = False


def sized(size: str, around: str) -> Html:
    """A change with its interval behind it, in words."""
    shown = tag("b", size, cls="size")
    return shown if around == ABSENT else join([shown, tag("small", around)], " ")


def either(relative: Html | None, absolute: Html) -> Html | None:
    """A change in words, relative or absolute: the page's script switches between them."""
    if relative is None:
        return None
    return join([tag("span", relative, cls="relative"), tag("span", absolute, cls="absolute")])


def spans(lines: Iterable[Line]) -> list[list[Interval]]:
    """What each line needs of the axis."""
    return [[each for each in (line.first, line.second) if each is not UNKNOWN] for line in lines]


def ledger(lines: Sequence[Line], axis: Axis, heads: Sequence[object]) -> Html:
    """Lines over one axis; an arrow marks what goes beyond it.

    Args:
        lines: from top to bottom.
        axis: of all lines.
        heads: of names, of levels, of the track, and of both intervals in words.
    """
    single = all(line.second is UNKNOWN and not line.told_second for line in lines)
    names = ("label", "levels", "tracks", "first", "second")
    head = [tag("span", each, cls=name) for name, each in zip(names, heads, strict=True)]
    shown = head[:-1] if single else head
    drawn = [tag("div", *shown, cls="post head"), *(_line(line, axis, single) for line in lines)]
    words = tag("div", *labels(axis), cls=f"axis {room(axis)}")
    ruler = tag("div", words, cls="post ruler")
    return tag("div", *drawn, ruler, cls="ledger single" if single else "ledger")


def _line(line: Line, axis: Axis, single: bool) -> Html:
    both = ((line.first, "mark-plain", ""), (line.second, "mark-truth", "truth"))
    tracks = [
        tag("div", *marks(Lane(span, "", mark=mark), axis), cls=f"track {kind}".rstrip())
        for span, mark, kind in both[: 1 if single else 2]
    ]
    return tag(
        "div",
        tag("span", line.label, cls="label"),
        tag("span", line.levels, cls="levels"),
        tag("div", *tracks, cls=f"tracks {line.colour}".rstrip(), title=line.told),
        tag("span", line.told_first, cls="first"),
        None if single else tag("span", line.told_second, cls="second"),
        cls="post primary" if line.primary else "post",
    )
