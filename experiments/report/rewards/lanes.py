"""Forest plots: lines with an interval, their middle and both in words, on one axis."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.report.kit.figures import Scale, axis
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.words import percent, step_decimals
from experiments.report.run.effects import TICKS, Span, shared_scale, track_marks


@dataclass(frozen=True)
class Lane:
    """One line of a forest plot.

    Attributes:
        label: its name.
        colour: its class.
        span: middle, low, high; None where nothing is known.
        mark: class of the mark: "mark-plain", hollow "mark-cuped", or "diamond".
        size, interval: the same in words.
    """

    label: Html
    colour: str
    span: Span | None
    mark: str
    size: str
    interval: str


def signed_percent(value: float, decimals: int) -> str:
    """A tick of an axis of relative changes."""
    return percent(value, decimals, sign=True)


def forest(
    title: str,
    lanes: Sequence[Lane],
    scale: Scale | None = None,
    shown: Callable[[float, int], str] = signed_percent,
    times: float = 100,
) -> Html:
    """Lanes on one axis that holds zero; what one wild lane cannot squash is cut by an arrow.

    Args:
        title: above the lanes; may be empty.
        lanes: from top to bottom.
        scale: the axis; by default one around all spans.
        shown: a tick in words, given its decimals.
        times: what a value is multiplied by in those words.
    """
    spans = [{"": lane.span} for lane in lanes if lane.span is not None]
    scale = scale or shared_scale(spans)
    decimals = step_decimals([times * value for value in scale.ticks(TICKS)])
    ruler = tag(
        "div",
        tag("span", cls="label"),
        tag("div", axis(scale, lambda value: shown(value, decimals), TICKS)),
        cls="metric ruler",
    )
    drawn = [
        tag(
            "div",
            tag("span", lane.label, tag("small", lane.interval, cls="brief"), cls="label"),
            tag("div", _lane(lane, scale), cls=f"lanes {lane.colour}"),
            cls="metric",
        )
        for lane in lanes
    ]
    return tag("div", tag("h4", title) if title else None, *drawn, ruler, cls="forest narrow")


def _lane(lane: Lane, scale: Scale) -> Html:
    parts = track_marks(lane.span or (None, None, None), lane.mark, scale)
    said = tag("span", lane.size, cls="size"), tag("small", lane.interval)
    return tag("div", tag("div", *parts, cls="track"), tag("div", *said, cls="said"), cls="lane")
