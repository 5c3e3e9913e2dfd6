"""From the replay's leave-one-out value to that of re-simulated worlds, cause by cause."""

from dataclasses import dataclass

from experiments.inference.finding import decide
from experiments.records.attribution import CAUSES, DifferenceRow
from experiments.records.interval import UNKNOWN, Interval
from experiments.report.attribution.lookup import Lookup
from experiments.report.kit.colours import channel_class, swatch
from experiments.report.kit.digits import amount, decimal, number
from experiments.report.kit.forest import Lane, Row, forest
from experiments.report.kit.markup import Html
from experiments.report.kit.page import figure, listing, note, panels, section
from experiments.report.kit.scales import Axis, known, shared
from experiments.report.kit.sentences import listed, noun_of, title_of
from experiments.report.kit.tables import Table

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
    axis = Axis(shared([reach(step)] for own in falls.values() for step in own), decimal)
    drawn = panels(
        *(
            (
                swatch(lookup.channels, name),
                forest([Row("", lanes, channel_class(lookup.channels, name))], axis, kind="strips"),
            )
            for name, own in falls.items()
            for lanes in [[bar_lane(step) for step in own]]
        ),
        kind="panels even",
    )
    said = [sentence(name, own) for name, own in falls.items()]
    words = listing([each for each in said if each], "warnings plain")
    described = (
        f"Waterfalls: from the replayed to the re-simulated loss of {noun} without each channel"
    )
    shown = figure(drawn, differences_table(lookup), described)
    meant = "; ".join(f"{WORDS[cause]}: {MEANT[cause]}" for cause in CAUSES if used(falls, cause))
    return section("twoways", TITLE, lead, words, shown, note(f"{meant}."))


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


def reach(step: Step) -> Interval:
    """What a step needs of the axis."""
    ends = known((step.start, step.end, *moved(step).numbers))
    return Interval(step.end, min(ends), max(ends))


def moved(step: Step) -> Interval:
    """The interval of a step where its bar lies."""
    value = step.row.value
    if value.low is None or value.high is None:
        return UNKNOWN
    return Interval(None, step.start + value.low, step.start + value.high)


def bar_lane(step: Step) -> Lane:
    """One bar with its interval and its size."""
    end = step.row.cause in ("replay", "worlds")
    kind = "end" if end else "gain" if step.end >= step.start else "loss"
    size = number(step.row.value.estimate, 2, sign=not end)
    name = WORDS.get(step.row.cause, step.row.cause)
    return Lane(moved(step), size, kind=kind, name=name, bar=(step.start, step.end))


def sentence(channel: str, own: list[Step]) -> str | None:
    """The two ends of a channel's waterfall and what lies between, in words."""
    rows = {step.row.cause: step.row for step in own}
    replay, worlds = rows.get("replay"), rows.get("worlds")
    if replay is None or worlds is None:
        return None
    between = [rows[cause] for cause in CAUSES if cause in rows]
    sure = [row for row in between if decide(row.value).real]
    sure.sort(key=lambda row: -abs(row.value.estimate or 0.0))
    named = [
        f"{WORDS[row.cause].lower()} ({number(row.value.estimate, 2, sign=True)})" for row in sure
    ]
    why = f"causes told from zero: {listed(named)}" if named else "no cause can be told from zero"
    return f"{channel}: {amount(replay.value)} by replay, {amount(worlds.value)} in worlds; {why}."


def differences_table(lookup: Lookup) -> Table:
    """Every end and cause of every channel and event."""
    cells = [
        [
            swatch(lookup.channels, row.channel),
            title_of(row.event),
            WORDS.get(row.cause, row.cause),
            amount(row.value),
        ]
        for row in lookup.record.differences
        if row.arm == lookup.arm
    ]
    head = ["Channel", "Event", "Step", "Per exposed shopper"]
    return Table("From replay to worlds", head, cells, names=3)
