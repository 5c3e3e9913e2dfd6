"""A table of the user's own as DuckDB sees it: a file, a table of a database, or a data frame."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from simulator.errors import DataError
from simulator.files.tables.datapath import data_path

_READERS = {
    **dict.fromkeys((".parquet", ".pq"), "read_parquet"),
    **dict.fromkeys((".csv", ".tsv", ".txt", ".gz"), "read_csv"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "read_json_auto"),
}
_DATABASE = re.compile(r"^(?P<file>.+\.(?:duckdb|ddb|db)):(?P<table>[^:/\\]+)$")


@dataclass(frozen=True)
class Source:
    """A table in an open connection.

    Attributes:
        sql: what stands behind FROM.
        place: the file, for errors.
        types: DuckDB's type of each column.
    """

    sql: str
    place: str
    types: dict[str, str]

    def column(self, name: str, setting: str) -> str:
        """SQL of a column, or of a field inside one by its dotted path.

        Raises:
            DataError: there is none of this name.
        """
        outer, _, inner = name.partition(".")
        if name not in self.types and inner and self.types.get(outer, "").startswith("STRUCT"):
            return ".".join(quoted(each) for each in (outer, *inner.split(".")))
        if name not in self.types and inner and self.types.get(outer) == "JSON":
            return f"{quoted(outer)}->>{literal('$.' + inner)}"
        if name not in self.types:
            some = ", ".join(list(self.types)[:12])
            raise DataError(f"{setting} == {name!r}, must be a column of {self.place}: {some}")
        return quoted(name)


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def open_source(connection: duckdb.DuckDBPyConnection, path: str, setting: str = "path") -> Source:
    """A file, a folder or pattern of files of one kind, or FILE.duckdb:TABLE.

    Raises:
        DataError: it is not there, or cannot be read as a table.
    """
    if found := _DATABASE.match(path):
        return _in_database(connection, found["file"], found["table"], setting)
    files = _files(path, setting)
    suffix = files[0].suffix.lower()
    if suffix not in _READERS:
        wanted = ", ".join(_READERS)
        raise DataError(
            f"{files[0]} == a file of type {suffix or 'none'}, must be one of: {wanted}"
        )
    listed = ", ".join(literal(str(file)) for file in files)
    options = ", union_by_name = true"
    if _READERS[suffix] == "read_csv":  # a rejected row would be a silent number
        options += ", sample_size = 20480"
    sql = f"{_READERS[suffix]}([{listed}]{options})"
    return Source(sql, path, _types(connection, sql, path))


def frame_source(connection: duckdb.DuckDBPyConnection, frame: Any, name: str = "frame") -> Source:
    """A data frame: pandas, Polars, Arrow, a DuckDB relation, or whatever Narwhals knows.

    Raises:
        DataError: it is none of these.
    """
    import narwhals as nw

    try:
        known = nw.from_native(frame)
    except TypeError as error:
        kind = type(frame).__name__
        raise DataError(
            f"frame == {kind}, must be a data frame (pandas, Polars, Arrow, DuckDB)"
        ) from (error)
    eager = known.collect() if isinstance(known, nw.LazyFrame) else known
    connection.register(name, eager.to_arrow())
    return Source(
        quoted(name), "the data frame", _types(connection, quoted(name), "the data frame")
    )


def _files(path: str, setting: str) -> Sequence[Path]:
    """The files that a path means, in the order of their names."""
    plain = data_path(path)
    if plain.is_dir():
        files = sorted(each for each in plain.iterdir() if each.suffix.lower() in _READERS)
        kinds = {_READERS[each.suffix.lower()] for each in files}
        if len(kinds) > 1:
            raise DataError(f"{setting} == {path}: files of several kinds, must be of one")
    elif any(sign in plain.name for sign in "*?["):
        files = sorted(plain.parent.glob(plain.name))
    else:
        files = [plain] if plain.is_file() else []
    if not files:
        raise DataError(f"{setting} == {path}: no such file, must be a table (Parquet, CSV, JSON)")
    return files


def _in_database(
    connection: duckdb.DuckDBPyConnection, file: str, table: str, setting: str
) -> Source:
    """A table of a DuckDB file, read only."""
    plain = data_path(file)
    if not plain.is_file():
        raise DataError(f"{setting} == {file}: no such file, must be a DuckDB database")
    try:
        connection.execute(f"ATTACH {literal(str(plain))} AS log_database (READ_ONLY)")
    except duckdb.Error as error:
        raise DataError(f"{plain} == unreadable ({_said(error)}), must be a database") from error
    names = [
        name
        for (name,) in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'log_database' "
            "UNION ALL SELECT view_name FROM duckdb_views() "
            "WHERE database_name = 'log_database' AND NOT internal"
        ).fetchall()
    ]
    if table not in names:
        some = ", ".join(names[:12]) or "none"
        raise DataError(f"{setting} == table {table!r}, must be one of {file}: {some}")
    sql = f"log_database.{quoted(table)}"
    return Source(sql, f"{file}:{table}", _types(connection, sql, file))


def _types(connection: duckdb.DuckDBPyConnection, sql: str, place: str) -> dict[str, str]:
    """The columns of a table, and their types."""
    try:
        found = connection.execute(f"DESCRIBE SELECT * FROM {sql}").fetchall()
    except duckdb.Error as error:
        raise DataError(f"{place} == unreadable ({_said(error)}), must be a whole table") from error
    return {row[0]: row[1] for row in found}


def _said(error: Exception) -> str:
    return str(error).splitlines()[0]
