"""Reading a table from Parquet, CSV or JSON Lines into columns of plain values."""

import json
import os
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from simulator.files.findings import FileFinding, UnusableFile, refuse, unusable

Columns = dict[str, NDArray[np.object_]]

_DATA_VARIABLE = "FUNNELAB_DATA"
_DATA_DEFAULT = "../shared/data"


def data_path(path: str) -> Path:
    """A path whose leading `$FUNNELAB_DATA` is replaced by that variable's folder."""
    prefix = "$" + _DATA_VARIABLE
    if path == prefix or path.startswith(prefix + "/"):
        return Path(os.environ.get(_DATA_VARIABLE, _DATA_DEFAULT) + path.removeprefix(prefix))
    return Path(path)


def read_columns(path: Path, wanted: dict[str, str]) -> Columns:
    """The wanted columns of a file as object arrays, under the file's own names.

    Args:
        path: format by suffix: .parquet, .csv, or .jsonl, .ndjson and .json for JSON Lines.
        wanted: setting that asks for a column -> the column's name in the file.

    Raises:
        UnusableFile: no such file, unknown suffix, empty, truncated, invalid UTF-8, a wanted column
            is missing, or no rows.
    """
    if not path.is_file():
        raise unusable("path", repr(str(path)), "an existing file")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise unusable("path", repr(str(path)), f"a file with suffix {', '.join(_READERS)}")
    if path.stat().st_size == 0:
        raise unusable(path.name, "an empty file", "a table with at least one row")
    columns = reader(path, wanted)
    if not len(next(iter(columns.values()))):
        raise unusable(path.name, "0 rows", "a table with at least one row")
    return columns


def _select(file: str, names: Sequence[str], wanted: dict[str, str]) -> list[str]:
    """The distinct wanted names, all of which must be among the file's names."""
    findings = []
    for setting, name in wanted.items():
        if name not in names:
            close = get_close_matches(name, names, n=1, cutoff=0.0)
            hint = f"closest: {close[0]!r}; " if close else ""
            listed = ", ".join(map(repr, names))
            wanted_column = f"a column of {file} ({hint}columns: {listed})"
            findings.append(FileFinding(setting, repr(name), wanted_column))
    refuse(findings)
    return list(dict.fromkeys(wanted.values()))


def _read_parquet(path: Path, wanted: dict[str, str]) -> Columns:
    try:
        names = pa.parquet.read_schema(path).names
        table = pa.parquet.read_table(path, columns=_select(path.name, names, wanted))
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, "a complete Parquet file", error) from error
    for name in table.column_names:
        try:
            table[name].validate(full=True)
        except pa.ArrowInvalid as error:
            raise _unreadable(path, f"valid UTF-8 in column {name!r}", error) from error
    return {name: np.fromiter(table[name].to_pylist(), object) for name in table.column_names}


def _read_csv(path: Path, wanted: dict[str, str]) -> Columns:
    data = path.read_bytes()
    _check_text(path, data)
    try:
        table = pa.csv.read_csv(
            pa.py_buffer(data),
            read_options=pa.csv.ReadOptions(use_threads=False),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(
                column_types={name: pa.string() for name in wanted.values()},
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowException as error:
        raise _unreadable(path, "a complete CSV file with a header", error) from error
    names = _select(path.name, table.column_names, wanted)
    _check_last_quote(path, data, table)
    return {name: np.fromiter(table[name].to_pylist(), object) for name in names}


def _check_last_quote(path: Path, data: bytes, table: pa.Table) -> None:
    """Refuse a file that ends inside a quoted field, which the CSV reader would accept."""
    last = table.slice(max(len(table) - 1, 0)).to_pylist()
    swallowed = any("\n" in str(cell) for row in last for cell in row.values())
    swallowed = swallowed or not data.endswith(b"\n")
    if data.count(b'"') % 2 and swallowed:
        raise unusable(path.name, "a quote that is never closed", "a complete CSV file")


def _read_json_lines(path: Path, wanted: dict[str, str]) -> Columns:
    data = path.read_bytes()
    text = _check_text(path, data)
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    rows: list[dict[str, Any]] = []
    for number, line in lines:
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            place = f"{path.name}, line {number}"
            raise _unreadable(path, "one complete JSON object", error, place) from error
        if not isinstance(row, dict):
            raise unusable(f"{path.name}, line {number}", repr(row)[:60], "a JSON object")
        rows.append(row)
    names = _select(path.name, list(dict.fromkeys(key for row in rows for key in row)), wanted)
    return {name: np.fromiter((row.get(name) for row in rows), object) for name in names}


def _check_text(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = repr(data[error.start : error.end])
        raise unusable(f"{path.name}, line {line}", found, "valid UTF-8") from error


def _unreadable(path: Path, wanted: str, error: Exception, place: str = "") -> UnusableFile:
    reason = " ".join(str(error).split())[:200]
    return unusable(place or path.name, f"unreadable ({reason})", wanted)


_READERS: dict[str, Callable[[Path, dict[str, str]], Columns]] = {
    ".parquet": _read_parquet,
    ".csv": _read_csv,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".json": _read_json_lines,
}
