"""Pictures of a validation: clicks by place, and purchases by item."""

from experiments.records.reading import grouped
from experiments.records.validity import PositionRate, Validity
from experiments.report.kit.colours import legend
from experiments.report.kit.curves import Curve, Point, chart, spanned
from experiments.report.kit.digits import number, percent, share_words
from experiments.report.kit.markup import Html
from experiments.report.kit.page import Content, figure, panels
from experiments.report.kit.scales import Axis, Scale, from_zero, known, percents
from experiments.report.kit.sentences import plain_name
from experiments.report.kit.tables import Table

COLOURS = {"history": "a0", "experiment": "a1"}
_MOST = 8  # words along the axis of places


def positions(record: Validity) -> Content:
    """The click-through rate of each place, by device and period; None without clicks."""
    rows = [row for row in record.positions if row.ctr.estimate is not None]
    if not rows:
        return None
    lead = (
        "Clicks over exposures at each place of first pages. In expectation they fall from the top "
        "to the bottom: the place is looked at less, and the ranker put the better items above."
    )
    ends = known(end for row in rows for end in row.ctr.numbers)
    up = Axis(from_zero(ends), percents)
    devices = grouped(rows, lambda row: row.device)
    pictures = panels(*((plain_name(device), _curves(own, up)) for device, own in devices.items()))
    table = Table.of(
        "Click-through rate by place of first pages",
        rows,
        ("Period", lambda row: row.period),
        ("Device", lambda row: row.device),
        ("Place", lambda row: row.position + 1),
        ("Exposures", lambda row: number(row.exposures)),
        (("CTR", "Interval"), lambda row: share_words(row.ctr)),
        names=2,
    )
    marks = legend(*((f"stroke {COLOURS[period]}", period) for period in _periods(rows)))
    return lead, marks, figure(pictures, table, "Curves: click-through rate by place, by device")


def _periods(rows: list[PositionRate]) -> list[str]:
    return list(dict.fromkeys(row.period for row in rows))


def _curves(rows: list[PositionRate], up: Axis) -> Html:
    last = max(row.position for row in rows) + 1
    every = max(1, -(-last // _MOST))
    marks = [(float(place), str(place)) for place in range(1, last + 1) if (place - 1) % every == 0]
    across = Axis(Scale(0.5, last + 0.5), name="place", marks=marks)
    curves = [
        Curve(
            COLOURS[period],
            [
                spanned(row.position + 1, row.ctr, f"place {row.position + 1}: {_told(row)}")
                for row in own
            ],
            spread="bars",
        )
        for period, own in grouped(rows, lambda row: row.period).items()
    ]
    return chart(curves, across, up)


def _told(row: PositionRate) -> str:
    size, around = share_words(row.ctr)
    return f"{size} ({around})"


def concentration(record: Validity) -> Content:
    """The Lorenz curve of purchases; None where nothing was bought."""
    if not record.concentration:
        return None
    lead = (
        "Share of all purchases of the history that the most bought items hold, of the items that "
        "were bought at all. The straight line is a shop in which all sell alike."
    )
    points = [Point(0.0, 0.0, "0 % of items: 0 %")] + [
        Point(at.items, at.purchases, f"{percent(at.items)} of items: {percent(at.purchases)}")
        for at in record.concentration
    ]
    ends = [Point(0.0, 0.0), Point(1.0, 1.0)]
    told = "all sell alike: 50 % of items have 50 % of purchases"
    even = Curve("a0", ends, "dashed", marked=False, told=told)
    across = Axis(Scale(0.0, 1.0), percents, name="items, the most bought first")
    picture = chart([even, Curve("a1", points)], across, Axis(Scale(0.0, 1.0), percents))
    table = Table.of(
        "Purchases that the most bought items hold",
        record.concentration,
        ("Items", lambda row: percent(row.items)),
        ("Purchases", lambda row: percent(row.purchases)),
    )
    return lead, figure(picture, table, "Curve: share of purchases by share of items")
