"""The tables that metrics of a user's own may read: those of a log, its arms and the items."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from experiments.inference.logs import EngineSpec, engine, read_manifest, scan
from simulator.calling import time_limit
from simulator.catalogue.catalog import Catalog
from simulator.errors import ContractError

LOG_TABLES = (
    *("assignments", "texts", "requests", "sessions", "exposures", "orders", "returns"),
    "candidates",
)
"""All tables of a log but the latent one, which only the simulator knows.

Logs of earlier versions have no `returns`.
"""

Columns = dict[str, NDArray[Any]]


class Tables:
    """What a metric reads. Nothing else can be reached from SQL: no file, no network.

    Attributes:
        names: of the tables; beside those of the log `arms` (arm, name), `channels` (bit, name)
            and `items` (item, id, title, brand, category, price, created_at).
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
        self._connection = connection
        self.names = tuple(names)

    def sql(self, query: str) -> Columns:
        """The rows of a query, as arrays by column; a missing number is NaN.

        Raises:
            ContractError: it is no query of these tables, or it takes too long.
        """
        limit = time_limit()
        timer = Timer(limit.seconds, self._connection.interrupt)
        timer.start()
        try:
            found = self._connection.execute(f"SELECT * FROM (\n{query.rstrip().rstrip(';')}\n)")
            columns: Mapping[str, Any] = found.fetchnumpy()
        except duckdb.InterruptException as error:
            raise ContractError(
                f"SQL == longer than {limit.seconds:g} s, must be done by then ({limit.setting})"
            ) from error
        except duckdb.Error as error:
            said = " ".join(str(error).split())
            raise ContractError(
                f"SQL == {said}, must be one query of the tables {', '.join(self.names)}"
            ) from error
        finally:
            timer.cancel()
        return {name: _plain(values) for name, values in columns.items()}


def _plain(values: Any) -> NDArray[Any]:
    """A column without a mask: NaN for a number that is missing, None for anything else."""
    if not isinstance(values, np.ma.MaskedArray):
        return np.asarray(values)
    kind, hidden = values.dtype.kind, np.ma.getmaskarray(values)
    if not hidden.any():
        return np.asarray(values.data)
    plain = np.array(values.data, np.float64 if kind in "iufb" else object)
    plain[hidden] = np.nan if kind in "iufb" else None
    return plain


@contextmanager
def open_tables(
    log: Path, catalog: Catalog | None = None, *, spec: EngineSpec | None = None
) -> Iterator[Tables]:
    """The tables of a log.

    Args:
        log: its folder.
        catalog: the items; None: there is no such table.
        spec: threads and memory.

    Raises:
        DataError: the folder is no log.
    """
    manifest, log = read_manifest(log), log.resolve()
    tables = [name for name in LOG_TABLES if name != "returns" or (log / name).is_dir()]
    with engine(spec or EngineSpec()) as connection:
        for name in tables:
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {scan(log, name)}")
        small = {
            "arms": pa.table({"arm": range(len(manifest.arms)), "name": list(manifest.arms)}),
            "channels": pa.table(
                {"bit": range(len(manifest.channels)), "name": list(manifest.channels)}
            ),
        }
        if catalog is not None:
            small["items"] = items_table(catalog)
        for name, table in small.items():
            connection.register(f"given_{name}", table)
            connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM given_{name}")
            connection.unregister(f"given_{name}")
        folders = [str(log / name).replace("'", "''") for name in tables]
        allowed = ", ".join(f"'{folder}'" for folder in folders)
        connection.execute(f"SET allowed_directories = [{allowed}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield Tables(connection, (*tables, *small))


def items_table(catalog: Catalog) -> pa.Table:
    """The public columns of the items, one row each."""

    def named(number_I: NDArray[np.integer], names: Sequence[str]) -> list[str | None]:
        return [names[number] if number >= 0 else None for number in number_I.tolist()]

    return pa.table(
        {
            "item": pa.array(np.arange(len(catalog)), pa.int32()),
            "id": pa.array(list(map(str, catalog.key_I)), pa.string()),
            "title": pa.array(list(map(str, catalog.title_I)), pa.string()),
            "brand": pa.array(named(catalog.brand_I, catalog.brands), pa.string()),
            "category": pa.array(named(catalog.category_I, catalog.categories), pa.string()),
            "price": pa.array(catalog.price_I, pa.float64()),
            "created_at": pa.array(catalog.created_at_I, pa.float64()),
        }
    )
