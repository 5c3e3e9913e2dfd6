"""What may be said of each channel: what it is credited with, what is lost without it, and how
both are true."""

from dataclasses import replace

from experiments.inference.finding import Finding, decide
from experiments.records.attribution import GAINED, InteractionRow, ValueRow
from experiments.records.interval import Interval
from experiments.report.attribution.lookup import METHODS, METHODS_NAMED, Lookup
from experiments.report.kit.digits import percent, share_words, with_range
from experiments.report.kit.sentences import counted, listed, noun_of

MOST_NAMES = 6  # channels of one kind named in a sentence
MOST_PAIRS = 3  # pairs named in words; the matrix has all


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


def credit_clause(lookup: Lookup, channel: str) -> str:
    """What a channel is credited with."""
    event = lookup.credited
    row = lookup.credit("any_touch", channel, event)
    alone = lookup.credit("exclusive", channel, event)
    if row is None or row.share.estimate is None:
        return f"{channel} has no {noun_of(event)} to be credited with"
    size, interval = share_words(row.share)
    within = f", {interval}" if row.share.low is not None else ""
    said = f"{channel} is credited with {size} of {noun_of(event)} (any touch{within})"
    if alone is None or alone.share.estimate is None:
        return said
    found = share_words(alone.share)[0] if alone.credit else "nothing"
    return f"{said} and found {found} alone"


def loss_clause(lookup: Lookup, row: ValueRow | None) -> str:
    """What is lost without a channel."""
    noun = noun_of(lookup.worth)
    if row is None or row.share.estimate is None:
        return f"the {noun} lost without it was not measured"
    where = METHODS_NAMED.get(row.method, row.method)
    size, interval = share_words(replace(row.share, estimate=abs(row.share.estimate)))
    match decide(row.share):
        case Finding.MORE:
            return f"without it {noun} would fall by {size} ({interval}, {where})"
        case Finding.LESS:
            size, interval = share_words(_turned(row.share))
            return f"without it {noun} would rise by {size} ({interval}, {where})"
        case Finding.UNTOLD:
            middle = share_words(row.share)[0]
            return (
                f"the {noun} lost without it cannot be told from zero "
                f"({middle}, {interval}, {where})"
            )
    verb = "fall" if row.share.estimate >= 0 else "rise"
    return f"without it {noun} would {verb} by {size} ({where}, no interval)"


def _turned(share: Interval) -> Interval:
    """A loss as a gain."""
    middle, low, high = (None if end is None else -end for end in share.numbers)
    return Interval(middle, high, low)


def channel_sentence(lookup: Lookup, channel: str) -> str:
    """Credit and loss of a channel in one sentence."""
    row = best_value(lookup, channel)
    return f"{credit_clause(lookup, channel)}; {loss_clause(lookup, row)}."


def reconciled(lookup: Lookup, channel: str) -> str | None:
    """How a channel can be credited with much while little is lost without it."""
    for method in METHODS[::-1]:
        fates = {name: lookup.fate(method, channel, name) for name in _GONE}
        parts = [
            f"{with_range(row.share)} {words}"
            for name, words in _GONE.items()
            for row in [fates[name]]
            if row is not None
            and row.share.estimate is not None
            and (row.share.estimate or name == "nowhere")
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
    touched = lookup.credit("any_touch", channel, event)
    alone = lookup.credit("exclusive", channel, event)
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
    if not methods:
        return [
            "What is lost without each channel was not measured, so its credit stands alone: "
            "\u201cfunnelab attribute\u201d with the folder of this run measures it."
        ]
    return [_summary(lookup, method) for method in methods]


def _summary(lookup: Lookup, method: str) -> str:
    """The same by one method."""
    noun = noun_of(lookup.worth)
    groups: dict[Finding, list[str]] = {}
    for channel in lookup.measured:
        row = lookup.value(method, "leave_one_out", channel, lookup.worth)
        groups.setdefault(finding(row), []).append(channel)
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
    where = METHODS_NAMED.get(method, method)
    return f"{where[:1].upper()}{where[1:]}, {'; '.join(said)}."


def some(names: list[str]) -> str:
    """Names as an enumeration, or how many there are where they are too many to read."""
    return listed(names) if len(names) <= MOST_NAMES else counted(len(names), "channel")


def _credited(lookup: Lookup, channel: str) -> str:
    row = lookup.credit("any_touch", channel, lookup.credited)
    return (
        channel
        if row is None or row.share.estimate is None
        else f"{channel} ({percent(row.share.estimate, 0)})"
    )


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
