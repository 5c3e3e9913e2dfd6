"""Variants of one product: several rows of a file that share a group.

Shops write them in different ways: the first row of a group alone has title and description
(Shopify), a row without a price stands for the product (WooCommerce), a row holds one more picture
and nothing else. Rows are brought into one form before they are checked.
"""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from simulator.files.settings import CatalogFileSpec, ColumnSpec
from simulator.files.tables.amounts import amounts, is_empty
from simulator.files.tables.table import Table, cells_of

_BY_NUMBER = re.compile(r"id:\s*(?=\S)")  # WooCommerce's way to name a product without a SKU


def with_variants(table: Table, spec: CatalogFileSpec) -> Table:
    """Rows as items: variants that inherit what they lack, or products at their lowest price.

    The table is as it was where no column says what belongs together.
    """
    if spec.columns.group is None:
        return table
    columns = spec.columns
    table = _without_empty(table, columns)
    groups = _groups(table, columns)
    if spec.variants == "join":
        return _joined(table, spec, groups)
    return _kept(table, columns, groups)


def _own(columns: ColumnSpec) -> list[str]:
    """The columns that say something of a row itself."""
    return [c for c in columns.wanted("").values() if c != columns.group]


def _without_empty(table: Table, columns: ColumnSpec) -> Table:
    """The table without rows that say nothing but to which group they belong."""
    own = _own(columns)
    filled_I = np.array(
        [any(not is_empty(table.columns[name][row]) for name in own) for row in range(len(table))],
        bool,
    )
    return table.take(filled_I) if filled_I.any() else table


def _groups(table: Table, columns: ColumnSpec) -> dict[str, list[int]]:
    """Rows by group; a row that names none is in the group of its own id."""
    groups: dict[str, list[int]] = {}
    cells = [table.columns[str(columns.group)], table.columns[columns.id]]
    whole = {_named(own) for own in cells[1] if not is_empty(own)}
    for row, (group, own) in enumerate(zip(*cells, strict=True)):
        told = not is_empty(group)
        key = _BY_NUMBER.sub("", _named(group), count=1) if told else _named(own)
        if told and key not in whole and key.removesuffix(".0") in whole:
            key = key.removesuffix(".0")  # a whole number beside gaps
        alone = not told and is_empty(own)
        groups.setdefault(f"\0{row}" if alone else key, []).append(row)
    return groups


def _named(cell: object) -> str:
    """An id as a text; a whole number that stands as a float is that number."""
    whole = isinstance(cell, float) and cell.is_integer()
    return str(int(cell) if whole else cell).strip()  # type: ignore[call-overload]


def _first(table: Table, column: str, rows: list[int]) -> Any:
    """The first filled cell of a column among some rows, else that of the first row."""
    cells = table.columns[column]
    return next((cells[row] for row in rows if not is_empty(cells[row])), cells[rows[0]])


def _inherited(columns: ColumnSpec) -> list[str]:
    """The columns that are the same for all variants of a product."""
    category = columns.category if isinstance(columns.category, tuple) else (columns.category,)
    scalar = (columns.title, columns.description, columns.brand, columns.seller, columns.rating)
    names = (*scalar, columns.created_at, columns.currency, *category)
    return [name for name in dict.fromkeys(names) if name is not None]


def _kept(table: Table, columns: ColumnSpec, groups: dict[str, list[int]]) -> Table:
    cells = {name: list(own) for name, own in table.columns.items()}
    chosen = []
    for key, rows in groups.items():
        for name in _inherited(columns):
            told = _first(table, name, rows)
            for row in rows:
                cells[name][row] = told if is_empty(cells[name][row]) else cells[name][row]
        kept = _priced(table, columns.price, rows)
        for number, row in enumerate(kept, 1):
            unnamed = is_empty(cells[columns.id][row]) and not key.startswith("\0")
            if unnamed or columns.id == columns.group:
                cells[columns.id][row] = f"{key}-{number}" if len(rows) > 1 else key
        chosen += kept
    whole = Table(
        table.file,
        table.unit,
        table.number_I,
        {name: cells_of(own) for name, own in cells.items()},
        table.broken,
    )
    return whole.take(np.array(sorted(chosen), np.intp))


def _priced(table: Table, column: str, rows: list[int]) -> list[int]:
    """The rows of a group that are for sale: not the one that stands for the product alone."""
    if not column or len(rows) == 1:
        return rows
    priced = [row for row in rows if not is_empty(table.columns[column][row])]
    return priced if priced else rows


def _joined(table: Table, spec: CatalogFileSpec, groups: dict[str, list[int]]) -> Table:
    columns = spec.columns
    numbers = {
        name: amounts(list(table.columns[name]), spec.format.decimal).number_I
        for name in (columns.price, columns.stock, columns.sold)
        if name
    }
    mapped = columns.published.values() or columns.attributes
    several = () if isinstance(mapped, str) else tuple(mapped)

    def told(name: str, key: str, rows: list[int]) -> Any:
        if name == columns.id:
            return _first(table, name, rows) if key.startswith("\0") else key
        if name in numbers and np.isfinite(numbers[name][rows]).any():
            if name in (columns.stock, columns.sold):
                return float(np.nansum(numbers[name][rows]))
            return table.columns[name][rows[int(np.nanargmin(numbers[name][rows]))]]
        if name in several:
            texts = dict.fromkeys(_texts(table, name, rows))
            return ", ".join(texts) if texts else _first(table, name, rows)
        return _first(table, name, rows)

    cells = {
        name: cells_of(told(name, key, rows) for key, rows in groups.items())
        for name in table.columns
    }
    first = np.array([rows[0] for rows in groups.values()], np.intp)
    return Table(table.file, table.unit, table.number_I[first], cells, table.broken)


def _texts(table: Table, column: str, rows: list[int]) -> Iterator[str]:
    """The filled texts of a column among some rows."""
    return (
        value.strip()
        for value in table.columns[column][rows]
        if isinstance(value, str) and not is_empty(value)
    )
