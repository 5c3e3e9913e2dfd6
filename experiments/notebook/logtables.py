"""The tables of a log with names in the place of numbers, ready for pandas or Arrow."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np
import pyarrow as pa

from experiments.inference.logs import EngineSpec, Manifest, engine, read_manifest, scan
from simulator.catalogue.catalog import Catalog
from simulator.errors import ConfigError, DataError

As = Literal["pandas", "arrow"]
"""The kind of table that is given."""

FOUND_BY = "found_by_"
"""Before the name of a channel: whether it had found the item."""

TOUCHED = ("exposures", "orders")
"""Tables of items, of which the log tells the channels that had found them."""

_DEVICES = ("phone", "desktop")
_ACTIONS = ("leave", "next page", "reformulate", "next need")


def items_table(catalog: Catalog) -> pa.Table:
    """The catalogue: number, the shop's own id, title, brand, category and list price of items."""

    def named(code_I: Any, names: tuple[str, ...]) -> pa.Array:
        known_I = np.array([*names, None], object)[code_I]  # code -1 is the last: unknown
        return pa.array(known_I, pa.string())

    return pa.table(
        {
            "item": pa.array(np.arange(len(catalog), dtype=np.int32)),
            "item_id": pa.array(catalog.key_I.tolist(), pa.string()),
            "title": pa.array(catalog.title_I.tolist(), pa.string()),
            "brand": named(catalog.brand_I, catalog.brands),
            "category": named(catalog.category_I, catalog.categories),
            "list_price": pa.array(catalog.price_I),
            "rating": pa.array(catalog.rating_I),
        }
    )


def given_as(made: pa.Table, kind: As) -> Any:
    """A table as pandas or Arrow.

    Raises:
        ConfigError: an unknown kind of table.
    """
    if kind not in ("pandas", "arrow"):
        raise ConfigError(f"as_ == {kind!r}, must be 'pandas' or 'arrow'")
    return made.to_pandas() if kind == "pandas" else made


def lacking(log: Path, table: str, column: str, meaning: str) -> DataError:
    """What is said of a log without a column."""
    return DataError(f"{log / table} has no column {column!r}, must have it: {meaning}")


@dataclass(frozen=True)
class NamedLog:
    """A log inside DuckDB, whose tables can be asked for with names in the place of numbers.

    Attributes:
        connection: open until `named_log` ends.
        log: its folder.
        manifest: of the log.
    """

    connection: duckdb.DuckDBPyConnection
    log: Path
    manifest: Manifest

    def sql(self, name: str) -> str:
        """SQL of a table: `requests`, `exposures`, `orders` or another one of the log.

        Raises:
            DataError: a table of items without the channels that had found them.
        """
        source = scan(self.log, name)
        found = self.connection.execute(f"SELECT * FROM {source} LIMIT 0").description or ()
        columns = [column for column, *_ in found]
        if name in TOUCHED and "sources" not in columns:
            raise lacking(self.log, name, "sources", "which channels had found each item")
        chosen, joins = _chosen(columns, self.manifest), ""
        if "rows.item" in chosen:
            at = chosen.index("rows.item") + 1
            chosen[at:at] = ["items.item_id", "items.title"]
            joins = " LEFT JOIN items USING (item)"
        if name == "requests":
            chosen[chosen.index("rows.text")] = "texts.string AS text"
            joins += f" LEFT JOIN {scan(self.log, 'texts')} AS texts USING (text)"
        return f"SELECT {', '.join(chosen)} FROM {source} AS rows{joins}"


@contextmanager
def named_log(log: Path, catalog: Catalog) -> Iterator[NamedLog]:
    """Open a log; its items are the table `items` of the connection.

    Args:
        log: its folder.
        catalog: of the items.

    Raises:
        DataError: the folder is no log.
    """
    manifest = read_manifest(log)
    with engine(EngineSpec()) as connection:
        connection.register("items", items_table(catalog))
        yield NamedLog(connection, log, manifest)


def log_table(log: Path, name: str, catalog: Catalog, kind: As) -> Any:
    """A table of a log with arms, channels and items by name.

    Args:
        log: its folder.
        name: `requests`, `exposures`, `orders` or another table.
        catalog: of the items, for their ids and titles.
        kind: of table.

    Raises:
        ConfigError: an unknown kind of table.
        DataError: the folder is no log.
    """
    with named_log(log, catalog) as named:
        return given_as(named.connection.sql(named.sql(name)).to_arrow_table(), kind)


def _chosen(columns: list[str], manifest: Manifest) -> list[str]:
    """SQL of the columns, what is numbered by name."""
    names = {"device": _DEVICES, "next_action": _ACTIONS}
    chosen = []
    for column in columns:
        if column == "arm":
            chosen.append(_named("arm", manifest.arms))
        elif column == "sources":
            chosen += [
                f"(rows.sources >> {bit}) & 1 = 1 AS {_quoted(FOUND_BY + channel)}"
                for bit, channel in enumerate(manifest.channels)
            ]
        elif column in ("best_ranked", "dropped"):
            chosen.append(_joined(column, manifest.channels))
        elif column in names:
            chosen.append(_named(column, names[column]))
        else:
            chosen.append(f"rows.{_quoted(column) if column == 'at' else column}")
    return chosen


def _named(column: str, names: tuple[str, ...]) -> str:
    cases = " ".join(f"WHEN {n} THEN {text(name)}" for n, name in enumerate(names))
    return f"CASE rows.{column} {cases} END AS {column}"


def _joined(column: str, names: tuple[str, ...]) -> str:
    """SQL of the names of the bits that are set, with " + " between."""
    parts = ", ".join(
        f"CASE WHEN (rows.{column} >> {bit}) & 1 = 1 THEN {text(name)} END"
        for bit, name in enumerate(names)
    )
    return f"concat_ws(' + ', {parts}) AS {column}" if parts else f"'' AS {column}"


def text(name: str) -> str:
    """SQL of a text."""
    return "'" + name.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
