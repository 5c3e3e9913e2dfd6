"""Columns of a file while it is told what they hold, and settings about them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.files.mapping.layouts import plain
from simulator.files.tables.amounts import is_empty
from simulator.files.tables.formats import FormatSpec
from simulator.files.tables.readers import read_table
from simulator.files.tables.table import Table

Settings = dict[str, Any]

PLACE = "catalog.file.columns"
MOST_NAMES = 40
"""Columns that are listed at most."""


def read_columns(path: Path, wanted: Mapping[str, str], format_: Settings) -> Table:
    """Some columns of a catalogue file; `wanted` as of `read_table`."""
    return read_table(path, FormatSpec(**format_), wanted, "catalog.file.format")


def is_nothing(cell: object) -> bool:
    """Whether a cell says nothing, an empty list or object included."""
    return is_empty(cell) or cell in ([], {}, "[]", "{}")


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


def merged(settings: Mapping[str, Any], decided: Mapping[str, Any]) -> Settings:
    """Settings with those laid over that a user has decided, table by table."""
    both = dict(settings)
    for key, value in decided.items():
        inner = both.get(key)
        if isinstance(inner, Mapping) and isinstance(value, Mapping):
            both[key] = merged(inner, value)
        else:
            both[key] = value
    return both
