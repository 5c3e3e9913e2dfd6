"""Shares by part of the log: by day, kind of query, category, and new or known."""

from collections.abc import Sequence
from dataclasses import replace

from experiments.records.attribution import CreditRow
from experiments.records.interval import UNKNOWN
from experiments.report.attribution.lookup import Lookup, rule_name
from experiments.report.kit.bars import Bar, grouped_bars
from experiments.report.kit.colours import channel_class, legend, swatch
from experiments.report.kit.curves import Curve, chart, spanned
from experiments.report.kit.digits import fixed, number, percent, percents, with_range
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import absent, figure, folded, panels, section
from experiments.report.kit.scales import Axis, Scale, day_marks
from experiments.report.kit.sentences import noun_of, plain_name
from experiments.report.kit.tables import Table

TITLE = "Shares by segment"
DRAWN = ("any_touch", "fractional")
CUT_TITLES = {"query": "Queries", "item": "Items", "shopper": "Shoppers"}
ORDER = ("head", "torso", "tail", "new", "known")
LAST = ("others", "none", "unknown")
"""Parts that are no part of their own, behind all others."""

MOST_CATEGORIES = 12  # shown at once; the table behind the fold has all
FAINTEST, STRONGEST = 0, 60  # percent of the colour at a share of none and of all


def segments(lookup: Lookup) -> Html | None:
    """The section with shares by part; None where the log was not cut."""
    event = lookup.credited
    rows = [
        row
        for row in lookup.record.credits
        if (row.arm, row.event) == (lookup.arm, event) and row.cut != "all" and row.rule in DRAWN
    ]
    if not rows:
        return None
    lead = (
        f"Shares of {noun_of(event)} in {lookup.arm}, within each part of the log: any touch, and "
        "fractional credit, which divides each event among all channels that found the item."
    )
    parts = [days(lookup, rows), bars(lookup, rows), categories(lookup, rows)]
    return section("parts", TITLE, lead, *parts)


def parts_of(rows: Sequence[CreditRow], cut: str) -> list[str]:
    """The parts of a cut that have events, in their own order; else the largest first."""
    totals = {row.part: row.total for row in rows if row.cut == cut and row.total}
    if cut == "day":
        return sorted((part for part in totals if part.isdigit()), key=int)
    known = [part for part in ORDER if part in totals]
    last = [part for part in LAST if part in totals]
    rest = sorted(totals.keys() - {*known, *last}, key=lambda part: (-totals[part], part))
    return [*known, *rest, *last]


def days(lookup: Lookup, rows: Sequence[CreditRow]) -> Html | None:
    """Small curves of the shares by day."""
    names = parts_of(rows, "day")
    if not names:
        return None
    first = min(int(row.part) for row in lookup.record.credits if row.cut == "day")
    count = int(names[-1]) - first + 1
    across = Axis(Scale(0, max(count - 1, 1)), marks=day_marks(0, count, 5))
    up = Axis(Scale(0, 1), percents, 4)
    drawn = []
    for channel in lookup.measured:
        curves = day_curves(lookup, rows, channel, first)
        shown = chart(curves, across, up, kind="shares-plot low") if curves else absent("No share.")
        drawn.append((swatch(lookup.channels, channel), shown))
    keys = legend(("stroke inked", "any touch"), ("stroke dashed inked", "fractional"))
    picture = tag("div", keys, panels(*drawn, kind="multiples"))
    described = "Line charts: any-touch and fractional share of each channel by day"
    numbers = cut_table(lookup, rows, "day", "Day")
    return tag("div", tag("h3", "By day"), figure(picture, numbers, described))


def day_curves(lookup: Lookup, rows: Sequence[CreditRow], channel: str, first: int) -> list[Curve]:
    """A channel's two shares over the days that have events."""
    colour = channel_class(lookup.channels, channel)
    styles = {
        "fractional": Curve(colour, (), "dashed"),
        "any_touch": Curve(colour, (), spread="band"),
    }
    curves = []
    for rule, curve in styles.items():
        own = {
            int(row.part) - first: row.share
            for row in rows
            if (row.cut, row.rule, row.channel) == ("day", rule, channel)
            and row.part.isdigit()
            and row.share.estimate is not None
        }
        points = [
            spanned(at, share, f"day {at + 1}: {with_range(share)}")
            for at, share in sorted(own.items())
        ]
        if points:
            curves.append(replace(curve, points=points))
    return curves


