"""Bars from zero in groups, and bars of parts that make up a whole."""

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.records.interval import Interval, Number
from experiments.report.kit.markup import Html, join, tag, words_of
from experiments.report.kit.scales import Scale, cuts, from_zero, known, place


@dataclass(frozen=True)
class Bar:
    """One bar of a group.

    Attributes:
        value: its length, and its interval as a whisker.
        shown: the number beside it.
        colour: its class; none: that of what it stands in.
        name: before it.
        notch: a further number, marked on its track.
        told: what is told of it where it is pointed at; none: its name and the number beside it.
    """

    value: Interval
    shown: str
    colour: str = ""
    name: str = ""
    notch: Number = None
    told: str = ""


def bar(value: Number, shown: str, colour: str = "", told: str = "") -> Bar:
    """A bar without an interval."""
    return Bar(Interval(value, None, None), shown, colour, told=told)


def bar_line(label: object, one: Bar, scale: Scale) -> Html:
    """A bar of what the label names on its track, with its name and its number."""
    value, low, high = one.value.numbers
    parts = []
    if value:
        parts.append(tag("i", cls="bar", style=place(width=scale.at(value))))
    if low is not None and high is not None:
        left, right = scale.at(low), scale.at(high)
        kind = "whisker" + cuts(scale, (low, high))
        parts.append(tag("i", cls=kind, style=place(left=left, width=right - left)))
    if one.notch is not None:
        parts.append(tag("i", cls="notch", style=place(left=scale.at(one.notch))))
    return tag(
        "span",
        tag("span", one.name, cls="name") if one.name else None,
        tag("span", join(parts), cls="track"),
        tag("span", one.shown, cls="value"),
        cls=f"line {one.colour}".rstrip(),
        title=f"{words_of(label)}: {one.told or ' '.join((one.name, one.shown)).strip()}",
    )


def grouped_bars(
    groups: Sequence[tuple[object, Sequence[Bar]]], whole: float | None = None, kind: str = "bars"
) -> Html:
    """Rows with a label and their bars, all on one scale from zero.

    With a `whole`, the scale ends there and each bar lies on a track that shows it.
    """
    ends = known(end for _, bars in groups for one in bars for end in one.value.numbers)
    scale = from_zero([whole] if whole else ends)
    rows = [
        tag(
            "div",
            tag("span", label, cls="label"),
            tag("span", *(bar_line(label, one, scale) for one in bars), cls="lines"),
            cls="group",
        )
        for label, bars in groups
    ]
    return tag("div", *rows, cls=f"{kind} whole" if whole else kind)


@dataclass(frozen=True)
class Part:
    """A part of a stacked bar: its share, its mark's class and shade, and what is told of it."""

    share: float
    kind: str
    told: str
    shown: str = ""
    step: int | None = None


def stacked(parts: Sequence[Part]) -> Html:
    """One bar of the parts that there are."""
    drawn = [
        tag(
            "i",
            tag("small", part.shown) if part.shown else None,
            cls=part.kind or None,
            style=place(width=100 * part.share)
            + ("" if part.step is None else f";--step:{part.step}"),
            title=part.told,
        )
        for part in parts
        if part.share > 0
    ]
    return tag("span", *drawn, cls="stack")
