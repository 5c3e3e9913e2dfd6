"""Scatter plots: named spots over two measures, with crosses for their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.records.interval import Interval
from experiments.report.kit.curves import framed, lines, outline
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.scales import Axis, place


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
    """The two intervals of a spot."""
    arms = []
    x, y = spot.at
    if spot.x.low is not None and spot.x.high is not None:
        left, right = across.at(spot.x.low), across.at(spot.x.high)
        where = place(left=left, width=right - left, bottom=up.at(y))
        arms.append(tag("i", cls="arm level", style=where))
    if spot.y.low is not None and spot.y.high is not None:
        low, high = up.at(spot.y.low), up.at(spot.y.high)
        where = place(left=across.at(x), bottom=low, height=high - low)
        arms.append(tag("i", cls="arm upright", style=where))
    return tag("div", join(arms), cls=f"cross {spot.colour}")


def _spot(spot: Spot, across: Axis, up: Axis) -> Html:
    x, y = spot.at
    left = across.at(x)
    return tag(
        "b",
        spot.label,
        cls=f"seal point {spot.colour}" + (" turned" if left > 50 else ""),
        style=place(left=left, bottom=up.at(y)),
        data_tip=spot.told,
    )
