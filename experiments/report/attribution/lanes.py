"""Lanes: names, marks with their intervals on one axis, and the same in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.report.kit.figures import Scale, place
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.words import percent, step_decimals
from experiments.report.run.effects import Span, track_marks

TICKS = 5
ROOM = 0.03  # of the axis, beyond its outermost mark


@dataclass(frozen=True)
class Lane:
    """One line.

    Attributes:
        label: its name.
        span: middle, low and high; None where nothing is known.
        mark: class of its mark: "full", "hollow", "rhomb" or "rhomb hollow".
        said: the middle in words.
        colour: its class; none: the ink's.
    """

    label: str
    span: Span | None
    mark: str
    said: str
    colour: str = ""


def lane_scale(
    lanes: Sequence[Lane], least: float | None = None, most: float | None = None
) -> Scale:
    """An axis that holds zero and all lanes, and goes no further than it may."""
    ends = [end for lane in lanes if lane.span for end in lane.span if end is not None]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    width = (high - low) or 1.0
    low, high = low - ROOM * width if low < 0 else 0.0, high + ROOM * width
    low = low if least is None else max(low, least)
    return Scale(low, high if most is None else min(high, max(most, low + 1e-9)))


def signed(value: float, decimals: int) -> str:
    """A tick of an axis of shares."""
    return percent(value, decimals)


def lanes(
    groups: Sequence[tuple[object, Sequence[Lane]]],
    scale: Scale,
    shown: Callable[[float, int], str] = signed,
    times: float = 100,
) -> Html:
    """Lanes in groups, each with a title that may be empty, over one axis.

    Args:
        groups: from top to bottom.
        scale: the axis.
        shown: a tick in words, given its decimals.
        times: what a value is multiplied by in those words.
    """
    drawn = []
    for title, own in groups:
        drawn += [tag("p", title, cls="lane-title")] if title and own else []
        drawn += [one_lane(lane, scale) for lane in own]
    return tag("div", *drawn, ruler(scale, shown, times), cls="strips")


def ruler(scale: Scale, shown: Callable[[float, int], str], times: float) -> Html:
    """The axis under the lanes."""
    values = scale.ticks(TICKS)
    decimals = step_decimals([times * value for value in values])
    labels = [
        tag(
            "span",
            shown(value, decimals),
            style=place(left=scale.at(value)),
            cls="odd" if at % 2 else None,  # left out where the axis is short
        )
        for at, value in enumerate(values)
    ]
    return tag("div", tag("span"), tag("div", *labels, cls="ticks"), tag("span"), cls="strip foot")


def one_lane(lane: Lane, scale: Scale) -> Html:
    """A name, a track with mark and interval, and the middle in words."""
    parts = track_marks(lane.span or (None, None, None), f"spot {lane.mark}", scale, TICKS)
    return tag(
        "div",
        tag("span", lane.label, cls="name", title=lane.label),
        tag("div", *parts, cls="track"),
        tag("span", lane.said, cls="value"),
        cls=f"strip {lane.colour or 'inked'}",
    )
