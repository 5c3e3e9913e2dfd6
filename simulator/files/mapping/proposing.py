"""Which column of a file holds what: told from its layout, its names and its values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulator.files.columns import may_be
from simulator.files.mapping.columns import (
    MOST_NAMES,
    PLACE,
    Settings,
    column_named,
    is_nothing,
    merged,
    read_columns,
)
from simulator.files.mapping.layouts import LAYOUTS, NAMES, NOT_ITEMS, Layout, plain
from simulator.files.mapping.looking import settle
from simulator.files.tables.amounts import amounts, is_empty
from simulator.files.tables.cells import object_in, text_in
from simulator.files.tables.decoding import guessed
from simulator.files.tables.findings import UnusableFile, unusable
from simulator.files.tables.formats import FormatSpec
from simulator.files.tables.moments import moments
from simulator.files.tables.readers import PARQUET, XML, file_bytes, known_suffix, table_columns
from simulator.files.tables.table import Table

_READABLE = 0.5  # share of the filled cells that must be numbers, for a column of prices
_DISTINCT = 0.98  # share of the cells that must be filled and differ, for a column of ids
_CHECKED = ("id", "price", "category", "attributes", "created_at", "stock", "sold", "rating")
"""Roles whose values must fit."""


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
    chosen = {
        role: None if column == "" and role != "price" else column
        for role, column in given.get("columns", {}).items()
    }
    columns = (columns or by_names) | chosen
    columns = {role: column for role, column in columns.items() if column is not None}
    _require(path, columns, names, given)
    settings: Settings = {}
    if layout is not None:
        told.append(f"recognised: {layout.name}" + (f"; {layout.told}" if layout.told else ""))
        settings = {key: value for key, value in layout.settings.items() if key != "columns"}
        settings["format"] = {**settings.get("format", {}), **format_}
        attributes = [name for name in names if plain(name) in layout.attributes]
        if attributes:
            columns["attributes"] = attributes
    else:
        settings["format"] = format_
        told.append("columns are told by their names")
    settings["columns"] = columns
    settle(path, names, layout, settings, told, given)
    rest = {key: value for key, value in given.items() if key not in ("columns", "format", "path")}
    settings = {key: v for key, v in merged(settings, rest).items() if v not in ({}, [])}
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


def _has(marks: frozenset[str], names: Sequence[str]) -> bool:
    return marks <= {plain(name) for name in names}


def _filled(path: Path, found: Sequence[str], format_: Settings) -> str:
    """The first of some columns that holds anything; the first one where none does."""
    if len(found) == 1:
        return found[0]
    table = read_columns(path, {f"{PLACE}: {name}": name for name in found}, format_)
    filled = (name for name in found if not all(is_nothing(c) for c in table.columns[name]))
    return next(filled, found[0])


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
    table = read_columns(path, asked, format_) if asked else None
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
    if role in ("rating", "stock", "sold"):
        return bool(filled) and may_be(role, filled)
    if any(str(cell).startswith(("/", "http")) for cell in filled[:1]):
        return False  # of a page or a picture
    numbers = np.isfinite(amounts(filled).number_I).sum()
    return bool(filled) and numbers < _READABLE * len(filled)  # codes are no names


def _require(
    path: Path, columns: Mapping[str, Any], names: Sequence[str], given: Mapping[str, Any]
) -> None:
    """Refuse a file without ids or titles, and one of something else than items."""
    listed = ", ".join(map(repr, names[:MOST_NAMES]))
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
