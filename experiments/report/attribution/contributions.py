"""The first section: the verdict on the channels in words, and all of them in one table."""

from collections.abc import Callable
from functools import partial

from experiments.inference.finding import Finding, decide
from experiments.records.attribution import GAINED, InteractionRow, ValueRow
from experiments.records.interval import Interval
from experiments.records.reading import grouped
from experiments.report.attribution.lookup import METHODS, METHODS_NAMED, Lookup
from experiments.report.kit.colours import swatch
from experiments.report.kit.digits import ABSENT, percent, share_words, sureness, with_range
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, absent, listing, note, verdict
from experiments.report.kit.sentences import begun, counted, listed, noun_of
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
MOST_NAMES = 6  # channels of one kind named in a sentence
MOST_PAIRS = 3  # pairs named in words; the matrix has all
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
    parts = [
        "Any touch: every channel that found the item is credited with the whole event, so shares "
        "add up to more than all. Found alone: no other channel found it."
    ]
    if "replay" in lookup.methods("leave_one_out"):
        parts.append(
            "Replay asks a world's requests again without the channel, and takes what shoppers "
            "would be expected to do on the pages that come out, and on those they then come to; "
            "the rest of the day stays as it was."
        )
    if "worlds" in lookup.methods("leave_one_out"):
        parts.append(
            "Worlds lives the days again without the channel, for the same shoppers with the same "
            "luck, and all that follows follows."
        )
    confidence = sureness(lookup.record.confidence)
    parts.append(
        f"Intervals are {confidence}, each for itself; one that holds zero is told as \u201ccannot "
        "be told from zero\u201d, which is not the same as none."
    )
    return " ".join(parts)


def best_value(lookup: Lookup, channel: str, index: str = "leave_one_out") -> ValueRow | None:
    """What is lost without a channel: from worlds, which hold all that follows, else replayed."""
    rows = [
        row
        for method in METHODS[::-1]
        for row in [lookup.value(method, index, channel, lookup.worth)]
        if row is not None and row.share.estimate is not None
    ]
    known = [row for row in rows if row.share.low is not None]
    return next(iter(known or rows), None)


def finding(row: ValueRow | None) -> Finding:
    """Where the interval of a channel's worth lies."""
    return Finding.MISSING if row is None else decide(row.share)


def _credit_clause(lookup: Lookup, channel: str) -> str:
    noun = noun_of(lookup.credited)
    row, alone = (lookup.credit(r, channel, lookup.credited) for r in ("any_touch", "exclusive"))
    if row is None or row.share.estimate is None:
        return f"{channel} has no {noun} to be credited with"
    size, interval = share_words(row.share)
    within = f", {interval}" if row.share.ends else ""
    said = f"{channel} is credited with {size} of {noun} (any touch{within})"
    if alone is None or alone.share.estimate is None:
        return said
    return f"{said} and found {share_words(alone.share)[0] if alone.credit else 'nothing'} alone"


def _loss_clause(lookup: Lookup, row: ValueRow | None) -> str:
    noun = noun_of(lookup.worth)
    if row is None or row.share.estimate is None:
        return f"the {noun} lost without it was not measured"
    where, found = METHODS_NAMED.get(row.method, row.method), decide(row.share)
    if found is Finding.UNTOLD:
        size, interval = share_words(row.share)
        return f"the {noun} lost without it cannot be told from zero ({size}, {interval}, {where})"
    verb, lost = "fall", row.share
    if row.share.estimate < 0:
        verb, lost = "rise", row.share.turned
    size, interval = share_words(lost)
    within = f"{interval}, {where}" if found.real else f"{where}, no interval"
    return f"without it {noun} would {verb} by {size} ({within})"


def channel_sentence(lookup: Lookup, channel: str) -> str:
    """Credit and loss of a channel in one sentence."""
    lost = _loss_clause(lookup, best_value(lookup, channel))
    return f"{_credit_clause(lookup, channel)}; {lost}."


def reconciled(lookup: Lookup, channel: str) -> str | None:
    """How a channel can be credited with much while little is lost without it."""
    for method in METHODS[::-1]:
        fates = ((lookup.fate(method, channel, name), words) for name, words in _GONE.items())
        parts = [
            f"{with_range(row.share)} {words}"
            for row, words in fates
            if row is not None
            and row.share.estimate is not None
            and (row.share.estimate or row.fate == "nowhere")
        ]
        if parts:
            return (
                "Both hold at once, for others find the same items: of the purchases credited to "
                f"{channel}, without it {listed(parts)} ({METHODS_NAMED[method]})."
                f"{_gained(lookup, method, channel)}"
            )
    return _others_found(lookup, channel)


