"""Reading Parquet into plain values."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from simulator.files.tables.findings import unusable
from simulator.files.tables.table import Table, cells_of, opened, reached, require

_REASON = 200  # characters of a reason that a finding repeats


def read_parquet(path: Path, wanted: Mapping[str, str]) -> Table:
    """The wanted columns of a Parquet file; a dotted path leads into structures and lists.

    Raises:
        UnusableFile: no whole Parquet file, a column that is not there, or values that Python
            cannot hold, such as a moment beyond the year 9999.
    """
    import pyarrow as pa
    import pyarrow.parquet

    try:
        names = pa.parquet.read_schema(path).names
        roots = {name: _root(name, names) for name in wanted.values()}
        known = [*names, *(name for name, root in roots.items() if root and name not in names)]
        require(path.name, known, wanted)
        whole = pa.parquet.read_table(path, columns=sorted({r for r in roots.values() if r}))
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, "a complete Parquet file", error) from error
    lists = {name: _values(path, whole, name) for name in whole.column_names}
    led = {root for name, root in roots.items() if name != root}
    objects = {root: [opened(value) for value in lists[root]] for root in led}
    columns = {}
    for name, root in roots.items():
        values = lists[root]
        if name != root:
            values = [reached({root: value}, name)[1] for value in objects[root]]
        columns[name] = cells_of(values)
    return Table(path.name, "row", np.arange(1, len(whole) + 1), columns)


def column_names(path: Path) -> list[str]:
    """The columns of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet

    try:
        return list(pa.parquet.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, "a complete Parquet file", error) from error


def _root(name: str, names: list[str]) -> str:
    """The column that a name or a dotted path begins with; "" where there is none."""
    if name in names:
        return name
    heads = [name[:at] for at, letter in enumerate(name) if letter == "." and name[:at] in names]
    return heads[-1] if heads else ""


def _values(path: Path, table: "object", name: str) -> list[object]:
    import pyarrow as pa

    column = table[name]  # type: ignore[index]
    try:
        column.validate(full=True)
        return list(column.to_pylist())
    except pa.ArrowInvalid as error:
        raise _unreadable(path, f"valid UTF-8 in column {name!r}", error) from error
    except (ValueError, OverflowError) as error:
        raise _unreadable(path, f"values of years 1 to 9999 in column {name!r}", error) from error


def _unreadable(path: Path, wanted: str, error: Exception) -> Exception:
    reason = " ".join(str(error).split())[:_REASON]
    return unusable(path.name, f"unreadable ({reason})", wanted)
