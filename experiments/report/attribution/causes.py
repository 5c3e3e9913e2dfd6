"""From the replay's leave-one-out value to that of re-simulated worlds, cause by cause."""

from dataclasses import dataclass

from experiments.records.attribution import CAUSES, DifferenceRow
from experiments.report.attribution.lanes import TICKS, ruler
from experiments.report.attribution.lookup import Lookup
from experiments.report.attribution.phrases import Told, amount, noun_of, title_of, told
from experiments.report.kit.figures import Scale, channel_class, place, swatch
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.tables import figure, section, table
from experiments.report.kit.words import fixed, number
from experiments.report.run.compared import listed
from experiments.report.run.effects import Span, shared_scale

TITLE = "Replay beside re-simulated worlds"
WORDS = {
    "replay": "Replay",
    "sessions": "Sessions",
    "memory": "Memory",
    "stock": "Stock",
    "learning": "Learning",
    "luck": "Luck",
    "worlds": "Worlds",
}
MEANT = {
    "sessions": "searches that only one of the worlds has, because sessions go on otherwise",
    "memory": "the same searches of shoppers who have clicked and bought other things before",
    "stock": "other items sold out",
    "learning": "other statistics, from which the funnel learns each day",
    "luck": "what was bought beside what was to be expected of the pages shown",
}


@dataclass(frozen=True)
class Step:
    """One bar of a waterfall: from where to where, and its interval.

    Attributes:
        row: what it shows.
        start, end: the bar's ends; from zero for both ends of the fall.
    """

    row: DifferenceRow
    start: float
    end: float


def causes(lookup: Lookup) -> Html | None:
    """The section with one waterfall for each channel; None where there is nothing to compare."""
    event = shown_event(lookup)
    falls = {name: steps(lookup, name, event) for name in lookup.measured}
    falls = {name: own for name, own in falls.items() if own}
    if not falls:
        return None
    noun = noun_of(event)
    lead = (
        f"What is lost without a channel, in {noun} per exposed shopper: first as a replay of the "
        "logged requests tells it, last as worlds lived again tell it, and between them why they "
        "differ."
    )
    scale = shared_scale([{"": reach(step)} for own in falls.values() for step in own])
    drawn = [panel(lookup, name, own, scale) for name, own in falls.items()]
    said = [sentence(name, own) for name, own in falls.items()]
    words = tag("ul", *(tag("li", each) for each in said if each), cls="warnings plain")
    described = (
        f"Waterfalls: from the replayed to the re-simulated loss of {noun} without each channel"
    )
    shown = figure("", tag("div", *drawn, cls="panels even"), differences_table(lookup), described)
    meant = "; ".join(f"{WORDS[cause]}: {MEANT[cause]}" for cause in CAUSES if used(falls, cause))
    return section("twoways", TITLE, lead, words, shown, tag("p", f"{meant}.", cls="note"))


def shown_event(lookup: Lookup) -> str:
    """What is lost first, where it was compared."""
    found = [row.event for row in lookup.record.differences if row.arm == lookup.arm]
    return lookup.worth if lookup.worth in found else next(iter(found), "gmv")


def used(falls: dict[str, list[Step]], cause: str) -> bool:
    """Whether a cause is told of any channel."""
    return any(step.row.cause == cause for own in falls.values() for step in own)


def steps(lookup: Lookup, channel: str, event: str) -> list[Step]:
    """A channel's waterfall: the replay's value, the causes, the worlds' value."""
    rows = {
        row.cause: row
        for row in lookup.record.differences
        if (row.arm, row.channel, row.event) == (lookup.arm, channel, event)
        and row.value.estimate is not None
    }
    found, level = [], 0.0
    for cause in ("replay", *CAUSES, "worlds"):
        row = rows.get(cause)
        if row is None:
            continue
        value = row.value.estimate or 0.0
        if cause in ("replay", "worlds"):
            found.append(Step(row, 0.0, value))
            level = value
        else:
            found.append(Step(row, level, level + value))
            level += value
    return found


def reach(step: Step) -> Span:
    """What a step needs of the axis."""
    low, high = moved(step)
    ends = [step.start, step.end, *(end for end in (low, high) if end is not None)]
    return step.end, min(ends), max(ends)


def moved(step: Step) -> tuple[float | None, float | None]:
    """The interval of a step where its bar lies."""
    row = step.row
    if row.value.low is None or row.value.high is None:
        return None, None
    return step.start + row.value.low, step.start + row.value.high


def panel(lookup: Lookup, channel: str, own: list[Step], scale: Scale) -> Html:
    """One channel's waterfall."""
    colour = channel_class(lookup.channels, channel)
    rows = [one_step(step, scale, colour) for step in own]
    foot = ruler(scale, lambda value, decimals: fixed(value, decimals), 1)
    title = tag("h4", swatch(lookup.channels, channel))
    return tag("div", title, tag("div", *rows, foot, cls="strips"), cls="panel")


def one_step(step: Step, scale: Scale, colour: str) -> Html:
    """One bar with its interval and its size."""
    row = step.row
    left, right = sorted((scale.at(step.start), scale.at(step.end)))
    end = row.cause in ("replay", "worlds")
    kind = "end" if end else "gain" if step.end >= step.start else "loss"
    parts = [
        tag("i", cls="tick zero" if value == 0 else "tick", style=place(left=scale.at(value)))
        for value in scale.ticks(TICKS)
    ]
    parts.append(tag("i", cls=f"bar fall {kind}", style=place(left=left, width=right - left)))
    low, high = moved(step)
    if low is not None and high is not None:
        start = scale.at(low)
        parts.append(tag("i", cls="whisker", style=place(left=start, width=scale.at(high) - start)))
    return tag(
        "div",
        tag("span", WORDS.get(row.cause, row.cause), cls="name"),
        tag("div", *parts, cls="track"),
        tag("span", number(row.value.estimate, 2, sign=not end), cls="value"),
        cls=f"strip {colour}{' end' if end else ''}",
    )


def sentence(channel: str, own: list[Step]) -> str | None:
    """The two ends of a channel's waterfall and what lies between, in words."""
    rows = {step.row.cause: step.row for step in own}
    replay, worlds = rows.get("replay"), rows.get("worlds")
    if replay is None or worlds is None:
        return None
    between = [rows[cause] for cause in CAUSES if cause in rows]
    sure = [row for row in between if told(row.value.low, row.value.high) in (Told.MORE, Told.LESS)]
    sure.sort(key=lambda row: -abs(row.value.estimate or 0.0))
    named = [
        f"{WORDS[row.cause].lower()} ({number(row.value.estimate, 2, sign=True)})" for row in sure
    ]
    why = f"causes told from zero: {listed(named)}" if named else "no cause can be told from zero"
    return (
        f"{channel}: {amount(*replay.value.numbers)} by replay, "
        f"{amount(*worlds.value.numbers)} in worlds; {why}."
    )


def differences_table(lookup: Lookup) -> Html:
    """Every end and cause of every channel and event."""
    cells = [
        [
            swatch(lookup.channels, row.channel),
            title_of(row.event),
            WORDS.get(row.cause, row.cause),
            amount(*row.value.numbers),
        ]
        for row in lookup.record.differences
        if row.arm == lookup.arm
    ]
    head = ["Channel", "Event", "Step", "Per exposed shopper"]
    return table("From replay to worlds", head, cells, names=3)
