"""Parts of a log that are credited apart: days, kinds of query, categories, new and known.

Conventions, all ours:

- query: texts by falling number of requests over the whole log (ties by text number). A text is
  head while those before it make up less than the share `head` of all requests, then torso until
  `head + torso`, the rest is tail. So the most frequent text is always head.
- category: the last level of the item's category path; the 20 with most exposures, the others
  together as "others"; "none" for items without one, which competes with the categories.
- item: new where it had been in the shop for at most `new_days` when the page was sent.
- shopper: new where the history log has no request of theirs and their first request in this one
  was at most `new_days` before the page. Without a history log the first request alone counts.
- day: of the page for what happens on it, of the purchase for purchases and GMV.

A purchase whose page the log lacks has query "unknown", and the time of the purchase stands in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from experiments.config.attribution import AttributionSpec
from experiments.inference.logs import read_manifest, rows, scan
from experiments.records.attribution import CUTS
from simulator.catalogue.catalog import Catalog
from simulator.errors import DataError

CATEGORIES = 20
"""Most categories that get a part of their own."""

OTHERS, NONE, UNKNOWN = "others", "none", "unknown"
QUERIES = ("head", "torso", "tail", UNKNOWN)
AGES = ("known", "new")

PAGES, ITEMS = "credit_pages", "credit_items"
"""Temporary tables: (request, at, query, shopper_new) and (item, category, created)."""

_DAY = 86_400.0


@dataclass(frozen=True)
class Items:
    """What parts of a log need to know beside the log.

    Attributes:
        category_I: index into `categories`, -1 where unknown.
        categories: category paths, "Department > Category".
        created_at_I: simulated seconds when the item enters the shop.
        history: log folder of the period before; None where there is none.
    """

    category_I: NDArray[np.integer]
    categories: tuple[str, ...]
    created_at_I: NDArray[np.float64]
    history: Path | None = None

    @classmethod
    def of(cls, catalog: Catalog, history: Path | None = None) -> "Items":
        """The items of a catalogue."""
        return cls(catalog.category_I, catalog.categories, catalog.created_at_I, history)

    def leaves(self) -> tuple[NDArray[np.int32], tuple[str, ...]]:
        """The number of each item's leaf category, and the leaves' names in order."""
        named = [path.rsplit(" > ", 1)[-1] for path in self.categories] + [NONE]
        names = sorted(set(named))
        leaf_C = np.array([names.index(name) for name in named], np.int32)
        return leaf_C[np.where(self.category_I < 0, -1, self.category_I)], tuple(names)


@dataclass(frozen=True)
class Segments:
    """The parts of every cut, and how a row of the log falls into them.

    A place is the number of one combination of parts, one of each cut.

    Attributes:
        parts: (cut, part) of all P parts.
        part_LJ: (places, cuts) number of the part of each cut that a place belongs to.
        first_day: day of the first part of cut "day".
        categories: number of parts of cut "category".
    """

    parts: tuple[tuple[str, str], ...]
    part_LJ: NDArray[np.int32]
    first_day: int
    categories: int
    new_days: float

    def place(self, event: str, at: str) -> str:
        """SQL of a row's place, from `event` joined with `PAGES` and `ITEMS`.

        Args:
            event: alias of the table of events, which has `day`.
            at: SQL of the time that stands in where the log lacks the page.
        """
        time = f'coalesce({PAGES}."at", {at})'
        item_new = f"coalesce({time} - {ITEMS}.created <= {self.new_days * _DAY!r}, false)::INTEGER"
        return (
            f"((((({event}.day - {self.first_day})::INTEGER * {len(QUERIES)} "
            f"+ coalesce({PAGES}.query, {len(QUERIES) - 1})) * {self.categories} "
            f"+ {ITEMS}.category) * 2 + {item_new}) * 2 + coalesce({PAGES}.shopper_new, 0))"
        )


def make_segments(
    connection: duckdb.DuckDBPyConnection, log: Path, spec: AttributionSpec, items: Items
) -> Segments:
    """Work out the parts and put `PAGES` and `ITEMS` into the connection.

    Raises:
        DataError: the log has items that the catalogue does not know.
    """
    first, last = _days(connection, log, len(items.category_I))
    history = items.history
    if history is not None:
        read_manifest(history)
    connection.execute(_pages(log, history, spec))
    categories = _make_items(connection, log, items)
    days = [str(day) for day in range(first, last + 1)]
    labels: dict[str, Sequence[str]] = dict(
        zip(CUTS, ([""], days, QUERIES, categories, AGES, AGES), strict=True)
    )
    shape = [len(labels[cut]) for cut in CUTS]
    offset_J = np.cumsum([0, *shape[:-1]])
    part_JL = np.indices(shape).reshape(len(shape), -1) + offset_J[:, None]
    parts = tuple((cut, label) for cut in CUTS for label in labels[cut])
    part_LJ = np.ascontiguousarray(part_JL.T, np.int32)
    return Segments(parts, part_LJ, first, len(categories), spec.new_days)


def drop_segments(connection: duckdb.DuckDBPyConnection) -> None:
    """Take the temporary tables out of the connection again."""
    for table in (PAGES, ITEMS):
        connection.execute(f"DROP TABLE IF EXISTS {table}")


def _days(connection: duckdb.DuckDBPyConnection, log: Path, items: int) -> tuple[int, int]:
    """First and last day of a log whose items are all in the catalogue."""
    days = []
    for table in ("exposures", "orders"):
        (found,) = rows(
            connection,
            "SELECT min(item) AS low, max(item) AS high, min(day) AS first, max(day) AS last "
            f"FROM {scan(log, table)}",
        )
        if found["high"] is not None and (found["low"] < 0 or found["high"] >= items):
            raise DataError(
                f"{table}.item == {found['low']} to {found['high']}, must be in 0..{items - 1} "
                "(the items of the catalogue; is it another one's log?)"
            )
        days += [day for day in (found["first"], found["last"]) if day is not None]
    return (min(days), max(days)) if days else (0, 0)


def _pages(log: Path, history: Path | None, spec: AttributionSpec) -> str:
    """SQL that makes `PAGES`."""
    requests = scan(log, "requests")
    known = "false"
    if history is not None:
        known = f"shopper IN (SELECT shopper FROM {scan(history, 'requests')})"
    return f"""
        CREATE OR REPLACE TEMP TABLE {PAGES} AS
        WITH counted AS (SELECT text, count(*) AS n FROM {requests} GROUP BY text),
        ranked AS (
            SELECT text, coalesce(sum(n) OVER (
                ORDER BY n DESC, text ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ), 0) / sum(n) OVER () AS before FROM counted
        ),
        texts AS (
            SELECT text, CASE WHEN before < {spec.head!r} THEN 0
                WHEN before < {spec.head + spec.torso!r} THEN 1 ELSE 2 END::TINYINT AS query
            FROM ranked
        ),
        shoppers AS (
            SELECT shopper, min("at") AS first, {known} AS known FROM {requests} GROUP BY shopper
        )
        SELECT request, "at", query,
            (NOT known AND "at" - first <= {spec.new_days * _DAY!r})::TINYINT AS shopper_new
        FROM {requests} JOIN texts USING (text) JOIN shoppers USING (shopper)
    """


def _make_items(connection: duckdb.DuckDBPyConnection, log: Path, items: Items) -> tuple[str, ...]:
    """Make `ITEMS`; returns the names of the parts that its column `category` numbers."""
    leaf_I, names = items.leaves()
    counted = connection.execute(
        f"SELECT item, count(*) AS n FROM {scan(log, 'exposures')} GROUP BY item"
    ).fetchnumpy()
    shown_L = np.bincount(leaf_I[counted["item"]], counted["n"], len(names))
    there = np.unique(leaf_I)
    ranked = there[np.argsort(-shown_L[there], kind="stable")]
    of_leaf = np.full(len(names), CATEGORIES, np.int16)
    of_leaf[ranked[:CATEGORIES]] = np.arange(len(ranked[:CATEGORIES]))
    table = {
        "item": np.arange(len(leaf_I), dtype=np.int32),
        "category": of_leaf[leaf_I],
        "created": np.asarray(items.created_at_I, np.float64),
    }
    connection.register("credit_catalog", pa.table(table))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {ITEMS} AS FROM credit_catalog")
    connection.unregister("credit_catalog")
    others = (OTHERS,) if len(ranked) > CATEGORIES else ()
    return (*(names[leaf] for leaf in ranked[:CATEGORIES]), *others)
