"""A log folder as DuckDB sees it: the one place that knows where the Parquet shards lie."""

import glob
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from pydantic import Field

from experiments.inference.instances import instance
from experiments.inference.interrupting import interruptible
from simulator.errors import DataError
from simulator.spec import Spec


class EngineSpec(Spec):
    """What the log engine (DuckDB) may use; what does not fit in memory spills to disk."""

    threads: int = Field(default=2, gt=0, description="threads that scan the log")
    memory_mb: int = Field(default=800, ge=64, description="most memory of its tables (MB)")


@dataclass(frozen=True)
class Manifest:
    """What a log says about itself; channels and arms stand in the order of bits and indexes."""

    channels: tuple[str, ...]
    arms: tuple[str, ...]
    faults: tuple[dict[str, Any], ...]


def read_manifest(log: Path) -> Manifest:
    """The manifest of a log folder.

    Raises:
        DataError: there is none, or it is not a manifest.
    """
    path = log / "manifest.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        found = Manifest(tuple(raw["channels"]), tuple(raw["arms"]), tuple(raw.get("faults", ())))
        for name, each in (("channels", found.channels), ("arms", found.arms)):
            if isinstance(raw[name], str) or not all(isinstance(one, str) for one in each):
                raise TypeError(f"{name} == {raw[name]!r}, must be a list of names")
        for fault in found.faults:
            if not fault.keys() >= _FAULT or not isinstance(fault["requests"], int):
                raise TypeError(f"faults: {fault!r}, must have {', '.join(sorted(_FAULT))}")
        return found
    except FileNotFoundError as error:
        raise DataError(f"{log} == no manifest.json, must be a log folder") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path} == {error!r}, must be a log's manifest") from error


_FAULT = {"arm", "channel", "reason", "requests"}


_INTERRUPTED = "Query interrupted"  # what DuckDB makes of Ctrl-C while it is at work


@contextmanager
def engine(spec: EngineSpec) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB whose spill files vanish with it."""
    with instance(threads=spec.threads, memory_mb=spec.memory_mb) as connection:
        try:
            with interruptible(connection):
                yield connection
        except duckdb.InterruptException as error:
            raise KeyboardInterrupt from error
        except duckdb.OutOfMemoryException as error:
            said = str(error).splitlines()[0]
            raise DataError(f"memory of the log engine == full ({said}), must be more") from error
        except duckdb.Error as error:  # whatever it meets in a damaged file
            raise DataError(
                f"log == unreadable ({str(error).splitlines()[0]}), must be whole: "
                "delete its stage folder, and the same command makes it again"
            ) from error
        except RuntimeError as error:
            if str(error) == _INTERRUPTED:
                raise KeyboardInterrupt from error
            raise


def scan(log: Path, table: str) -> str:
    """SQL that reads one table of a log; also an empty table has a shard, which has its columns."""
    pattern = f"{glob.escape(str(log / table))}/*.parquet".replace("'", "''")
    return f"read_parquet('{pattern}')"


_KNOWN = {
    "requests": "request shopper arm day page merged ranked shown latency",
    "sessions": "session shopper arm start",
    "exposures": "request shopper arm day item clicked carted",
    "orders": "shopper arm day price quantity",
}
"""Columns, by table, that every row of a log tells."""


def check_rows(connection: duckdb.DuckDBPyConnection, log: Path, manifest: Manifest) -> None:
    """Refuse a log whose rows lack what is counted, or are of arms that it does not have.

    Raises:
        DataError: with the table, the column, and how many rows.
    """
    for table, names in _KNOWN.items():
        odd = {name: f"{name} IS NULL OR NOT isfinite({name}::DOUBLE)" for name in names.split()}
        odd["arm"] = f"arm IS NULL OR arm NOT BETWEEN 0 AND {len(manifest.arms) - 1}"
        counts = ", ".join(f"count(*) FILTER ({bad}) AS {name}" for name, bad in odd.items())
        for name, count in rows(connection, f"SELECT {counts} FROM {scan(log, table)}")[0].items():
            if count:
                wanted = "be one of the log's arms" if name == "arm" else "be there, and finite"
                raise DataError(f"{log / table}: {name} of {count} rows == odd, must {wanted}")


def exact_sum(value: str) -> str:
    """A sum that is exact for float32 values from 2**-8 up, and rounded to 2**-32 below."""
    return f"sum(CAST({value} * 4294967296.0 AS HUGEINT))::DOUBLE / 4294967296.0"


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    """The rows of a small result, as dictionaries."""
    result = connection.execute(sql)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
