"""Databases in memory that are at rest: making one takes longer than most queries of a small log.

One that has spilled to disk, or is not as it was made, is closed and not kept: nothing of a use
outlives it.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

_ALL = """SELECT (SELECT md5(string_agg(name || '=' || coalesce(value, ''), ',' ORDER BY name))
    FROM duckdb_settings()), (SELECT count(*) FROM duckdb_databases()),
    (SELECT count(*) FROM duckdb_tables()), (SELECT count(*) FROM duckdb_views() WHERE NOT internal)
"""
"""What a use may change: settings, and what is in the catalogue."""


@dataclass(frozen=True)
class _Database:
    """One at rest.

    Attributes:
        connection: to it, which keeps it.
        spill: folder that it makes when it must.
        as_made: what `_ALL` told when nobody had used it.
    """

    connection: duckdb.DuckDBPyConnection
    spill: Path
    as_made: Any

    def is_as_made(self) -> bool:
        """Forget the files that were read; whether nothing else is left of its use."""
        try:
            self.connection.execute("SET GLOBAL enable_external_file_cache = false")
            return not self.spill.exists() and _told(self.connection) == self.as_made
        except duckdb.Error:  # it is locked, or has failed
            return False

    def close(self) -> None:
        """Give it up."""
        self.connection.close()
        shutil.rmtree(self.spill, ignore_errors=True)


_at_rest: dict[tuple[int, int, int], list[_Database]] = {}


@contextmanager
def instance(*, threads: int, memory_mb: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a database of its own, whose tables and spill files vanish with it.

    Args:
        threads: that it may use.
        memory_mb: most memory of its tables; what does not fit spills to disk.
    """
    kind = os.getpid(), threads, memory_mb  # a forked process has none of its parent's threads
    idle = _at_rest.setdefault(kind, [])
    database = idle.pop() if idle else _made(threads, memory_mb)
    connection = database.connection.cursor()  # with temporary tables of its own
    connection.execute("SET GLOBAL enable_external_file_cache = true")
    try:
        yield connection
    finally:
        connection.close()
        if database.is_as_made():
            idle.append(database)
        else:
            database.close()


def _made(threads: int, memory_mb: int) -> _Database:
    spill = Path(tempfile.gettempdir()) / f"funnelab-{uuid4().hex}"
    connection = duckdb.connect(
        config={
            "threads": threads,
            "memory_limit": f"{memory_mb}MB",
            "temp_directory": str(spill),
            "preserve_insertion_order": "false",
            "enable_external_file_cache": "false",
        }
    )
    return _Database(connection, spill, _told(connection))


def _told(connection: duckdb.DuckDBPyConnection) -> Any:
    return connection.execute(_ALL).fetchall()


@atexit.register
def _close_all() -> None:
    for kind, idle in _at_rest.items():
        for database in idle if kind[0] == os.getpid() else ():
            database.close()
    _at_rest.clear()
