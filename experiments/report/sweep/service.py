"""Quality against latency: what a cell's lift costs in waiting, and what an A/B test would say."""

from experiments.records.interval import UNKNOWN, Interval
from experiments.records.metrics import Contrast
from experiments.records.reading import rows_of
from experiments.records.sweep import CellService, SweepRecord
from experiments.report.kit.colours import legend, turn_class
from experiments.report.kit.curves import Spot, plane
from experiments.report.kit.digits import change_words, duration, percent
from experiments.report.kit.markup import Html, join
from experiments.report.kit.page import Content, figure, note
from experiments.report.kit.scales import Axis, along, around, around_zero, signed_percents
from experiments.report.kit.tables import Cell, Table
from experiments.report.sweep.cells import lift_cell
from experiments.report.sweep.words import many_valued, shown, told_values, values_of

_WORTH = 0.001
"""Share of pages that come without a channel in some cell, from which on there is a section."""


def service(record: SweepRecord) -> Content | None:
    """Lift over latency; None where hardly a page came without a channel in any cell."""
    if all(row.everybody < _WORTH for row in record.services):
        return None
    lead = (
        "What the treatment brings, over how late its pages are with everybody in it. A page comes "
        "without a channel that is late or whose servers are busy. The arms of an A/B test share "
        "the servers, so it sees less of that than everybody will."
    )
    told = (
        "Where the A/B test's estimate lies above the true lift in cell after cell, and the "
        "channel is missing more often with everybody, the test does not see the load that "
        "everybody brings. Its interval holds the luck of one experiment, and is wide."
    )
    return lead, *(_figure(record, contrast) for contrast in record.contrasts), note(told)


def _figure(record: SweepRecord, contrast: Contrast) -> Html:
    """The cells of one comparison over latency and lift, with their numbers."""
    rows = rows_of(record.services, contrast=contrast)
    spots = [
        _spot(record, row)
        for row in rows
        if row.treatment is not None and _lift(record, row).estimate is not None
    ]
    across = Axis(
        around([spot.at[0] for spot in spots]), along(1000, " ms"), name="mean page latency"
    )
    heights = [end for spot in spots for end in (spot.at[1], *(spot.y.ends or ()))]
    up = Axis(around_zero(heights), signed_percents, name="true lift")
    picture = join([_legend(record), plane(spots, across, up, kind="plot plane large")])
    described = "Scatter plot: the true lift of each cell over the mean latency of its pages"
    caption = f"{contrast[1]} against {contrast[0]}" if len(record.contrasts) > 1 else ""
    return figure(picture, _numbers(record, rows), described, caption)


def _spot(record: SweepRecord, row: CellService) -> Spot:
    lift = _lift(record, row)
    values = told_values(record, record.cell(row.cell))
    told = f"{values}: {duration(row.treatment)}, {change_words(lift)[0]}"
    at = Interval(row.treatment, None, None)
    return Spot(row.cell, str(_number(record, row)), _colour(record, row), at, lift, told)


def _lift(record: SweepRecord, row: CellService) -> Interval:
    found = record.lift(row.cell, record.primary, row.contrast)
    return found.relative if found is not None else UNKNOWN


def _number(record: SweepRecord, row: CellService) -> int:
    """Of the cell, in the order of the sweep."""
    return [cell.name for cell in record.cells].index(row.cell) + 1


def _colour(record: SweepRecord, row: CellService) -> str:
    """By the first setting that has several values."""
    several = many_valued(record)
    if not several or record.assumptions:
        return turn_class(1)
    value = record.cell(row.cell).values[several[0]]
    return turn_class(1 + values_of(record, several[0]).index(value))


def _legend(record: SweepRecord) -> Html | None:
    several = many_valued(record)
    if not several or record.assumptions:
        return None
    name = record.keys[several[0]]
    values = values_of(record, several[0])
    return legend(
        *(
            (f"seal {turn_class(1 + at)}", f"{name} {shown(value)}")
            for at, value in enumerate(values)
        )
    )


def _numbers(record: SweepRecord, rows: list[CellService]) -> Table:
    return Table.of(
        "Lift, latency and missing channels",
        rows,
        ("Number", lambda row: _number(record, row)),
        ("Cell", lambda row: told_values(record, record.cell(row.cell))),
        ("Latency of control", lambda row: duration(row.control)),
        ("Latency of treatment", lambda row: duration(row.treatment)),
        ("Most missing", lambda row: row.channel or "none"),
        ("In the A/B test", lambda row: percent(row.test, 1)),
        ("With everybody", lambda row: percent(row.everybody, 1)),
        ("A/B estimate", lambda row: Cell("", *change_words(row.naive))),
        (
            "True lift",
            lambda row: lift_cell(record, record.lift(row.cell, record.primary, row.contrast)),
        ),
        names=2,
    )
