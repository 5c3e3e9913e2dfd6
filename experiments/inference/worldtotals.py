"""Totals of every shopper in worlds that share their luck, read from their logs once.

Worlds of one luck are paired: the same shoppers come to each of them, on the same draws. A shopper
whom only some of them have counts as zeros in the others and is told of.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def read_world(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    logs: Sequence[Path],
    select: Callable[[Path], str],
) -> None:
    """Make a temporary table of one world: luck, shopper, and columns of totals.

    Args:
        connection: where the table goes.
        name: of the table; an older one is replaced.
        logs: of the world, one for each luck.
        select: gives the SQL of a log's rows, one for each shopper.
    """
    parts = (f"SELECT {luck} AS luck, * FROM ({select(log)})" for luck, log in enumerate(logs))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {' UNION ALL '.join(parts)}")


@dataclass(frozen=True)
class Paired:
    """U shoppers who come to W worlds of S lucks.

    Attributes:
        shopper_U: who, ascending: all that any of the worlds has.
        exposed_SU: (S, U) 1 where a luck's worlds have the shopper, else 0.
        lonely: shoppers whom only some of a luck's worlds have.
    """

    shopper_U: NDArray[np.int64]
    exposed_SU: Floats
    lonely: int

    @classmethod
    def of(
        cls, worlds: Sequence[tuple[NDArray[np.integer], NDArray[np.integer]]], lucks: int
    ) -> "Paired":
        """Those of worlds, each with luck and shopper of those who come to it, each once."""
        shopper_U = np.unique(np.concatenate([who_N for _, who_N in worlds])).astype(np.int64)
        worlds_SU = np.zeros((lucks, len(shopper_U)), np.int64)  # that have the shopper
        for luck_N, shopper_N in worlds:
            worlds_SU[luck_N, np.searchsorted(shopper_U, shopper_N)] += 1
        alone_SU = (worlds_SU > 0) & (worlds_SU < len(worlds))
        exposed_SU = (worlds_SU > 0).astype(np.float64)
        return cls(shopper_U, exposed_SU, int(alone_SU.any(axis=0).sum()))


class WorldTotals:
    """What happened to U shoppers in W worlds of S lucks.

    Columns stay inside DuckDB until they are asked for.

    Args:
        connection: that has the worlds' tables, which stay as they are while columns are asked for.
        worlds: their names, as `read_world` made them, all of the same columns.
        lucks: number S of lucks.

    Attributes:
        shopper_U, exposed_SU, lonely: as of `Paired`.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, worlds: Sequence[str], lucks: int
    ) -> None:
        self._connection = connection
        keys = [self._rows(name, "luck", "shopper") for name in worlds]
        who = Paired.of([(luck_N, shopper_N) for luck_N, shopper_N in keys], lucks)
        self.shopper_U, self.exposed_SU, self.lonely = who.shopper_U, who.exposed_SU, who.lonely
        self._cells = {
            name: (luck_N, np.searchsorted(self.shopper_U, shopper_N))
            for name, (luck_N, shopper_N) in zip(worlds, keys, strict=True)
        }

    def of(self, column: str, worlds: Sequence[str] = ()) -> Floats:
        """(W, S, U) totals of a column in these worlds; none named: in all."""
        named = worlds or list(self._cells)
        totals_WSU = np.zeros((len(named), *self.exposed_SU.shape))
        for totals_SU, name in zip(totals_WSU, named, strict=True):
            (totals_SU[self._cells[name]],) = self._rows(name, f"{column}::DOUBLE")
        return totals_WSU

    def _rows(self, world: str, *columns: str) -> list[NDArray[Any]]:
        """Columns of a world's table, its rows in the order in which it holds them."""
        named = ", ".join(f"{column} AS c{n}" for n, column in enumerate(columns))
        found = self._connection.execute(f"SELECT rowid, {named} FROM {world}").fetchnumpy()
        order_N = np.empty(len(found["rowid"]), np.int64)
        order_N[found["rowid"]] = np.arange(len(order_N))
        return [np.asarray(found[f"c{n}"])[order_N] for n in range(len(columns))]