_GONE = {
    "same_item": "would be of the same item through another channel",
    "other_item": "of another item",
    "later": "made later",
    "nowhere": "not made at all",
}


def _gained(lookup: Lookup, method: str, channel: str) -> str:
    """What stands against the purchases that are not made."""
    row = lookup.fate(method, channel, GAINED)
    if row is None or row.share.estimate is None or row.share.estimate <= 0:
        return ""
    size = with_range(row.share)
    return f" Against that stand purchases made without it alone, {size} of the same number."


def _others_found(lookup: Lookup, channel: str) -> str | None:
    """The same from the log alone: how much of its credit others share."""
    event = lookup.credited
    touched, alone = (lookup.credit(r, channel, event) for r in ("any_touch", "exclusive"))
    if touched is None or alone is None or not touched.credit:
        return None
    common = 1 - alone.credit / touched.credit
    return (
        f"Of the {noun_of(event)} credited to {channel}, {percent(common)} are of items that "
        "another channel found as well."
    )


def summary(lookup: Lookup) -> list[str]:
    """Which channels add something, and which earn credit and add nothing that can be told."""
    methods = lookup.methods("leave_one_out")[::-1]
    nothing = (
        "What is lost without each channel was not measured, so its credit stands alone: "
        "\u201cfunnelab attribute\u201d with the folder of this run measures it."
    )
    return [_summary(lookup, method) for method in methods] or [nothing]


def _summary(lookup: Lookup, method: str) -> str:
    noun = noun_of(lookup.worth)

    def state(channel: str) -> Finding:
        return finding(lookup.value(method, "leave_one_out", channel, lookup.worth))

    groups = grouped(lookup.measured, state)
    said = []
    if found := groups.get(Finding.MORE):
        said.append(f"{some(found)} {_verb(found, 'adds', 'add')} {noun}")
    if found := groups.get(Finding.UNTOLD):
        earned = some([_credited(lookup, name) for name in found])
        both = _verb(found, "earns credit and adds", "earn credit and add")
        said.append(f"{earned} {both} no {noun} that can be told from zero")
    if found := groups.get(Finding.LESS):
        said.append(f"there would be more {noun} without {some(found)}")
    if found := groups.get(Finding.MISSING):
        said.append(f"what is lost without {some(found)} is not known, or has no interval")
    return f"{begun(METHODS_NAMED.get(method, method))}, {'; '.join(said)}."


def some(names: list[str]) -> str:
    """Names as an enumeration, or how many there are where they are too many to read."""
    return listed(names) if len(names) <= MOST_NAMES else counted(len(names), "channel")


def _credited(lookup: Lookup, channel: str) -> str:
    row = lookup.credit("any_touch", channel, lookup.credited)
    known = row is not None and row.share.estimate is not None
    return f"{channel} ({percent(row.share.estimate, 0)})" if row and known else channel


def _verb(names: list[str], one: str, many: str) -> str:
    return one if len(names) == 1 else many


def pairs(lookup: Lookup) -> list[str]:
    """Which channels stand in for each other, and which are worth more together."""
    rows = next((found for method in METHODS[::-1] if (found := lookup.pairs(method))), [])
    said = []
    for kind, words in (
        (Finding.LESS, "stand in for each other"),
        (Finding.MORE, "are worth more together than apart"),
    ):
        found = [row for row in rows if decide(row.share) is kind]
        if not found:
            continue
        found.sort(key=lambda row: -abs(row.share.estimate or 0.0))
        named = [_pair(row) for row in found[:MOST_PAIRS]]
        rest = len(found) - len(named)
        named += [counted(rest, "further pair")] if rest else []
        where = METHODS_NAMED.get(found[0].method, found[0].method)
        said.append(
            f"Channels that {words}, as interaction in {noun_of(lookup.worth)} {where}: "
            f"{listed(named)}."
        )
    if rows and not said:
        said.append("No two channels' interaction can be told from zero.")
    return said


def _pair(row: InteractionRow) -> str:
    size, interval = share_words(row.share)
    return f"{row.channel} with {row.other} ({size}; {interval})"
