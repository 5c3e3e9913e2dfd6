"""A log folder as DuckDB sees it: the one place that knows where the Parquet shards lie."""

import glob
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from pydantic import Field

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
        return Manifest(tuple(raw["channels"]), tuple(raw["arms"]), tuple(raw.get("faults", ())))
    except FileNotFoundError as error:
        raise DataError(f"{log} == no manifest.json, must be a log folder") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} == {error!r}, must be a log's manifest") from error


@contextmanager
def engine(spec: EngineSpec) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB whose spill files vanish with it."""
    with tempfile.TemporaryDirectory(prefix="funnelab-") as spill:
        connection = duckdb.connect(
            config={
                "threads": spec.threads,
                "memory_limit": f"{spec.memory_mb}MB",
                "temp_directory": spill,
                "preserve_insertion_order": "false",
            }
        )
        try:
            yield connection
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            raise DataError(
                f"log == unreadable ({str(error).splitlines()[0]}), must be whole: "
                "delete its stage folder, and the same command makes it again"
            ) from error
        finally:
            connection.close()


def scan(log: Path, table: str) -> str:
    """SQL that reads one table of a log; also an empty table has a shard, which has its columns."""
    pattern = f"{glob.escape(str(log / table))}/*.parquet".replace("'", "''")
    return f"read_parquet('{pattern}')"


def exact_sum(value: str) -> str:
    """A sum that is exact for float32 values from 2**-8 up, and rounded to 2**-32 below."""
    return f"sum(CAST({value} * 4294967296.0 AS HUGEINT))::DOUBLE / 4294967296.0"


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    """The rows of a small result, as dictionaries."""
    result = connection.execute(sql)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