def bars(lookup: Lookup, rows: Sequence[CreditRow]) -> Html | None:
    """Bars by query, item and shopper."""
    cuts = [cut for cut in CUT_TITLES if any(row.cut == cut for row in rows)]
    if not cuts:
        return None
    keys = legend(("swatch a0", "any touch"), ("notch", "fractional"))
    drawn = panels(*((CUT_TITLES[cut], cut_bars(lookup, rows, cut)) for cut in cuts))
    described = (
        "Bars: any-touch and fractional share of each channel by kind of query, item and shopper"
    )
    numbers = join([cut_table(lookup, rows, cut, CUT_TITLES[cut]) for cut in cuts])
    title = tag("h3", "By query, item and shopper")
    return tag("div", title, figure(tag("div", keys, drawn), numbers, described))


def cut_bars(lookup: Lookup, rows: Sequence[CreditRow], cut: str) -> Html:
    """One cut: under each channel a bar for each part, of any touch, with a fractional notch."""
    found = {(row.rule, row.channel, row.part): row.share for row in rows if row.cut == cut}
    groups = []
    for channel in lookup.measured:
        own = []
        for part in parts_of(rows, cut):
            touched, divided = (found.get((rule, channel, part), UNKNOWN) for rule in DRAWN)
            shown = percent(touched.estimate)
            colour = f"part {channel_class(lookup.channels, channel)}"
            own.append(Bar(touched, shown, colour, part, divided.estimate))
        groups.append((swatch(lookup.channels, channel), own))
    return grouped_bars(groups, whole=1.0, kind="bars by-part")


def categories(lookup: Lookup, rows: Sequence[CreditRow]) -> Html | None:
    """The largest categories by channels, each cell tinted by its share."""
    names = parts_of(rows, "category")
    if not names:
        return None
    shown = names[:MOST_CATEGORIES]
    found = {
        (row.channel, row.part): row
        for row in rows
        if (row.cut, row.rule) == ("category", "any_touch")
    }
    totals = {row.part: row.total for row in rows if row.cut == "category"}
    heads = [tag("th", swatch(lookup.channels, name), scope="col") for name in lookup.measured]
    body = [
        tag(
            "tr",
            tag("th", plain_name(part) or "none", scope="row"),
            tag("td", number(totals[part]), cls="num"),
            *(tinted(lookup, found.get((name, part)), name) for name in lookup.measured),
        )
        for part in shown
    ]
    head = tag(
        "tr",
        tag("th", "Category", scope="col"),
        tag("th", plain_name(noun_of(lookup.credited)), scope="col", cls="num"),
        *heads,
    )
    caption = "Any-touch share of each channel by category, the largest first"
    grid = tag(
        "table", tag("caption", caption), tag("thead", head), tag("tbody", *body), cls="heat"
    )
    shown_grid = tag("div", grid, cls="scroll", tabindex="0", role="region", aria_label=caption)
    every = folded(
        cut_table(lookup, rows, "category", "Category"),
        f"Show all {fixed(len(names), 0)} categories with intervals",
    )
    return tag("div", tag("h3", "By category"), shown_grid, every)


def tinted(lookup: Lookup, row: CreditRow | None, channel: str) -> Html:
    """A cell in its channel's colour, the stronger the greater its share."""
    if row is None or row.share.estimate is None:
        return tag("td", percent(None), cls="num")
    strength = FAINTEST + (STRONGEST - FAINTEST) * min(1.0, max(0.0, row.share.estimate))
    colour = channel_class(lookup.channels, channel)
    return tag(
        "td",
        percent(row.share.estimate, 0),
        cls=f"num {colour}",
        style=f"--strength:{strength:.0f}%",
        title=with_range(row.share),
    )


def cut_table(lookup: Lookup, rows: Sequence[CreditRow], cut: str, label: str) -> Table:
    """Both rules' shares of every channel and part, with intervals."""
    own = [row for row in rows if row.cut == cut]
    found = {(row.rule, row.channel, row.part): row for row in own}
    cells = []
    for part in parts_of(own, cut):
        for rule in DRAWN:
            known = [found.get((rule, name, part)) for name in lookup.measured]
            shares = [
                with_range(row.share) if row and row.share.estimate is not None else percent(None)
                for row in known
            ]
            total = next((row.total for row in known if row), 0.0)
            if any(known):
                cells.append([part or "none", rule_name(rule), number(total), *shares])
    head = [label, "Rule", "Total", *(swatch(lookup.channels, name) for name in lookup.measured)]
    return Table(f"{label}: shares of {noun_of(lookup.credited)}", head, cells, names=2)
