"""Lift over the swept settings: a curve of one, a heat map of two, several of more."""

from collections.abc import Sequence
from itertools import islice, product
from math import prod
from typing import Any

from experiments.inference.finding import Finding
from experiments.records.metrics import Contrast
from experiments.records.reading import rows_of
from experiments.records.sweep import CellLift, SweepRecord, short_keys
from experiments.report.kit.colours import arm_class, arm_name, legend
from experiments.report.kit.curves import Curve, chart, spanned
from experiments.report.kit.digits import THIN, beside, change_words, fixed
from experiments.report.kit.forest import Lane, Row, forest, spans
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import Content, absent, figure, note, panels
from experiments.report.kit.scales import (
    Axis,
    LogScale,
    Scale,
    around_zero,
    growths,
    signed_percents,
)
from experiments.report.kit.sentences import meaning
from experiments.report.kit.tables import Table
from experiments.report.sweep.heat import Tile, heat_map
from experiments.report.sweep.words import (
    MARKS,
    STATUS,
    cell_at,
    decimals,
    finding,
    half_width,
    is_numeric,
    many_valued,
    shown,
    told_values,
    values_of,
)

MOST_PANELS = 12
"""Heat maps beside each other that anybody still looks at."""

_WIDE = 20.0  # greatest over smallest value of a setting, from which its axis is logarithmic
_KINDS = {Finding.MORE: "up", Finding.LESS: "down"}
_FULL = 0.5  # share of a grid that must be there to be drawn as a surface; a list is drawn as rows
_DEEPEST = 0.6  # share of the colour in the strongest tile, on which words can be read


def lift(record: SweepRecord) -> Content:
    """The primary metric's lift."""
    return _lift(record, record.primary)


def others(record: SweepRecord) -> Content | None:
    """The lifts of the other metrics; None where there are none."""
    drawn: list[object] = []
    for metric in record.metrics:
        if metric != record.primary and rows_of(record.lifts, metric=metric):
            drawn.append(tag("h3", meaning(metric).label))
            drawn += list(_pictures(record, metric))
    return drawn or None


def _lift(record: SweepRecord, metric: str) -> Content:
    if not rows_of(record.lifts, metric=metric):
        return (absent("No cell has results."),)
    lead = (
        "The true effect of giving everybody the treatment, cell by cell. Marks say what can be "
        "told from zero after correcting for the number of cells; intervals are of each cell "
        "alone."
    )
    return lead, *_pictures(record, metric)


def _pictures(record: SweepRecord, metric: str) -> list[Html]:
    """What fits the number of settings and their kind."""
    several = many_valued(record)
    numeric = [at for at in several if is_numeric(values_of(record, at))]
    if len(several) == 1 and numeric:
        return [_curve(record, metric, several[0])]
    if len(several) < 2 or len(record.cells) < _FULL * prod(_counts(record, several)):
        return [_forest(record, metric)]
    return [_surface(record, metric, contrast, several) for contrast in record.contrasts]


def _counts(record: SweepRecord, keys: Sequence[int]) -> list[int]:
    """How many values settings have."""
    return [len(values_of(record, at)) for at in keys]


def _numbers(record: SweepRecord, rows: Sequence[CellLift]) -> Table:
    cells = {cell.name: cell for cell in record.cells}
    return Table.of(
        "True lifts",
        rows,
        ("Cell", lambda row: told_values(record, cells[row.cell])),
        ("Arm", lambda row: row.contrast[1]),
        (("Lift", "Interval"), lambda row: change_words(row.relative)),
        ("Finding", lambda row: _words(finding(row, record.confidence))),
        names=2,
    )


def _words(found: Finding) -> str:
    said = {Finding.MORE: "above zero", Finding.LESS: "below zero", Finding.MISSING: "unknown"}
    return said.get(found, "cannot be told")


def _arms(record: SweepRecord) -> list[str]:
    """Control of the first comparison, then the treatments."""
    return list(dict.fromkeys([*record.contrasts[0][:1], *(arm for _, arm in record.contrasts)]))


def _curve(record: SweepRecord, metric: str, key: int) -> Html:
    """Lift along a setting that is a number, a curve for each treatment."""
    values = values_of(record, key)
    rows = [row for row in rows_of(record.lifts, metric=metric) if row.relative.ends]
    ends = [end for row in rows for end in row.relative.ends or ()]
    marks = [(float(value), shown(value)) for value in values]
    across = Axis(_scale(values), name=record.keys[key], marks=marks)
    up = Axis(around_zero(ends), signed_percents)
    place = {cell.name: float(cell.values[key]) for cell in record.cells}
    arms, curves = _arms(record), []
    for contrast in record.contrasts:
        own = [row for row in rows if row.contrast == contrast]
        points = [
            spanned(place[row.cell], row.relative, _told(record, row))
            for row in sorted(own, key=lambda row: place[row.cell])
        ]
        curves.append(Curve(arm_class(arms, contrast[1]), points, spread="bars"))
    picture = chart(curves, across, up, kind="sweep-curve")
    names = legend(*(arm_name(arms, arm) for arm in arms[1:]))
    described = f"Curve: lift of {meaning(metric).noun} over {record.keys[key]}"
    numbers = _numbers(record, rows_of(record.lifts, metric=metric))
    return tag("div", names, figure(picture, numbers, described))


