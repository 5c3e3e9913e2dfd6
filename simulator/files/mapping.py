"""Which column of a file holds what: told from its layout, its names and its values."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulator.files.layouts import LAYOUTS, NAMES, NOT_ITEMS, Layout, plain
from simulator.files.settings import ColumnSpec
from simulator.files.tables.amounts import amounts, is_empty
from simulator.files.tables.cells import list_in, object_in, text_in
from simulator.files.tables.decoding import guessed
from simulator.files.tables.findings import UnusableFile, unusable
from simulator.files.tables.formats import FormatSpec
from simulator.files.tables.moments import moments
from simulator.files.tables.readers import (
    PARQUET,
    XML,
    file_bytes,
    known_suffix,
    read_table,
    table_columns,
)
from simulator.files.tables.table import Table

Settings = dict[str, Any]

PLACE = "catalog.file.columns"

_READABLE = 0.5  # share of the filled cells that must be numbers, for a column of prices
_DISTINCT = 0.98  # share of the cells that must be filled and differ, for a column of ids
_CHECKED = ("id", "price", "category", "attributes", "created_at", "stock", "sold")
"""Roles whose values must fit."""
_MOST_NAMES = 40  # columns that a refusal lists
_NUMBERED = re.compile(r"id:\s*\d+")  # WooCommerce's way to name a parent by its ID


@dataclass(frozen=True)
class Proposal:
    """Settings for a file, and how they came about.

    Attributes:
        layout: name of the layout that was recognised, "" for none.
        settings: as `[catalog.file]` or `[judgments]` has them, without the path.
        told: what was decided and why, in sentences.
    """

    layout: str
    settings: Settings
    told: tuple[str, ...]


def propose_catalog(path: Path, given: Mapping[str, Any] | None = None) -> Proposal:
    """Settings under which a file is read as a catalogue.

    Args:
        given: settings that the user has decided, as `[catalog.file]` has them.

    Raises:
        DataError: the file cannot be read, or no column can be the id or the title.
    """
    given = given or {}
    format_, told = written_as(path, given.get("format", {}))
    names = table_columns(path, FormatSpec(**format_))
    layout = next((each for each in LAYOUTS if _has(each.marks, names)), None)
    columns = _by_layout(path, layout, names, format_) if layout else {}
    by_names = _by_names(path, names, format_) if layout is None else {}
    columns = (columns or by_names) | given.get("columns", {})
    _require(path, columns, names, given)
    settings: Settings = {}
    if layout is not None:
        told.append(f"recognised: {layout.name}" + (f"; {layout.told}" if layout.told else ""))
        settings = {key: value for key, value in layout.settings.items() if key != "columns"}
        settings["format"] = {**format_, **settings.get("format", {})}
        attributes = [name for name in names if plain(name) in layout.attributes]
        if attributes:
            columns["attributes"] = attributes
    else:
        settings["format"] = format_
        told.append("columns are told by their names")
    settings["columns"] = columns
    _look(path, names, layout, settings, told)
    rest = {key: value for key, value in given.items() if key not in ("columns", "format", "path")}
    settings = {key: v for key, v in {**settings, **rest}.items() if v not in ({}, [])}
    return Proposal(layout.name if layout else "", settings, tuple(told))


def written_as(path: Path, given: Mapping[str, Any]) -> tuple[Settings, list[str]]:
    """How a file is written: what is given, and where that is not enough a guessed encoding."""
    suffix = known_suffix(path)
    if suffix in PARQUET:
        return dict(given), []
    try:
        table_columns(path, FormatSpec.model_validate(given))
    except UnusableFile as error:
        doubted = suffix not in XML and "must be valid UTF-8" in str(error)
        name = guessed(file_bytes(path)) if doubted else None
        if name is None:
            raise
        said = f"the encoding is guessed: {name} (the file is no UTF-8); look at some texts"
        return {**given, "encoding": name}, [said]
    return dict(given), []


def column_named(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """The first column, in the order of the wished-for names, that goes by one of them.

    Of nested fields the last step counts, after all that are not nested.
    """
    whole = {plain(name): name for name in reversed(names)}
    leaves = {plain(name).rpartition(".")[2]: name for name in reversed(names) if "." in name}
    for known in (whole, leaves):
        for name in wanted:
            if name in known:
                return known[name]
    return None


def _has(marks: frozenset[str], names: Sequence[str]) -> bool:
    return marks <= {plain(name) for name in names}


def _filled(path: Path, found: Sequence[str], format_: Settings) -> str:
    """The first of some columns that holds anything; the first one where none does."""
    if len(found) == 1:
        return found[0]
    table = _read(path, {f"{PLACE}: {name}": name for name in found}, format_)
    filled = (name for name in found if not all(_is_nothing(c) for c in table.columns[name]))
    return next(filled, found[0])


def _is_nothing(cell: object) -> bool:
    return is_empty(cell) or cell in ([], {}, "[]", "{}")


def _by_layout(path: Path, layout: Layout, names: Sequence[str], format_: Settings) -> Settings:
    known = {plain(name): name for name in reversed(names)}
    columns: Settings = {}
    for role, wanted in layout.columns.items():
        found = [known[name] for name in wanted if name in known]
        if found:
            columns[role] = _filled(path, found, format_)
    for role, place in layout.settings.get("columns", {}).items():
        root = place.partition(".")[0]
        if plain(root) in known:
            columns[role] = known[plain(root)] + place[len(root) :]
    return columns


def _by_names(path: Path, names: Sequence[str], format_: Settings) -> Settings:
    """Columns by the names that such go by, where their values fit."""
    roles = {role: text.split() for role, text in NAMES.items()}
    candidates = {
        role: [c for c in (column_named(names, [name]) for name in wanted) if c is not None]
        for role, wanted in roles.items()
    }
    asked = {f"{PLACE}.{role}": c for role in candidates for c in candidates[role][:1]}
    asked |= {f"{PLACE}: {c}": c for role in _CHECKED for c in candidates[role][1:]}
    table = _read(path, asked, format_) if asked else None
    columns: Settings = {}
    for role, found in candidates.items():
        fits = [c for c in dict.fromkeys(found) if table is None or _fits(role, table, c)]
        free = [c for c in fits if c not in columns.values()]
        if free:
            columns[role] = free[0]
        elif role == "id" and found:
            columns[role] = found[0]  # repeated or empty in part: which rows, the check tells
    if "group" in columns and columns["group"] == columns.get("id"):
        del columns["group"]
    return columns


def _fits(role: str, table: Table, column: str) -> bool:
    """Whether the values of a column can be of a role."""
    if role not in _CHECKED:
        return True
    cells = list(table.columns[column])
    filled = [cell for cell in cells if not is_empty(cell)]
    if role == "id":
        texts = {text_in(cell, joined=False) for cell in filled}
        return None not in texts and len(texts) >= _DISTINCT * len(cells)
    if role == "attributes":
        objects = [cell for cell in filled if cell not in ("{}", {})]
        return bool(objects) and all(object_in(cell) is not None for cell in objects)
    if role == "created_at":
        return bool(filled) and not moments(cells).bad
    if role == "price":
        read = amounts(filled)
        unread = sum(reason == "unreadable" for reason in read.why.values())
        return bool(filled) and len(filled) - unread >= _READABLE * len(filled)
    if role in ("stock", "sold"):
        read = amounts(filled)
        return (
            bool(filled) and "unreadable" not in read.why.values() and not (read.number_I < 0).any()
        )
    if any(str(cell).startswith(("/", "http")) for cell in filled[:1]):
        return False  # of a page or a picture
    numbers = np.isfinite(amounts(filled).number_I).sum()
    return bool(filled) and numbers < _READABLE * len(filled)  # codes are no names


def _require(
    path: Path, columns: Mapping[str, Any], names: Sequence[str], given: Mapping[str, Any]
) -> None:
    """Refuse a file without ids or titles, and one of something else than items."""
    listed = ", ".join(map(repr, names[:_MOST_NAMES]))
    known = {plain(name) for name in names}
    other = next((what for marks, what in NOT_ITEMS if marks & known), None)
    missing = [role for role in ("id", "title") if role not in columns]
    if other is not None and not missing and "id" not in given.get("columns", {}):
        found = f"what looks like {other}"
        wanted = "a file with a row for each item (if it is one: --set catalog.file.columns.id=...)"
        raise unusable(path.name, found, f"{wanted} (columns: {listed})")
    if missing:
        found = f"no column that is known as {' or as '.join(missing)}"
        found += f" (this looks like {other})" if other else ""
        settings = " and ".join(f"--set catalog.file.columns.{role}=..." for role in missing)
        raise unusable(path.name, found, f"named by {settings} (columns: {listed})")


def _read(path: Path, wanted: Mapping[str, str], format_: Settings) -> Table:
    return read_table(path, FormatSpec(**format_), wanted, "catalog.file.format")


def _look(
    path: Path,
    names: Sequence[str],
    layout: Layout | None,
    settings: Settings,
    told: list[str],
) -> None:
    """Settle by the values what names do not tell; adds to settings and to what is told."""
    columns = settings["columns"]
    columns.setdefault("price", "")
    asked = ColumnSpec(**columns).wanted(PLACE)
    locale = column_named(names, [layout.locale]) if layout and layout.locale else None
    kind = column_named(names, [layout.without[0]]) if layout and layout.without else None
    asked |= {f"{PLACE}: {name}": name for name in (locale, kind) if name}
    table = _read(path, asked, settings["format"])
    if locale:
        table = _most_common(table, locale, settings, told)
    if kind and layout and layout.without:
        table = _without(table, kind, layout.without[1], settings, told)
    if columns.get("currency"):
        table = _most_common(table, columns["currency"], settings, told)
    for role in ("category", "brand", "description", "created_at", "stock", "sold", "rating"):
        column = columns.get(role)
        if isinstance(column, str) and all(map(_is_nothing, table.columns[column])):
            del columns[role]
            told.append(f"{role}: {column} is empty in every row and is not used")
    _look_at_group(table, columns, told)
    _look_at_category(table, settings, told)
    _look_at_prices(table, settings, told)
    for role, column in columns.items():
        if not column:
            continue
        shown = ", ".join(column) if isinstance(column, list) else column
        told.append(f"{role}: {shown}")
    left = [n for n in names if n not in asked.values() and "." not in n]
    if left:
        more = f" and {len(left) - _MOST_NAMES} more" if len(left) > _MOST_NAMES else ""
        told.append(f"not used: {', '.join(left[:_MOST_NAMES])}{more}")


def _without(
    table: Table, column: str, values: Sequence[str], settings: Settings, told: list[str]
) -> Table:
    """The rows that have none of some values in a column."""
    kinds = [str(cell) for cell in table.columns[column]]
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
    if column is None or "lists" in settings["format"]:
        return
    lists = [each for each in map(list_in, table.columns[column]) if each and len(each) > 1]
    if lists:
        paths = sum(">" in str(name) or "/" in str(name) for each in lists for name in each)
        alternatives = 2 * paths > sum(map(len, lists))
        settings["format"]["lists"] = "first" if alternatives else "path"
        meaning = "alternatives, the first counts" if alternatives else "levels of one path"
        told.append(f"categories are lists: read as {meaning}")


def _look_at_prices(table: Table, settings: Settings, told: list[str]) -> None:
    """Prices that are not there are drawn, and it is said so."""
    column = settings["columns"]["price"]
    if not column:
        missing = len(table)
    else:
        missing = sum(map(is_empty, table.columns[column]))
        told_by_group = "group" in settings["columns"] and missing < len(table)
        missing = 0 if told_by_group else missing
    if missing:
        settings["prices"] = {"missing": "draw", "median": 30.0, "between": 0.7, "sigma": 0.5}
        told.append(
            f"{missing:,} of {len(table):,} rows have no price: it is drawn around a median of "
            "30 that is declared, not measured (catalog.file.prices); GMV then rests on it"
        )
