"""A table as it was read: columns of plain values, and where each row stands in its file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import closest
from simulator.files.tables.cells import object_in
from simulator.files.tables.findings import FileFinding, refuse, short, unusable

Cells = NDArray[np.object_]

_MOST_NAMES = 60  # columns that an error lists


@dataclass(frozen=True)
class Table:
    """The columns that were asked for, of all rows that could be read.

    Attributes:
        file: name of the file, for findings.
        unit: what `number_I` counts: "line" or "row", from 1.
        number_I: where each row begins in its file.
        columns: cells by column.
        broken: a finding for each row that could not be read at all.
    """

    file: str
    unit: str
    number_I: NDArray[np.int64]
    columns: dict[str, Cells]
    broken: tuple[FileFinding, ...] = ()

    def __len__(self) -> int:
        return len(self.number_I)

    def place(self, row: int) -> str:
        """The file and where a row stands in it."""
        return f"{self.file}, {self.unit} {self.number_I[row]}"

    def take(self, rows: NDArray[Any]) -> "Table":
        """The table of some of the rows, given by number or by a mask."""
        columns = {name: cells[rows] for name, cells in self.columns.items()}
        return Table(self.file, self.unit, self.number_I[rows], columns, self.broken)

    def given(self, column: str | None) -> Cells:
        """What the file holds; nothing in a column that it does not have."""
        return cells_of([None] * len(self)) if column is None else self.columns[column]


def cells_of(values: Iterable[object]) -> Cells:
    """Values as an array of objects, also where they are lists."""
    listed = list(values)
    cells = np.empty(len(listed), object)
    for at, value in enumerate(listed):
        cells[at] = value
    return cells


def require(file: str, names: Sequence[str], wanted: Mapping[str, str]) -> None:
    """Refuse settings that ask for columns which a file does not have, or has twice.

    Args:
        file: name of the file.
        names: the columns of the file in their order.
        wanted: setting that asks for a column -> the column's name.
    """
    findings: list[FileFinding] = []
    for setting, name in wanted.items():
        at = [str(number) for number, known in enumerate(names, 1) if known == name]
        if not at:
            near = closest(name, names)
            hint = f"closest: {near!r}; " if near else ""
            known = "as above" if findings else _listed(names)
            findings.append(
                FileFinding(setting, repr(name), f"a column of {file} ({hint}columns: {known})")
            )
        elif len(at) > 1:
            where = f"the name of columns {' and '.join(at)} of {file}"
            findings.append(FileFinding(setting, f"{name!r}, {where}", "the name of one column"))
    refuse(findings)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(map(repr, names[:_MOST_NAMES])) + (f" and {more} more" if more > 0 else "")


def filled(table: Table) -> Table:
    """The same table.

    Raises:
        UnusableFile: it has no rows at all.
    """
    if not len(table) and not table.broken:
        raise unusable(table.file, "0 rows", "a table with at least one row")
    return table


def opened(value: Any) -> Any:
    """A value as paths lead into it: a text that holds a JSON object is that object."""
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        return object_in(value)
    return value


def reached(record: object, path: str) -> tuple[bool, Any]:
    """Whether a record has a field, and its value; a dotted path leads into objects and lists.

    A field whose own name has the dots comes before a path. A text that holds a JSON object is led
    into as the object.
    """
    if isinstance(record, Mapping) and path in record:
        return True, record[path]
    here: Any = record
    for step in path.split("."):
        here = opened(here)
        if isinstance(here, Mapping) and step in here:
            here = here[step]
        elif isinstance(here, list) and step.isdecimal() and int(step) < len(here):
            here = here[int(step)]
        else:
            return False, None
    return True, here


def fields_of(records: Iterable[object], depth: int = 3) -> list[str]:
    """The fields of some records and, behind them, the dotted paths of those that are nested."""
    known: dict[str, None] = {}
    nested: dict[str, None] = {}

    def visit(value: Mapping[str, Any], prefix: str, left: int) -> None:
        for name, inner in value.items():
            (nested if prefix else known)[prefix + str(name)] = None
            if isinstance(inner, Mapping) and left:
                visit(inner, f"{prefix}{name}.", left - 1)

    for record in records:
        if isinstance(record, Mapping):
            visit(record, "", depth)
    return [*known, *(name for name in nested if name not in known)]


def shown(names: Iterable[str]) -> str:
    """Some names in a sentence."""
    return ", ".join(short(name) for name in names)
