"""Where the purchases credited to a channel go without it."""

from collections.abc import Sequence
from dataclasses import replace

from experiments.records.attribution import FATES, GAINED, FateRow
from experiments.records.reading import rows_of
from experiments.report.attribution.lookup import METHODS, Lookup
from experiments.report.kit.bars import Part, stacked
from experiments.report.kit.colours import legend, swatch
from experiments.report.kit.digits import fixed, percent, share_words, with_range
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, figure
from experiments.report.kit.sentences import counted, listed
from experiments.report.kit.tables import Table

WORDS = {
    "same_item": "same item, through another channel",
    "other_item": "another item",
    "later": "later",
    "nowhere": "not made",
    GAINED: "made without it alone",
}
KNOWN = {
    "replay": "Replay counts expected purchases on the logged requests, so nothing comes later.",
    "worlds": "Worlds counts the same shoppers\u2019 purchases in the paired world without it.",
}
"""What each method can know."""

INSIDE = 0.09  # least share of a bar whose number stands inside it


def fates(lookup: Lookup) -> Content:
    """One stacked bar for each channel and method; no such section where not measured."""
    rows = rows_of(lookup.record.fates, arm=lookup.arm)
    if not rows:
        return None
    methods = [method for method in METHODS if rows_of(rows, method=method)]
    lead = (
        "The purchases that any touch credits to a channel, and what becomes of each without it. "
        f"{_told(lookup, methods[-1])} {' '.join(KNOWN[method] for method in methods)}"
    )
    channels = [name for name in lookup.measured if rows_of(rows, channel=name)]
    keys = legend(*((f"patch {fate}", WORDS[fate]) for fate in FATES))
    groups = [_group(lookup, name, methods) for name in channels]
    picture = tag("div", keys, tag("div", *groups, cls="fates"))
    numbers = Table.of(
        "Fates of credited purchases",
        rows,
        ("Channel", lambda row: swatch(lookup.channels, row.channel)),
        ("Method", lambda row: row.method),
        ("Without it", lambda row: WORDS.get(row.fate, row.fate)),
        ("Purchases", lambda row: fixed(row.purchases, 1)),
        (("Share", "Interval"), lambda row: share_words(row.share)),
        names=3,
    )
    described = "Stacked bars: what becomes of the purchases credited to each channel without it"
    return lead, figure(picture, numbers, described)


def _told(lookup: Lookup, method: str) -> str:
    """Whose purchases are lost most and least."""
    lost = {
        name: row
        for name in lookup.measured
        for row in [lookup.fate(method, name, "nowhere")]
        if row is not None and row.share.estimate is not None
    }
    if not lost:
        return ""
    ordered = sorted(lost, key=lambda name: -(lost[name].share.estimate or 0.0))
    parts = [
        f"{with_range(lost[name].share)} of {name}\u2019s"
        for name in dict.fromkeys([ordered[0], ordered[-1]])
    ]
    return f"Not made at all without it: {listed(parts)} ({method}). {_balance(lookup, method)}"


def _balance(lookup: Lookup, method: str) -> str:
    """That losses are gross, and by how much of them other purchases make up."""
    own = rows_of(lookup.record.fates, arm=lookup.arm, method=method)
    lost, gained = (sum(r.purchases for r in rows_of(own, fate=f)) for f in ("nowhere", GAINED))
    if lost <= 0:
        return ""
    return (
        "These are gross losses: the pages without the channel also sell what was not bought "
        f"before. For 100 purchases that are lost, {fixed(100 * gained / lost, 0)} are gained (the "
        "table has both by channel). Leave-one-out counts the difference."
    )


def _group(lookup: Lookup, channel: str, methods: Sequence[str]) -> Html:
    """One channel: a bar for each method."""
    lines = [line for method in methods for line in [_line(lookup, channel, method)] if line]
    head = tag("span", swatch(lookup.channels, channel), cls="label")
    return tag("div", head, tag("div", *lines, cls="stacks"), cls="group")


def _line(lookup: Lookup, channel: str, method: str) -> Html | None:
    """One stacked bar with how many purchases it stands for."""
    known = [row for fate in FATES if (row := lookup.fate(method, channel, fate)) is not None]
    total = sum(max(0.0, row.purchases) for row in known)
    if not known:
        return None
    parts = [_part(row, max(0.0, row.purchases) / total) for row in known] if total > 0 else []
    about = "expected purchase" if method == "replay" else "purchase"
    return tag(
        "div",
        tag("span", method, cls="name"),
        stacked(parts) if parts else tag("span", "none credited", cls="empty"),
        tag("span", counted(round(total), about), cls="value"),
        cls="stack-line",
    )


def _part(row: FateRow, width: float) -> Part:
    told = f"{WORDS.get(row.fate, row.fate)}: {with_range(replace(row.share, estimate=width))}"
    return Part(width, f"patch {row.fate}", told, percent(width, 0) if width >= INSIDE else "")
