"""From the replay's leave-one-out value to that of re-simulated worlds, cause by cause."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from experiments.inference.finding import decide
from experiments.records.attribution import CAUSES, DifferenceRow
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.reading import rows_of
from experiments.report.attribution.lookup import Lookup
from experiments.report.kit.colours import channel_class, swatch
from experiments.report.kit.digits import amount
from experiments.report.kit.forest import Lane, Row, forest, spans
from experiments.report.kit.page import Content, figure, listing, note, panels
from experiments.report.kit.scales import Axis, decimal, shared
from experiments.report.kit.sentences import listed, noun_of, title_of
from experiments.report.kit.tables import Table

ENDS = ("replay", "worlds")
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
    "sessions": "searches that only one of the worlds has, beyond their chances in the replay",
    "memory": "the same searches of shoppers who have clicked and bought other things before",
    "stock": "other items sold out",
    "learning": "other statistics, from which the funnel learns each day",
    "luck": "the rest: which paths were lived, and what sold out at the very moment",
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

    @property
    def lane(self) -> Lane:
        """The bar with its interval where it lies, and its size."""
        value = self.row.value
        moved = UNKNOWN
        if value.ends is not None:
            moved = Interval(None, self.start + value.ends[0], self.start + value.ends[1])
        end = self.row.cause in ENDS
        kind = "end" if end else "gain" if self.end >= self.start else "loss"
        size = amount(value).partition(" (")[0]
        name = WORDS.get(self.row.cause, self.row.cause)
        told = amount(value)
        return Lane(moved, size, kind=kind, name=name, bar=(self.start, self.end), told=told)


def causes(lookup: Lookup) -> Content:
    """One waterfall for each channel; no such section where there is nothing to compare."""
    found = [row.event for row in rows_of(lookup.record.differences, arm=lookup.arm)]
    event = lookup.worth if lookup.worth in found else next(iter(found), "gmv")
    every = {name: steps(lookup, name, event) for name in lookup.measured}
    falls = {name: own for name, own in every.items() if own}
    if not falls:
        return None
    noun = noun_of(event)
    lead = (
        f"What is lost without a channel, in {noun} per exposed shopper. The first bar is the loss "
        "by replay of a world's requests, the last one the loss in worlds that are lived again "
        "without the channel. The bars between them are the reasons why the two differ."
    )
    rows = {
        name: [
            Row("", [step.lane for step in own], channel_class(lookup.channels, name), called=name)
        ]
        for name, own in falls.items()
    }
    reached = ([span] for own in rows.values() for span in spans(own)[0])
    axis = Axis(shared(reached), decimal)
    pictures = (
        (swatch(lookup.channels, name), forest(own, axis, kind="strips"))
        for name, own in rows.items()
    )
    said = [sentence for name, own in falls.items() if (sentence := _sentence(name, own))]
    described = (
        f"Waterfalls: from the replayed to the re-simulated loss of {noun} without each channel"
    )
    drawn = figure(panels(*pictures, kind="panels even"), _table(lookup), described)
    used = {step.row.cause for own in falls.values() for step in own}
    meant = "; ".join(f"{WORDS[cause]}: {MEANT[cause]}" for cause in CAUSES if cause in used)
    return lead, listing(said, "warnings plain"), drawn, note(f"{meant}.")


def steps(lookup: Lookup, channel: str, event: str) -> list[Step]:
    """A channel's waterfall: the replay's value, the causes, the worlds' value."""
    own = rows_of(lookup.record.differences, arm=lookup.arm, channel=channel, event=event)
    rows = {row.cause: row for row in own if row.value.estimate is not None}
    found, level = [], 0.0
    for cause in ("replay", *CAUSES, "worlds"):
        if row := rows.get(cause):
            row = _as_elsewhere(lookup, row)
            start = 0.0 if cause in ENDS else level
            level = start + (row.value.estimate or 0.0)
            found.append(Step(row, start, level))
    return found


def _as_elsewhere(lookup: Lookup, row: DifferenceRow) -> DifferenceRow:
    """An end of the fall with the interval that the same value has in the other sections.

    They tell it with what categories share, where there is one seed; here it is told without, to
    stand beside the causes.
    """
    if row.cause not in ENDS:
        return row
    told = lookup.value(row.cause, "leave_one_out", row.channel, row.event)
    estimate = row.value.estimate or 0.0
    if told is None or not math.isclose(told.value.estimate or 0.0, estimate, rel_tol=1e-6):
        return row
    return replace(row, value=told.value)


def _sentence(channel: str, own: Sequence[Step]) -> str | None:
    """The two ends of a channel's waterfall and what lies between, in words."""
    rows = {step.row.cause: step.row for step in own}
    replay, worlds = rows.get("replay"), rows.get("worlds")
    if replay is None or worlds is None:
        return None
    between = [rows[cause] for cause in CAUSES if cause in rows]
    sure = [row for row in between if decide(row.value).real]
    sure.sort(key=lambda row: -abs(row.value.estimate or 0.0))
    named = [f"{WORDS[row.cause].lower()} ({amount(row.value).partition(' (')[0]})" for row in sure]
    why = f"clearly because of {listed(named)}" if named else "no cause of the difference is clear"
    return f"{channel}: {amount(replay.value)} by replay, {amount(worlds.value)} in worlds; {why}."


def _table(lookup: Lookup) -> Table:
    return Table.of(
        "From replay to worlds",
        [_as_elsewhere(lookup, r) for r in rows_of(lookup.record.differences, arm=lookup.arm)],
        ("Channel", lambda row: swatch(lookup.channels, row.channel)),
        ("Event", lambda row: title_of(row.event)),
        ("Step", lambda row: WORDS.get(row.cause, row.cause)),
        ("Per exposed shopper", lambda row: amount(row.value)),
        names=3,
    )
