"""Where the purchases credited to a channel go without it."""

from dataclasses import replace

from experiments.records.attribution import FATES, GAINED, FateRow
from experiments.report.attribution.lookup import METHODS, Lookup
from experiments.report.kit.bars import Part, stacked
from experiments.report.kit.colours import legend, swatch
from experiments.report.kit.digits import ABSENT, fixed, percent, share_words, with_range
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import figure, section
from experiments.report.kit.sentences import counted, listed
from experiments.report.kit.tables import Table

TITLE = "Where purchases go without a channel"
WORDS = {
    "same_item": "same item, through another channel",
    "other_item": "another item",
    "later": "later",
    "nowhere": "not made",
    GAINED: "made without it alone",
}
INSIDE = 0.09  # least share of a bar whose number stands inside it


def fates(lookup: Lookup) -> Html | None:
    """The section with one stacked bar for each channel and method; None where not measured."""
    rows = [row for row in lookup.record.fates if row.arm == lookup.arm]
    if not rows:
        return None
    methods = [method for method in METHODS if any(row.method == method for row in rows)]
    lead = (
        "The purchases that any touch credits to a channel, and what becomes of each without it. "
        f"{told(lookup, methods)} {basis(methods)}"
    )
    channels = [name for name in lookup.measured if any(row.channel == name for row in rows)]
    keys = legend(*((f"patch {fate}", WORDS[fate]) for fate in FATES))
    groups = [group(lookup, name, methods) for name in channels]
    picture = tag("div", keys, tag("div", *groups, cls="fates"))
    described = "Stacked bars: what becomes of the purchases credited to each channel without it"
    return section(
        "substitution", TITLE, lead, figure(picture, fates_table(lookup, rows), described)
    )


def told(lookup: Lookup, methods: list[str]) -> str:
    """Whose purchases are lost most and least, by the better method."""
    method = methods[-1]
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
    return f"Not made at all without it: {listed(parts)} ({method}). {balance(lookup, method)}"


def balance(lookup: Lookup, method: str) -> str:
    """That losses are gross, and by how much of them other purchases make up."""
    sums = dict.fromkeys(("nowhere", GAINED), 0.0)
    for row in lookup.record.fates:
        if (row.arm, row.method) == (lookup.arm, method) and row.fate in sums:
            sums[row.fate] += row.purchases
    if sums["nowhere"] <= 0:
        return ""
    return (
        "That is gross: another page also sells what was not bought before. For 100 purchases "
        f"that are not made, {fixed(100 * sums[GAINED] / sums['nowhere'], 0)} come that are made "
        "without the channel alone (the table tells both by channel); their difference is what "
        "leave-one-out counts."
    )


def basis(methods: list[str]) -> str:
    """What each method can know."""
    said = {
        "replay": "Replay counts expected purchases on the logged requests, and knows no later.",
        "worlds": "Worlds counts the same shoppers\u2019 purchases in the paired world without it.",
    }
    return " ".join(said[method] for method in methods)


def group(lookup: Lookup, channel: str, methods: list[str]) -> Html:
    """One channel: a bar for each method."""
    lines = [line for method in methods for line in [line_of(lookup, channel, method)] if line]
    head = tag("span", swatch(lookup.channels, channel), cls="label")
    return tag("div", head, tag("div", *lines, cls="stacks"), cls="group")


def line_of(lookup: Lookup, channel: str, method: str) -> Html | None:
    """One stacked bar with how many purchases it stands for."""
    known = [row for fate in FATES if (row := lookup.fate(method, channel, fate)) is not None]
    total = sum(max(0.0, row.purchases) for row in known)
    if not known:
        return None
    parts = [part(row, max(0.0, row.purchases) / total) for row in known] if total > 0 else []
    about = "expected purchase" if method == "replay" else "purchase"
    return tag(
        "div",
        tag("span", method, cls="name"),
        stacked(parts) if parts else tag("span", "none credited", cls="empty"),
        tag("span", counted(round(total), about), cls="value"),
        cls="stack-line",
    )


def part(row: FateRow, width: float) -> Part:
    """One fate's piece of a bar."""
    size, interval = share_words(replace(row.share, estimate=width))
    within = "" if interval == ABSENT else f" ({interval})"
    shown = percent(width, 0) if width >= INSIDE else ""
    return Part(
        width, f"patch {row.fate}", f"{WORDS.get(row.fate, row.fate)}: {size}{within}", shown
    )


def fates_table(lookup: Lookup, rows: list[FateRow]) -> Table:
    """Every fate with its count and interval."""
    cells = [
        [
            swatch(lookup.channels, row.channel),
            row.method,
            WORDS.get(row.fate, row.fate),
            fixed(row.purchases, 1),
            *share_words(row.share),
        ]
        for row in rows
    ]
    head = ["Channel", "Method", "Without it", "Purchases", "Share", "Interval"]
    return Table("Fates of credited purchases", head, cells, names=3)
