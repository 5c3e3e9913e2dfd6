"""Shares by part of the log: by day, kind of query, category, and new or known."""

from collections.abc import Sequence
from dataclasses import replace

from experiments.records.attribution import CreditRow
from experiments.records.interval import UNKNOWN
from experiments.records.reading import rows_of
from experiments.report.attribution.lookup import Lookup, rule_name
from experiments.report.kit.bars import Bar, grouped_bars
from experiments.report.kit.colours import channel_class, legend, swatch
from experiments.report.kit.curves import Curve, Point, chart, spanned
from experiments.report.kit.digits import ABSENT, fixed, number, percent, with_range
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import Content, absent, figure, folded, panels
from experiments.report.kit.scales import Axis, Scale, day_marks, percents
from experiments.report.kit.sentences import noun_of, plain_name
from experiments.report.kit.tables import Table, scrolled

DRAWN = ("any_touch", "fractional")
CUT_TITLES = {"query": "Queries", "item": "Items", "shopper": "Shoppers"}
ORDER = ("head", "torso", "tail", "new", "known")
LAST = ("others", "none", "unknown")
"""Parts that are no part of their own, behind all others."""

MOST_CATEGORIES = 12  # shown at once; the table behind the fold has all
FAINTEST, STRONGEST = 0, 60  # percent of the colour at a share of none and of all


def segments(lookup: Lookup) -> Content:
    """Shares by part; no such section where the log was not cut."""
    event = lookup.credited
    own = rows_of(lookup.record.credits, arm=lookup.arm, event=event)
    rows = [row for row in own if row.cut != "all" and row.rule in DRAWN]
    if not rows:
        return None
    lead = (
        f"Shares of {noun_of(event)} in {lookup.arm}, within each part of the log: any touch, and "
        "fractional credit, which divides each event among all channels that found the item."
    )
    return lead, _days(lookup, rows), _bars(lookup, rows), _categories(lookup, rows)


def _parts(rows: Sequence[CreditRow], cut: str) -> list[str]:
    """The parts of a cut that have events, in their own order; else the largest first."""
    totals = {row.part: row.total for row in rows if row.cut == cut and row.total}
    if cut == "day":
        return sorted((part for part in totals if part.isdigit()), key=int)
    known = [part for part in ORDER if part in totals]
    last = [part for part in LAST if part in totals]
    rest = sorted(totals.keys() - {*known, *last}, key=lambda part: (-totals[part], part))
    return [*known, *rest, *last]


def _days(lookup: Lookup, rows: Sequence[CreditRow]) -> Html | None:
    names = _parts(rows, "day")
    if not names:
        return None
    first = min(int(row.part) for row in lookup.record.credits if row.cut == "day")
    count = int(names[-1]) - first + 1
    across = Axis(Scale(0, max(count - 1, 1)), marks=day_marks(0, count, 5))
    up = Axis(Scale(0, 1), percents, 4)
    drawn = []
    for channel in lookup.measured:
        curves = _day_curves(lookup, rows, channel, first)
        shown = chart(curves, across, up, kind="shares-plot low") if curves else absent("No share.")
        drawn.append((swatch(lookup.channels, channel), shown))
    keys = legend(("stroke inked", "any touch"), ("stroke dashed inked", "fractional"))
    picture = tag("div", keys, panels(*drawn, kind="multiples"))
    described = "Line charts: any-touch and fractional share of each channel by day"
    numbers = _cut_table(lookup, rows, "day", "Day")
    return tag("div", tag("h3", "By day"), figure(picture, numbers, described))


def _day_curves(lookup: Lookup, rows: Sequence[CreditRow], channel: str, first: int) -> list[Curve]:
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
            for row in rows_of(rows, cut="day", rule=rule, channel=channel)
            if row.part.isdigit() and row.share.estimate is not None
        }
        points = [
            spanned(at, share, f"day {at + 1}, {rule_name(rule).lower()}: {with_range(share)}")
            for at, share in sorted(own.items())
        ]
        curves += [replace(curve, points=run) for run in _unbroken(points)]
    return curves


