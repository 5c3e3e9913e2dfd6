"""What the values of a file tell that names do not: groups, categories, prices, what is sold."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simulator.files.mapping.columns import (
    MOST_NAMES,
    PLACE,
    Settings,
    column_named,
    is_nothing,
    read_columns,
)
from simulator.files.mapping.layouts import NAMES, Layout
from simulator.files.settings import ColumnSpec
from simulator.files.tables.amounts import is_empty
from simulator.files.tables.cells import list_in
from simulator.files.tables.findings import short, unusable
from simulator.files.tables.table import Table

_LEVELS = re.compile(r"[/>|]")
_NUMBERED = re.compile(r"id:\s*\d+")  # WooCommerce's way to name a parent by its ID


def settle(
    path: Path,
    names: Sequence[str],
    layout: Layout | None,
    settings: Settings,
    told: list[str],
    given: Mapping[str, Any],
) -> None:
    """Settle by the values what names do not tell; adds to settings and to what is told."""
    columns = settings["columns"]
    if "price" not in columns and given.get("prices", {}).get("missing") != "draw":
        _refuse_unread_prices(path, names, settings["format"])
    columns.setdefault("price", "")
    asked = ColumnSpec(**columns).wanted(PLACE)
    locale = column_named(names, [layout.locale]) if layout and layout.locale else None
    kind = column_named(names, [layout.without[0]]) if layout and layout.without else None
    asked |= {f"{PLACE}: {name}": name for name in (locale, kind) if name}
    table = read_columns(path, asked, settings["format"])
    if locale:
        table = _most_common(table, locale, settings, told)
    if kind and layout and layout.without:
        table = _without(table, kind, layout.without[1], settings, told)
    if columns.get("currency"):
        table = _most_common(table, columns["currency"], settings, told)
    for role in ("category", "brand", "description", "created_at", "stock", "sold", "rating"):
        column = columns.get(role)
        if isinstance(column, str) and all(map(is_nothing, table.columns[column])):
            del columns[role]
            told.append(f"{role}: {column} is empty in every row and is not used")
    _look_at_group(table, columns, told)
    _look_at_category(table, settings, told)
    _look_at_prices(table, settings, told, given.get("prices", {}))
    for role, column in columns.items():
        if not column:
            continue
        shown = ", ".join(column) if isinstance(column, list) else column
        told.append(f"{role}: {shown}")
    left = [n for n in names if n not in asked.values() and "." not in n]
    if left:
        more = f" and {len(left) - MOST_NAMES} more" if len(left) > MOST_NAMES else ""
        told.append(f"not used: {', '.join(left[:MOST_NAMES])}{more}")


def _without(
    table: Table, column: str, values: Sequence[str], settings: Settings, told: list[str]
) -> Table:
    """The rows that have none of some values in a column."""
    kinds = ["" if cell is None else str(cell).strip() for cell in table.columns[column]]
    kept = sorted(set(kinds) - set(values))
    if not kept or len(kept) == len(set(kinds)):
        return table
    settings["only"] = {column: kept}
    gone = sum(kind in values for kind in kinds)
    told.append(f"{gone:,} rows whose {column} is {' or '.join(values)} are left out")
    return table.take(np.array([kind in kept for kind in kinds], bool))


def _most_common(table: Table, column: str, settings: Settings, told: list[str]) -> Table:
    """The rows with the most frequent value of a column, where it has several."""
    values = ["" if cell is None else str(cell).strip() for cell in table.columns[column]]
    count = Counter(value for value in values if value)
    if len(count) < 2:
        return table
    most, rows = count.most_common(1)[0]
    settings["only"] = settings.get("only", {}) | {column: most}
    whole = f"{rows:,} of {len(table):,} rows count"
    told.append(f"{whole}: those whose {column} is {most}, of {', '.join(sorted(count))}")
    return table.take(np.array([value == most for value in values], bool))


def _look_at_group(table: Table, columns: Settings, told: list[str]) -> None:
    """A group that nobody is in is none; WooCommerce names parents by SKU or by ID."""
    group = columns.get("group")
    if group is None or group == columns["id"]:
        return
    pairs = zip(table.columns[group], table.columns[columns["id"]], strict=True)
    filled = [str(cell).strip() for cell, own in pairs if not is_empty(cell) and cell != own]
    if not filled:
        del columns["group"]
    elif all(_NUMBERED.fullmatch(each) for each in filled) and columns["id"] != "ID":
        columns["id"] = "ID"
        told.append("products are named by ID, since variations name their products so")


def _look_at_category(table: Table, settings: Settings, told: list[str]) -> None:
    """What a list of categories is: a path, or alternatives that are paths themselves."""
    column = settings["columns"].get("category")
    if not isinstance(column, str) or "lists" in settings["format"]:
        return
    if _commas_part_paths(table.columns[column]):
        settings["format"]["lists"] = "commas"
        told.append("categories are several paths parted by commas: the first counts")
        return
    lists = [each for each in map(list_in, table.columns[column]) if each and len(each) > 1]
    if lists:
        paths = sum(">" in str(name) or "/" in str(name) for each in lists for name in each)
        alternatives = 2 * paths > sum(map(len, lists))
        settings["format"]["lists"] = "first" if alternatives else "path"
        meaning = "alternatives, the first counts" if alternatives else "levels of one path"
        told.append(f"categories are lists: read as {meaning}")


def _commas_part_paths(cells: Iterable[object]) -> bool:
    """Whether most categories are several paths of one root, as `Shop/Gear,Shop/Gear/Bags`."""
    texts = [cell for cell in cells if isinstance(cell, str) and not is_empty(cell)]
    several = [text.split(",") for text in texts if "," in text]
    roots = [{_LEVELS.split(part)[0].strip() for part in parts} for parts in several]
    alike = sum(
        len(root) == 1 and all(_LEVELS.search(part) for part in parts[1:])
        for root, parts in zip(roots, several, strict=True)
    )
    return 2 * alike > len(texts) > 0


def _refuse_unread_prices(path: Path, names: Sequence[str], format_: Settings) -> None:
    """Refuse a column that goes by the name of a price and whose values are not read as one.

    Prices that were drawn in its place would be taken for the shop's.
    """
    found = [c for c in (column_named(names, [n]) for n in NAMES["price"].split()) if c is not None]
    if not found:
        return
    table = read_columns(path, {f"{PLACE}: {name}": name for name in found}, format_)
    for name in dict.fromkeys(found):
        filled = [cell for cell in table.columns[name] if not is_nothing(cell)]
        if filled:
            raise unusable(
                f"{path.name}: {name}",
                short(filled[0]),
                "a price; name another column by --set catalog.file.columns.price=..., or have "
                "prices drawn by --set catalog.file.prices.missing=draw",
            )


def _look_at_prices(
    table: Table, settings: Settings, told: list[str], decided: Mapping[str, Any]
) -> None:
    """Prices that are not there are drawn, and it is said so."""
    column = settings["columns"]["price"]
    if not column:
        missing = len(table)
    else:
        missing = sum(map(is_empty, table.columns[column]))
        told_by_group = "group" in settings["columns"] and missing < len(table)
        missing = 0 if told_by_group else missing
    if missing:
        drawn = {"missing": "draw", "median": 30.0, "between": 0.7, "sigma": 0.5, **decided}
        settings["prices"] = drawn
        told.append(
            f"{missing:,} of {len(table):,} rows have no price: it is drawn around a median of "
            f"{drawn['median']:g} that is declared, not measured (catalog.file.prices); GMV then "
            "rests on it"
        )
