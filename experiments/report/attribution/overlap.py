"""Which channels found the same items: UpSet plots (Lex et al. 2014, IEEE TVCG 20(12))."""

from collections.abc import Sequence

from experiments.records.attribution import Overlap
from experiments.report.attribution.lookup import Lookup
from experiments.report.kit.colours import channel_class, swatch
from experiments.report.kit.digits import fixed, number, percent
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import absent, figure, note, panels, section
from experiments.report.kit.scales import from_zero, place
from experiments.report.kit.sentences import counted, noun_of, title_of
from experiments.report.kit.tables import Table

TITLE = "Overlap of channels"
MOST_SETS = 14  # sets drawn of each event
MOST_ROWS = 60  # sets in the table of each arm and event; twelve channels can have thousands
DRAWN = ("exposure", "purchase")


def overlap(lookup: Lookup) -> Html:
    """The section with one UpSet plot of exposures and one of purchases."""
    events = [event for event in DRAWN if lookup.sets(event)]
    if not events:
        return section("sets", TITLE, None, absent("The record holds no sets of channels."))
    lead = (
        f"Which channels of {lookup.arm} found the same item. Every column is an exact set: its "
        "dots are the channels that found the item, the others did not, so the columns add up to "
        f"100\u202f%. The bars at the left are each channel\u2019s any-touch share. {told(lookup)}"
    )
    names = by_size(lookup, events[0])
    drawn = panels(*((title_of(event), upset(lookup, event, names)) for event in events))
    described = (
        "UpSet plots: share of events by the exact set of channels that found the item, beside "
        "each channel's share"
    )
    return section("sets", TITLE, lead, figure(drawn, sets_table(lookup), described))


def told(lookup: Lookup) -> str:
    """How much only one channel found, in words."""
    parts = []
    for event in DRAWN:
        rows = lookup.sets(event)
        if not rows:
            continue
        alone = sum(row.share for row in rows if len(row.channels) == 1)
        every = sum(row.share for row in rows if len(row.channels) == len(lookup.measured))
        if len(lookup.measured) > 1:
            parts.append(
                f"Of {noun_of(event)}, {percent(every)} were found by all channels and "
                f"{percent(alone)} by one alone."
            )
    return " ".join(parts)


def by_size(lookup: Lookup, event: str) -> list[str]:
    """Channels from the one that found the most; the same order in all plots."""
    totals = sizes(lookup, event)
    return sorted(totals, key=lambda name: -totals[name])


def sizes(lookup: Lookup, event: str) -> dict[str, float]:
    """Each channel's any-touch share, from its sets."""
    rows = lookup.sets(event)
    return {
        name: sum(row.share for row in rows if name in row.channels) for name in lookup.measured
    }


def upset(lookup: Lookup, event: str, names: Sequence[str]) -> Html:
    """One plot: bars of the sets over a matrix whose rows are channels with bars of their own."""
    rows = lookup.sets(event)
    shown = rows[:MOST_SETS]
    totals = sizes(lookup, event)
    grid = tag(
        "div",
        tag("div", cls="corner"),
        tag("div", *(column_bar(row, shown[0].share) for row in shown), cls="uprights"),
        *(part for name in names for part in matrix_row(lookup, name, totals[name], shown, names)),
        cls="upset",
        style=f"--columns:{len(shown)}",
    )
    rest = len(rows) - len(shown)
    more = note(f"{counted(rest, 'rarer set')} not drawn.") if rest else None
    return tag("div", grid, more)


def column_bar(row: Overlap, most: float) -> Html:
    """How frequent a set is."""
    height = from_zero([most]).at(row.share)
    size = "<1" if 0 < row.share < 0.01 else fixed(100 * row.share, 0)
    return tag(
        "span",
        tag("i", tag("small", size), style=place(height=height)),
        cls="upright",
        title=f"{' + '.join(row.channels) or 'no channel'}: {percent(row.share)}",
    )


def matrix_row(
    lookup: Lookup, name: str, total: float, shown: Sequence[Overlap], names: Sequence[str]
) -> tuple[Html, Html]:
    """A channel: its name and share, and its dots."""
    colour = channel_class(lookup.channels, name)
    bar = tag("i", cls="bar", style=place(width=from_zero([1.0]).at(total)))
    head = tag(
        "div",
        tag("span", swatch(lookup.channels, name), cls="member", title=name),
        tag("span", percent(total, 0), cls="value"),
        tag("span", bar, cls="track"),
        cls=f"set-size {colour}",
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


def sets_table(lookup: Lookup) -> Table:
    """The sets of all arms and events; the rarest of many in one row."""
    groups: dict[tuple[str, str], list[Overlap]] = {}
    for row in sorted(lookup.record.sets, key=lambda row: (row.event, row.arm, -row.share)):
        groups.setdefault((row.event, row.arm), []).append(row)
    cells = []
    for (event, arm), rows in groups.items():
        for row in rows[:MOST_ROWS]:
            names = " + ".join(row.channels) or "no channel"
            cells.append([names, title_of(event), arm, number(row.count), percent(row.share, 2)])
        if rest := rows[MOST_ROWS:]:
            count, share = sum(row.count for row in rest), sum(row.share for row in rest)
            names = counted(len(rest), "rarer set")
            cells.append([names, title_of(event), arm, number(count), percent(share, 2)])
    head = ["Exactly these channels", "Event", "Arm", "Count", "Share"]
    return Table("Exact sets of channels", head, cells, names=3)