def _unbroken(points: Sequence[Point]) -> list[list[Point]]:
    """Points by days that follow each other: nothing is drawn across a day without events."""
    runs: list[list[Point]] = []
    for point in points:
        if runs and point.x == runs[-1][-1].x + 1:
            runs[-1].append(point)
        else:
            runs.append([point])
    return runs


def _bars(lookup: Lookup, rows: Sequence[CreditRow]) -> Html | None:
    cuts = [cut for cut in CUT_TITLES if rows_of(rows, cut=cut)]
    if not cuts:
        return None
    keys = legend(("swatch a0", "any touch"), ("notch", "fractional"))
    drawn = panels(*((CUT_TITLES[cut], _cut_bars(lookup, rows, cut)) for cut in cuts))
    described = (
        "Bars: any-touch and fractional share of each channel by kind of query, item and shopper"
    )
    numbers = join([_cut_table(lookup, rows, cut, CUT_TITLES[cut]) for cut in cuts])
    title = tag("h3", "By query, item and shopper")
    return tag("div", title, figure(tag("div", keys, drawn), numbers, described))


def _cut_bars(lookup: Lookup, rows: Sequence[CreditRow], cut: str) -> Html:
    """One cut: under each channel a bar for each part, of any touch, with a fractional notch."""
    found = {(row.rule, row.channel, row.part): row.share for row in rows_of(rows, cut=cut)}
    groups = []
    for channel in lookup.measured:
        own = []
        for part in _parts(rows, cut):
            touched, divided = (found.get((rule, channel, part), UNKNOWN) for rule in DRAWN)
            shown = percent(touched.estimate)
            colour = f"part {channel_class(lookup.channels, channel)}"
            told = f"{part}, any touch {with_range(touched)}, fractional {with_range(divided)}"
            own.append(Bar(touched, shown, colour, part, divided.estimate, told))
        groups.append((swatch(lookup.channels, channel), own))
    return grouped_bars(groups, whole=1.0, kind="bars by-part")


def _categories(lookup: Lookup, rows: Sequence[CreditRow]) -> Html | None:
    """The largest categories by channels, each cell tinted by its share."""
    names = _parts(rows, "category")
    if not names:
        return None
    touched = rows_of(rows, cut="category", rule="any_touch")
    found = {(row.channel, row.part): row for row in touched}
    totals = {row.part: row.total for row in rows_of(rows, cut="category")}
    heads = [tag("th", swatch(lookup.channels, name), scope="col") for name in lookup.measured]
    body = [
        tag(
            "tr",
            tag("th", plain_name(part) or "none", scope="row"),
            tag("td", number(totals[part]), cls="num"),
            *(_tinted(lookup, found.get((name, part)), name) for name in lookup.measured),
        )
        for part in names[:MOST_CATEGORIES]
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
    every = folded(
        _cut_table(lookup, rows, "category", "Category"),
        f"Show all {fixed(len(names), 0)} categories with intervals",
    )
    return tag("div", tag("h3", "By category"), scrolled(grid, caption), every)


def _tinted(lookup: Lookup, row: CreditRow | None, channel: str) -> Html:
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
        title=f"{plain_name(row.part) or 'none'}, {channel}: {with_range(row.share)}",
    )


def _cut_table(lookup: Lookup, rows: Sequence[CreditRow], cut: str, label: str) -> Table:
    """Both rules' shares of every channel and part, with intervals."""
    own = rows_of(rows, cut=cut)
    found = {(row.rule, row.channel, row.part): row for row in own}
    cells = []
    for part in _parts(own, cut):
        for rule in DRAWN:
            known = [found.get((rule, name, part)) for name in lookup.measured]
            shares = [with_range(row.share) if row else ABSENT for row in known]
            total = next((row.total for row in known if row), 0.0)
            if any(known):
                cells.append([part or "none", rule_name(rule), number(total), *shares])
    head = [label, "Rule", "Total", *(swatch(lookup.channels, name) for name in lookup.measured)]
    return Table(f"{label}: shares of {noun_of(lookup.credited)}", head, cells, names=2)
