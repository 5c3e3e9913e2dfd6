"""How channels and rankers stand requests of several conditions."""

from experiments.records.apart.stress import (
    EVERY,
    MONOTONICITY,
    SENSITIVITY,
    Ordering,
    StressRecord,
    WinRate,
)
from experiments.records.run import Run
from experiments.report.kit.colours import legend, named, turn_class
from experiments.report.kit.curves import Curve, Point, chart
from experiments.report.kit.digits import number, percent, share_words, sureness, with_range
from experiments.report.kit.forest import Lane, Row, forest, spans
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, figure, note, panels
from experiments.report.kit.scales import Axis, Scale, bounded, percents
from experiments.report.kit.tables import Table

MEASURES = {
    MONOTONICITY: "Neighbours in order",
    SENSITIVITY: "Neighbours that change with the wording",
}


def conditions(run: Run) -> Content | None:
    """Win rates by number of conditions, order, and what wording does; None: not asked."""
    record = run.stress
    if record is None or not record.wins:
        return None
    styles = list(dict.fromkeys(row.style for row in record.wins))
    most = max(row.conditions for row in record.wins)
    lead = (
        "A request of two conditions names a category and a value (\u201cyoga mat, rubber\u201d). "
        "An item that meets all conditions is set against one of the catalogue that meets all but "
        "the last. A scorer that reads the last condition puts the first one ahead; one that does "
        "not wins half of the comparisons, or none where it gives both the same score."
    )
    drawn = panels(
        *((f"Won, by conditions: {style}", _rates(run, record, style, most)) for style in styles)
    )
    described = "Line charts: share of comparisons won by number of conditions, for each scorer"
    return (
        lead,
        figure(
            tag("div", legend(*(_named(run, record, name) for name in _scorers(record))), drawn),
            _wins_table(run, record),
            described,
        ),
        figure(_orders(run, record), _orders_table(run, record), "Forest plot: order of items"),
        note(_footnote(record)),
    )


def _footnote(record: StressRecord) -> str:
    left_out = sum(record.left_out)
    without = (
        f" {number(left_out)} comparisons have no such item and are left out." if left_out else ""
    )
    conditions = (
        "Conditions are of the simulated truth, so texts need not tell them; the table has both "
        "parts."
        if record.against == "truth"
        else "Conditions are what the file publishes: an item fails one where the file tells "
        "another category, brand or value of it. Whether texts tell them, the table says. What "
        "items truly are is not known."
    )
    return (
        f"Of {number(record.positives)} items, drawn among those with values enough; "
        f"{sureness(record.confidence)} intervals are over these.{without} {conditions} Nothing is "
        "trained with them."
    )


def _scorers(record: StressRecord) -> dict[str, str]:
    """Kind of each scorer, by name."""
    return {row.scorer: row.kind for row in record.wins}


def _colours(run: Run, record: StressRecord) -> dict[str, str]:
    """Channels have their own colours, other scorers those that are left, then hollow ones."""
    numbers = {name: number for number, name in enumerate(run.channels)}
    for scorer in _scorers(record):
        numbers.setdefault(scorer, len(numbers))
    return {scorer: turn_class(1 + numbers[scorer]) for scorer in _scorers(record)}


def _named(run: Run, record: StressRecord, scorer: str) -> Html:
    """A scorer with its colour."""
    kind = _scorers(record)[scorer]
    shown = scorer if kind == "channel" else f"{kind} {scorer}"
    return named(f"swatch {_colours(run, record)[scorer]}", tag("span", shown))


def _rates(run: Run, record: StressRecord, style: str, most: int) -> Html:
    """Won by number of conditions, a curve for each scorer."""
    across = Axis(
        Scale(0.7, most + 0.3),
        name="conditions",
        marks=[(k, str(k)) for k in range(1, most + 1)],
    )
    curves = []
    for scorer, colour in _colours(run, record).items():
        rows = [
            row
            for row in record.wins
            if (row.scorer, row.style, row.part) == (scorer, style, EVERY)
        ]
        points = [
            Point(
                row.conditions,
                row.share.estimate or 0.0,
                f"{scorer}, {row.conditions}: {with_range(row.share)}",
                row.share.ends,
            )
            for row in rows
        ]
        curves.append(Curve(colour, points, spread="bars"))
    return chart(curves, across, Axis(Scale(0.0, 1.0), percents))


def _orders(run: Run, record: StressRecord) -> Html:
    """Monotonicity and format sensitivity of each scorer."""
    drawn = []
    for measure, title in MEASURES.items():
        rows = []
        for scorer, colour in _colours(run, record).items():
            found = [row for row in record.orders if (row.scorer, row.measure) == (scorer, measure)]
            lanes = [_lane(row) for row in found if row.share.estimate is not None]
            rows.append(Row(_named(run, record, scorer), lanes, colour, called=scorer))
        axis = Axis(bounded(spans(rows), 0.0, 1.0), percents)
        drawn.append(forest(rows, axis, title))
    return tag("div", *drawn)


def _lane(row: Ordering) -> Lane:
    size, around = share_words(row.share)
    return Lane(row.share, size, around, name=row.style)


def _wins_table(run: Run, record: StressRecord) -> Table:
    def told(row: WinRate) -> list[object]:
        return [number(row.comparisons), *share_words(row.share), percent(row.tied, 0)]

    return Table.of(
        "Comparisons won",
        record.wins,
        ("Scorer", lambda row: _named(run, record, row.scorer)),
        ("Wording", lambda row: row.style),
        ("Conditions", lambda row: number(row.conditions)),
        ("Last one in the item's texts", lambda row: row.part),
        (("Comparisons", "Won", "Interval", "Same score"), told),
        names=2,
    )


def _orders_table(run: Run, record: StressRecord) -> Table:
    return Table.of(
        "Order of items by failed conditions",
        record.orders,
        ("Scorer", lambda row: _named(run, record, row.scorer)),
        ("Measure", lambda row: MEASURES[row.measure]),
        ("Wording", lambda row: row.style or "both"),
        ("Neighbours", lambda row: number(row.comparisons)),
        (("Share", "Interval"), lambda row: share_words(row.share)),
        names=3,
    )
