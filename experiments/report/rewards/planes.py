"""Policies over two measures, with crosses for their intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.records.interval import Number
from experiments.records.rewards import RewardsRecord
from experiments.report.kit.figures import Scale, place
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.words import step_decimals
from experiments.report.rewards.pictures import colour, number_of
from experiments.report.run.daily import outline

ROOM = 0.08  # share of a picture left free around its values


@dataclass(frozen=True)
class Spot:
    """A policy in a plane, with its intervals.

    Attributes:
        policy: which.
        x, y: where.
        told: what is told of it when it is pointed at.
        x_low, x_high, y_low, y_high: ends of the arms of its cross.
    """

    policy: str
    x: float
    y: float
    told: str
    x_low: Number = None
    x_high: Number = None
    y_low: Number = None
    y_high: Number = None


def around(values: Sequence[Number]) -> Scale:
    """An axis that just holds the known values."""
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    spare = ROOM * (high - low) or abs(high) * 0.05 or 1.0
    return Scale(low - spare, high + spare)


def plane(
    record: RewardsRecord,
    spots: Sequence[Spot],
    *,
    xname: str,
    yname: str,
    yshown: Callable[[float, int], str] | None = None,
    ytimes: float = 1,
    front: Sequence[tuple[float, float]] = (),
    large: bool = False,
) -> Html:
    """Policies as seals over two measures, with crosses for intervals.

    Args:
        record: whose policies they are.
        spots: the policies.
        xname, yname: what the axes are.
        yshown: a tick of the upward axis in words, given its decimals; a number by default.
        ytimes: what its value is multiplied by in those words.
        front: corners of a line that is drawn behind them, from the left edge to the bottom.
        large: whether it stands alone.
    """
    across = around([v for spot in spots for v in (spot.x, spot.x_low, spot.x_high)])
    up = around([v for spot in spots for v in (spot.y, spot.y_low, spot.y_high)])
    decimals = step_decimals([ytimes * value for value in up.ticks(4)])
    rules = [
        tag(
            "i",
            tag("span", yshown(value, decimals) if yshown else f"{value:g}"),
            cls="rule zero" if value == 0 else "rule",
            style=place(bottom=up.at(value)),
        )
        for value in up.ticks(4)
    ]
    labels = [
        tag("span", f"{value:g}", cls="day", style=place(left=across.at(value)))
        for value in across.ticks(4)
    ]
    return tag(
        "div",
        tag("span", yname, cls="yname"),
        *rules,
        _front(front, across, up) if front else None,
        *(_cross(record, spot, across, up) for spot in spots),
        *(_spot(record, spot, across, up) for spot in spots),
        *labels,
        tag("span", xname, cls="xname"),
        cls="chart plot plane large" if large else "chart plot plane",
    )


def _front(corners: Sequence[tuple[float, float]], across: Scale, up: Scale) -> Html:
    ends = [(across.low, corners[0][1]), *corners, (corners[-1][0], up.low)]
    path = outline([(across.at(x), 100 - up.at(y)) for x, y in ends])
    box = {"viewBox": "0 0 100 100", "preserveAspectRatio": "none"}
    picture = tag("svg", tag("path", d=path, cls="curve"), aria_hidden="true", **box)
    return tag("div", picture, cls="series front")


def _cross(record: RewardsRecord, spot: Spot, across: Scale, up: Scale) -> Html:
    """The two intervals of a policy, behind all seals."""
    arms = []
    if spot.x_low is not None and spot.x_high is not None:
        left, right = across.at(spot.x_low), across.at(spot.x_high)
        where = place(left=left, width=right - left, bottom=up.at(spot.y))
        arms.append(tag("i", cls="arm level", style=where))
    if spot.y_low is not None and spot.y_high is not None:
        low, high = up.at(spot.y_low), up.at(spot.y_high)
        where = place(left=across.at(spot.x), bottom=low, height=high - low)
        arms.append(tag("i", cls="arm upright", style=where))
    return tag("div", join(arms), cls=f"cross {colour(record, spot.policy)}")


def _spot(record: RewardsRecord, spot: Spot, across: Scale, up: Scale) -> Html:
    left = across.at(spot.x)
    own = colour(record, spot.policy)
    return tag(
        "b",
        str(number_of(record, spot.policy)),
        cls=f"seal point {own}" + (" turned" if left > 50 else ""),
        style=place(left=left, bottom=up.at(spot.y)),
        data_tip=spot.told,
    )
