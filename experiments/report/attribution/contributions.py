"""The first section: the verdict on the channels in words, and all of them in one table."""

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
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import absent, listing, note, section, verdict
from experiments.report.kit.sentences import noun_of
from experiments.report.kit.tables import Table

TITLE = "What each channel contributes"
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


def contributions(lookup: Lookup) -> Html:
    """The section that says what each channel is credited with and what is lost without it."""
    cautions = warnings(lookup)
    if not lookup.record.credits or lookup.focus is None:
        said = absent("The log holds nothing that could be credited to a channel.")
        return section("attribution", TITLE, None, cautions, said)
    lead = (
        f"In {lookup.arm}. Credit is composition: what the log holds of items that a channel "
        "found. Contribution is what would be lost without it. They answer different questions, "
        "and can lie far apart."
    )
    return section(
        "attribution",
        TITLE,
        lead,
        cautions,
        of_focus(lookup, lookup.focus),
        tag("div", overview(lookup), cls="summary-table"),
        method(lookup),
    )


def warnings(lookup: Lookup) -> Html | None:
    """What must be known before anything is believed."""
    found = lookup.record.warnings
    if not found:
        return None
    head = tag("p", "Before you read", cls="alarm-note")
    return tag("div", head, listing(found), cls="cautions")


def of_focus(lookup: Lookup, focus: str) -> Html:
    """The channel that most ask about, how its two numbers fit, and the others in short."""
    state = finding(best_value(lookup, focus))
    further = [reconciled(lookup, focus), *summary(lookup), *pairs(lookup)]
    return verdict(
        BADGES[state].format(noun=noun_of(lookup.worth)),
        tag("p", channel_sentence(lookup, focus), cls="sentence small"),
        [each for each in further if each],
        TONES.get(state, "plain"),
    )


def overview(lookup: Lookup) -> Table:
    """Each channel's credit, worth and what may be said of it."""
    credited, noun = noun_of(lookup.credited), noun_of(lookup.worth)
    shapley, left_out = lookup.methods("shapley"), lookup.methods("leave_one_out")
    rows = []
    for name in lookup.measured:
        touched = lookup.credit("any_touch", name, lookup.credited)
        alone = lookup.credit("exclusive", name, lookup.credited)
        worth = [lookup.value(m, "shapley", name, lookup.worth) for m in shapley]
        lost = [lookup.value(m, "leave_one_out", name, lookup.worth) for m in left_out]
        rows.append(
            [
                swatch(lookup.channels, name),
                entry(touched.share) if touched else ABSENT,
                entry(alone.share) if alone else ABSENT,
                *(value_entry(row) for row in worth),
                *(value_entry(row) for row in lost),
                *([judged(best_value(lookup, name))] if left_out else []),
            ]
        )
    head = ["Channel", f"Credited with, {credited}", "Found alone"]
    head += [f"Shapley, {noun} ({method})" for method in shapley]
    head += [f"{noun} lost without it ({method})" for method in left_out]
    head += ["In words"] if left_out else []
    return Table(f"Channels of {lookup.arm}", head, rows)


def entry(share: Interval) -> Html:
    """A share with its interval below it."""
    size, interval = share_words(share)
    below = tag("small", interval) if interval != ABSENT else None
    return tag("span", size, below, cls="entry")


def value_entry(row: ValueRow | None) -> Html | str:
    """What a channel is worth; soft where it cannot be told from zero."""
    if row is None:
        return ABSENT
    shown = entry(row.share)
    sure = decide(row.share).real
    return shown if sure else tag("span", shown, cls="soft")


def judged(row: ValueRow | None) -> str:
    """What may be said of a channel, and by which method."""
    state = finding(row)
    return JUDGED[state] if row is None else f"{JUDGED[state]} ({row.method})"


def method(lookup: Lookup) -> Html:
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
    return note(join(parts, " "))
