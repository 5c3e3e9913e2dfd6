"""The first section: the verdict on the channels in words, and all of them in one table."""

from collections.abc import Callable
from functools import partial

from experiments.inference.finding import Finding, decide
from experiments.records.attribution import ValueRow
from experiments.records.interval import Interval
from experiments.report.attribution.lookup import Lookup
from experiments.report.attribution.verdict import (
    best_value,
    channel_sentence,
    finding,
    pairs,
    reconciled,
    summary,
)
from experiments.report.kit.colours import swatch
from experiments.report.kit.digits import ABSENT, percent, share_words
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, absent, listing, note, verdict
from experiments.report.kit.sentences import noun_of
from experiments.report.kit.tables import Table

JUDGED = {
    Finding.MORE: "adds",
    Finding.LESS: "takes away",
    Finding.UNTOLD: "cannot be told from zero",
    Finding.MISSING: "not known",
}
BADGES = {
    Finding.MORE: "Adds {noun}",
    Finding.LESS: "Takes {noun} away",
    Finding.UNTOLD: "Credit, and no gain that can be told from zero",
    Finding.MISSING: "Credit alone",
}
TONES = {Finding.MORE: "good", Finding.LESS: "bad"}


def contributions(lookup: Lookup) -> Content:
    """What each channel is credited with and what is lost without it."""
    cautions = None
    if lookup.record.warnings:
        head = tag("p", "Before you read", cls="alarm-note")
        cautions = tag("div", head, listing(lookup.record.warnings), cls="cautions")
    focus = lookup.focus
    if not lookup.record.credits or focus is None:
        return cautions, absent("The log holds nothing that could be credited to a channel.")
    lead = (
        f"In {lookup.arm}. Credit is composition: what the log holds of items that a channel "
        "found. Contribution is what would be lost without it. They answer different questions, "
        "and can lie far apart."
    )
    state = finding(best_value(lookup, focus))
    further = [reconciled(lookup, focus), *summary(lookup), *pairs(lookup)]
    said = verdict(
        BADGES[state].format(noun=noun_of(lookup.worth)),
        tag("p", channel_sentence(lookup, focus), cls="sentence small"),
        [each for each in further if each],
        TONES.get(state, "plain"),
    )
    every = tag("div", _every_channel(lookup), cls="summary-table")
    return lead, cautions, said, every, note(_method(lookup))


def _every_channel(lookup: Lookup) -> Table:
    """Each channel's credit, worth and what may be said of it."""
    credited, noun = noun_of(lookup.credited), noun_of(lookup.worth)
    columns: list[tuple[str, Callable[[str], object]]] = [
        ("Channel", lambda name: swatch(lookup.channels, name)),
        (f"Credited with, {credited}", partial(_credit, lookup, "any_touch")),
        ("Found alone", partial(_credit, lookup, "exclusive")),
    ]
    for index, head in (
        ("shapley", f"Shapley, {noun}"),
        ("leave_one_out", f"{noun} lost without it"),
    ):
        columns += [
            (f"{head} ({method})", partial(_worth, lookup, method, index))
            for method in lookup.methods(index)
        ]
    if lookup.methods("leave_one_out"):
        columns.append(("In words", lambda name: _judged(best_value(lookup, name))))
    return Table.of(f"Channels of {lookup.arm}", lookup.measured, *columns)


def _entry(share: Interval) -> Html:
    """A share with its interval below it."""
    size, interval = share_words(share)
    below = tag("small", interval) if interval != ABSENT else None
    return tag("span", size, below, cls="entry")


def _credit(lookup: Lookup, rule: str, channel: str) -> Html | str:
    """What a rule credits a channel with."""
    row = lookup.credit(rule, channel, lookup.credited)
    return _entry(row.share) if row else ABSENT


def _worth(lookup: Lookup, method: str, index: str, channel: str) -> Html | str:
    """What a channel is worth; soft where it cannot be told from zero."""
    row = lookup.value(method, index, channel, lookup.worth)
    if row is None:
        return ABSENT
    shown = _entry(row.share)
    return shown if decide(row.share).real else tag("span", shown, cls="soft")


def _judged(row: ValueRow | None) -> str:
    """What may be said of a channel, and by which method."""
    state = finding(row)
    return JUDGED[state] if row is None else f"{JUDGED[state]} ({row.method})"


def _method(lookup: Lookup) -> str:
    """What the numbers are of."""
    parts = [
        "Any touch: every channel that found the item is credited with the whole event, so shares "
        "add up to more than all. Found alone: no other channel found it."
    ]
    if "replay" in lookup.methods("leave_one_out"):
        parts.append(
            "Replay asks the logged requests again without the channel, and takes what shoppers "
            "would be expected to do on the pages that come out; the rest of the day stays as it "
            "was."
        )
    if "worlds" in lookup.methods("leave_one_out"):
        parts.append(
            "Worlds lives the days again without the channel, for the same shoppers with the same "
            "luck, and all that follows follows."
        )
    confidence = percent(lookup.record.confidence, 0)
    parts.append(
        f"Intervals are {confidence}, each for itself; one that holds zero is told as \u201ccannot "
        "be told from zero\u201d, which is not the same as none."
    )
    return " ".join(parts)
