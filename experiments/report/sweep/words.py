"""Swept settings and cells in words, and what can be said of a cell."""

import json
from collections.abc import Sequence
from itertools import compress
from typing import Any

from experiments.inference.finding import Finding, decide
from experiments.records.sweep import (
    CellDifference,
    CellLift,
    CellRow,
    SweepRecord,
    short_keys,
)
from experiments.report.kit.digits import ABSENT, fixed

STATUS = {
    "done": "done",
    "parts_failed": "a part failed",
    "failed": "failed",
    "invalid": "cannot be",
    "waiting": "not run yet",
}
MARKS = {Finding.MORE: "\u25b2", Finding.LESS: "\u25bc"}
"""What stands before a lift that is told from zero."""


def shown(value: Any) -> str:
    """A value of a setting."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return fixed(value, 0)
    return f"{value:g}" if isinstance(value, float) else value


def values_of(record: SweepRecord, key: int) -> list[Any]:
    """The values of a swept setting: numbers ascending, others in the order of the cells."""
    found = {json.dumps(cell.values[key]): cell.values[key] for cell in record.cells}
    values = list(found.values())
    return sorted(values) if is_numeric(values) else values


def is_numeric(values: Sequence[Any]) -> bool:
    """Whether values are numbers, so that they can stand along an axis."""
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)


def many_valued(record: SweepRecord) -> list[int]:
    """Places of the settings that have several values."""
    return [at for at in range(len(record.keys)) if len(values_of(record, at)) > 1]


def cell_at(record: SweepRecord, where: dict[int, Any]) -> CellRow | None:
    """The cell with these values, by the place of their setting; None where there is none."""
    wanted = {at: json.dumps(value) for at, value in where.items()}
    for cell in record.cells:
        if all(json.dumps(cell.values[at]) == value for at, value in wanted.items()):
            return cell
    return None


def told_values(record: SweepRecord, cell: CellRow) -> str:
    """A cell by its values, of the settings that have several; a drawn world by its number."""
    if record.assumptions:
        return f"world {record.cells.index(cell) + 1}"
    names = short_keys(record.keys)
    several = [at in many_valued(record) for at in range(len(names))]
    pairs = zip(names, cell.values, strict=True)
    listed = compress(pairs, several if any(several) else [True] * len(names))
    return ", ".join(f"{name} {shown(value)}" for name, value in listed)


def finding(row: CellLift | CellDifference | None, confidence: float) -> Finding:
    """What a lift, or a difference of lifts, allows to be said among those of all cells."""
    if row is None:
        return Finding.MISSING
    return decide(row.relative, tested=(row.p_value, row.p_holm), confidence=confidence)


def half_width(row: CellLift) -> str:
    """How sure a lift is, such as \u00b12.1."""
    if row.resolution is None:
        return ABSENT
    return f"\u00b1{fixed(100 * row.resolution, decimals(row))}"


def decimals(row: CellLift) -> int:
    """Decimals of a lift in per cent: two digits of its half-width."""
    half = 100 * (row.resolution or 0.0)
    return 0 if half >= 10 else 1 if half >= 1 else 2
