"""The tables of a log with names in the place of numbers, ready for pandas or Arrow."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from experiments.inference.logs import EngineSpec, Manifest, engine, read_manifest, scan
from simulator.catalogue.catalog import Catalog
from simulator.errors import ConfigError

As = Literal["pandas", "arrow"]
"""The kind of table that is given."""

FOUND_BY = "found_by_"
"""Before the name of a channel: whether it had found the item."""

_DEVICES = ("phone", "desktop")
_ACTIONS = ("leave", "next page", "reformulate", "next need")


def items_table(catalog: Catalog) -> pa.Table:
    """The catalogue: number, the shop's own id, title, brand, category and list price of items."""

    def named(code_I: Any, names: tuple[str, ...]) -> pa.Array:
        known = [names[code] if code >= 0 else None for code in code_I.tolist()]
        return pa.array(known, pa.string())

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
    manifest = read_manifest(log)
    with engine(EngineSpec()) as connection:
        columns = connection.execute(f"SELECT * FROM {scan(log, name)} LIMIT 0").fetchdf().columns
        chosen, joins = _chosen(list(columns), manifest), ""
        if "item" in columns:
            connection.register("items", items_table(catalog).select(["item", "item_id", "title"]))
            at = chosen.index("rows.item") + 1
            chosen[at:at] = ["items.item_id", "items.title"]
            joins = " LEFT JOIN items USING (item)"
        if name == "requests":
            chosen[chosen.index("rows.text")] = "texts.string AS text"
            joins += f" LEFT JOIN {scan(log, 'texts')} AS texts USING (text)"
        made = connection.sql(f"SELECT {', '.join(chosen)} FROM {scan(log, name)} AS rows{joins}")
        return given_as(made.to_arrow_table(), kind)


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
    cases = " ".join(f"WHEN {n} THEN {_text(name)}" for n, name in enumerate(names))
    return f"CASE rows.{column} {cases} END AS {column}"


def _joined(column: str, names: tuple[str, ...]) -> str:
    """SQL of the names of the bits that are set, with " + " between."""
    parts = ", ".join(
        f"CASE WHEN (rows.{column} >> {bit}) & 1 = 1 THEN {_text(name)} END"
        for bit, name in enumerate(names)
    )
    return f"concat_ws(' + ', {parts}) AS {column}" if parts else f"'' AS {column}"


def _text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