def _scale(values: Sequence[Any]) -> Scale | LogScale:
    """An axis for the values of a setting, with some room at its ends."""
    low, high = float(min(values)), float(max(values))
    if low > 0 and high / low >= _WIDE:
        room = (high / low) ** 0.06
        return LogScale(low / room, high * room)
    room = 0.06 * (high - low) or 1.0
    return Scale(low - room, high + room)


def _forest(record: SweepRecord, metric: str) -> Html:
    """Lift cell by cell, for a setting that is no number."""
    drawn, arms = [], _arms(record)
    for cell, contrast in product(record.cells, record.contrasts):
        row = record.lift(cell.name, metric, contrast)
        told = finding(row, record.confidence).real
        mark = "mark-plain" if told else "mark-cuped"
        lanes = [Lane(row.relative, *change_words(row.relative), mark)] if row else []
        arm = tag("small", contrast[1]) if len(arms) > 2 else None
        label = join([told_values(record, cell), arm])
        drawn.append(Row(label, lanes, arm_class(arms, contrast[1])))
    picture = forest(drawn, growths(spans(drawn)))
    described = f"Forest plot: lift of {meaning(metric).noun} in each cell"
    numbers = _numbers(record, rows_of(record.lifts, metric=metric))
    keys = legend(("mark-plain a1", "told from zero"), ("mark-cuped a1", "cannot be told"))
    return tag("div", keys, figure(picture, numbers, described))


def _told(record: SweepRecord, row: CellLift) -> str:
    """A lift with its interval, and what it allows to be said."""
    said = _words(finding(row, record.confidence))
    return f"{beside(*change_words(row.relative))}: {said}"


def _surface(record: SweepRecord, metric: str, contrast: Contrast, several: Sequence[int]) -> Html:
    """Heat maps over the first two settings, one for each combination of the others' values."""
    across, up, *further = several
    rest = list(product(*(values_of(record, at) for at in further)))
    drawn = []
    for values in islice(rest, MOST_PANELS):
        where = dict(zip(further, values, strict=True))
        drawn.append((_title(record, where), _heat(record, metric, contrast, across, up, where)))
    left = len(rest) - len(drawn)
    picture = drawn[0][1] if len(drawn) == 1 else panels(*drawn)
    rows = rows_of(record.lifts, metric=metric, contrast=contrast)
    described = f"Heat map: lift of {meaning(metric).noun} over {' and '.join(record.keys)}"
    heading = None
    if len(record.contrasts) > 1:
        heading = tag("h4", arm_name(_arms(record), contrast[1]))
    more = f"{left} more maps are not drawn; all cells are in the table." if left else ""
    return tag(
        "div",
        heading,
        _keys(),
        figure(picture, _numbers(record, rows), described),
        note(more) if more else None,
    )


def _keys() -> Html:
    """What the tiles' looks mean."""
    return legend(
        ("tile key up", "above zero"),
        ("tile key down", "below zero"),
        ("tile key untold", "cannot be told"),
        ("tile key gone", "no result"),
        ("zero-key", "estimated lift 0"),
    )


def _title(record: SweepRecord, where: dict[int, Any]) -> str:
    names = short_keys(record.keys)
    return ", ".join(f"{names[at]} {shown(value)}" for at, value in where.items())


def _heat(
    record: SweepRecord,
    metric: str,
    contrast: Contrast,
    across: int,
    up: int,
    where: dict[int, Any],
) -> Html:
    """One heat map, the greatest value of the upright setting on top."""
    columns, rows = values_of(record, across), values_of(record, up)
    scales = is_numeric(columns) and is_numeric(rows)
    if is_numeric(rows):
        rows = rows[::-1]
    strongest = max(
        (abs(row.relative.estimate or 0.0) for row in rows_of(record.lifts, metric=metric)),
        default=0.0,
    )
    tiles = [
        [_tile(record, metric, contrast, where | {across: x, up: y}, strongest) for x in columns]
        for y in rows
    ]
    return heat_map(
        tiles,
        [shown(each) for each in columns],
        [shown(each) for each in rows],
        (record.keys[across], record.keys[up]),
        contour=scales,
    )


def _tile(
    record: SweepRecord, metric: str, contrast: Contrast, where: dict[int, Any], strongest: float
) -> Tile:
    cell = cell_at(record, where)
    if cell is None:
        return Tile(None, [""], "gone", told="no such cell")
    row = record.lift(cell.name, metric, contrast)
    if row is None or row.relative.estimate is None:
        said = STATUS[cell.status] if row is None else "unknown"
        return Tile(None, ["", said], "gone", told=cell.reason)
    found = finding(row, record.confidence)
    size = fixed(100 * row.relative.estimate, decimals(row), sign=True) + THIN + "%"
    mark = MARKS.get(found, "?")
    strength = _DEEPEST * abs(row.relative.estimate) / strongest if found.real else 0.0
    return Tile(
        row.relative.estimate,
        [f"{mark} {size}", half_width(row)],
        _KINDS.get(found, "untold"),
        strength,
        f"{told_values(record, cell)}: {_told(record, row)}",
    )
