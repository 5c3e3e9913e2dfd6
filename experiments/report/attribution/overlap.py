"""Which channels found the same items: UpSet plots (Lex et al. 2014, IEEE TVCG 20(12))."""

from collections.abc import Sequence

from experiments.records.attribution import Overlap
from experiments.records.reading import grouped
from experiments.report.attribution.lookup import Lookup
from experiments.report.kit.colours import channel_class, swatch
from experiments.report.kit.digits import fixed, number, percent
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, absent, figure, note, panels
from experiments.report.kit.scales import from_zero, place
from experiments.report.kit.sentences import counted, noun_of, title_of
from experiments.report.kit.tables import Table

MOST_SETS = 14  # sets drawn of each event
MOST_ROWS = 60  # sets in the table of each arm and event; twelve channels can have thousands
DRAWN = ("exposure", "purchase")


def overlap(lookup: Lookup) -> Content:
    """One UpSet plot of exposures and one of purchases."""
    events = [event for event in DRAWN if lookup.sets(event)]
    if not events:
        return (absent("The record holds no sets of channels."),)
    lead = (
        f"Which channels of {lookup.arm} found the same item. Every column is an exact set: its "
        "dots are the channels that found the item, the others did not, so the columns add up to "
        "100\u202f%. The bars at the left are each channel\u2019s any-touch share. "
    )
    if len(lookup.measured) > 1:
        lead += " ".join(_told(lookup, event) for event in events)
    totals = _sizes(lookup, events[0])
    names = sorted(totals, key=lambda name: -totals[name])  # the same order in all plots
    drawn = panels(*((title_of(event), _upset(lookup, event, names)) for event in events))
    described = (
        "UpSet plots: share of events by the exact set of channels that found the item, beside "
        "each channel's share"
    )
    return lead, figure(drawn, _table(lookup), described)


def _told(lookup: Lookup, event: str) -> str:
    """How much all channels found, and how much only one, in words."""
    rows = lookup.sets(event)
    every, alone = (
        percent(sum(row.share for row in rows if len(row.channels) == count))
        for count in (len(lookup.measured), 1)
    )
    return f"Of {noun_of(event)}, {every} were found by all channels and {alone} by one alone."


def _sizes(lookup: Lookup, event: str) -> dict[str, float]:
    """Each channel's any-touch share, from its sets."""
    rows = lookup.sets(event)
    return {
        name: sum(row.share for row in rows if name in row.channels) for name in lookup.measured
    }


def _upset(lookup: Lookup, event: str, names: Sequence[str]) -> Html:
    """One plot: bars of the sets over a matrix whose rows are channels with bars of their own."""
    rows = lookup.sets(event)
    shown = rows[:MOST_SETS]
    totals = _sizes(lookup, event)
    grid = tag(
        "div",
        tag("div", cls="corner"),
        tag("div", *(_column_bar(row, shown[0].share) for row in shown), cls="uprights"),
        *(part for name in names for part in _matrix_row(lookup, name, totals[name], shown, names)),
        cls="upset",
        style=f"--columns:{len(shown)}",
    )
    rest = len(rows) - len(shown)
    more = note(f"{counted(rest, 'rarer set')} not drawn.") if rest else None
    return tag("div", grid, more)


def _column_bar(row: Overlap, most: float) -> Html:
    height = from_zero([most]).at(row.share)
    size = "<1" if 0 < row.share < 0.01 else fixed(100 * row.share, 0)
    return tag(
        "span",
        tag("i", tag("small", size), style=place(height=height)),
        cls="upright",
        title=f"{' + '.join(row.channels) or 'no channel'}: {percent(row.share)}",
    )


def _matrix_row(
    lookup: Lookup, name: str, total: float, shown: Sequence[Overlap], names: Sequence[str]
) -> tuple[Html, Html]:
    colour = channel_class(lookup.channels, name)
    bar = tag("i", cls="bar", style=place(width=from_zero([1.0]).at(total)))
    head = tag(
        "div",
        tag("span", swatch(lookup.channels, name), cls="member"),
        tag("span", percent(total, 0), cls="value"),
        tag("span", bar, cls="track"),
        cls=f"set-size {colour}",
        title=f"{name}, any touch: {percent(total)}",
    )
    dots = [tag("i", cls=dot(row, name, names)) for row in shown]
    return head, tag("div", *dots, cls=f"dots {colour}")


def dot(row: Overlap, name: str, names: Sequence[str]) -> str:
    """The class of one cell: a member, between members, or none."""
    members = [at for at, each in enumerate(names) if each in row.channels]
    at = names.index(name)
    if not members or not min(members) <= at <= max(members):
        return "cell-off"
    joined = (" up" if at > min(members) else "") + (" down" if at < max(members) else "")
    return ("cell-on" if at in members else "cell-off") + joined


def _table(lookup: Lookup) -> Table:
    """The sets of all arms and events; the rarest of many in one row."""
    every = sorted(lookup.record.sets, key=lambda row: (row.event, row.arm, -row.share))
    groups = grouped(every, lambda row: (row.event, row.arm))
    cells = []
    for (event, arm), rows in groups.items():
        found = [(" + ".join(row.channels) or "no channel", [row]) for row in rows[:MOST_ROWS]]
        if rest := rows[MOST_ROWS:]:
            found.append((counted(len(rest), "rarer set"), rest))
        for names, own in found:
            count, share = sum(row.count for row in own), sum(row.share for row in own)
            cells.append([names, title_of(event), arm, number(count), percent(share, 2)])
    head = ["Exactly these channels", "Event", "Arm", "Count", "Share"]
    return Table("Exact sets of channels", head, cells, names=3)
