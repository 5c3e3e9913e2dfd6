"""Sums over shoppers of what each credit adds up to, in one pass over rows sorted by shopper.

DuckDB sorts the rows of a log by arm and shopper and hands them over in batches; a small compiled
loop adds up one shopper at a time, in every part of the log at once, and keeps nothing of them but
the sums over shoppers from which ratios and their variances are computed. So memory is flat in
rows, in shoppers and in kinds of provenance. Rows come sorted by all that the sums depend on:
equal logs give equal sums, to the bit, whatever the threads.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from experiments.attribution.crediting.loops import add_parts, flush_parts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PASS_ROWS = 2_000_000
"""Rows that are sorted at a time: what bounds the memory of the sort. A log with more of them is
read once for each such number, each time with other shoppers."""

BATCH_VALUES = 4_000_000
"""Numbers in the table of credits of one batch of rows."""


@dataclass(frozen=True)
class Moments:
    """Sums over the shoppers of A arms in P parts, of E kinds of event and K credits.

    A shopper's total t is the weight of their events, their credit x what one channel is given of
    it. Shoppers count in every part in which they have a row.

    Attributes:
        units_AP: shoppers with a row.
        having_APE: shoppers with t != 0.
        t_APE, tt_APE: sums of t and t^2.
        x_APEK, xx_APEK, xt_APEK: sums of x, x^2 and x t.
    """

    units_AP: Floats
    having_APE: Floats
    t_APE: Floats
    tt_APE: Floats
    x_APEK: Floats
    xx_APEK: Floats
    xt_APEK: Floats

    @classmethod
    def zeros(cls, arms: int, parts: int, events: int, credits: int) -> "Moments":
        """Sums over nobody."""
        counts = [np.zeros((arms, parts, events)) for _ in range(3)]
        tables = [np.zeros((arms, parts, events, credits)) for _ in range(3)]
        return cls(np.zeros((arms, parts)), *counts, *tables)


class ShopperSums:
    """Adds rows, sorted by arm and shopper, to moments; `close` after the last one of a pass."""

    def __init__(self, arms: int, part_LJ: NDArray[np.int32], events: int, credits: int) -> None:
        parts = int(part_LJ.max()) + 1
        self.moments = Moments.zeros(arms, parts, events, credits)
        self._part_LJ = part_LJ
        self._sums_PEV = np.zeros((parts, events, 1 + credits))
        self._seen_P = np.zeros(parts, np.bool_)
        self._unit = np.full(2, -1, np.int64)

    def add(
        self,
        arm_N: Ints,
        shopper_N: Ints,
        place_N: Ints,
        weight_NE: Floats,
        code_N: Ints,
        credit_MK: Floats,
    ) -> None:
        """Add N rows; a row's credits are row `code_N` of `credit_MK`, times each weight."""
        add_parts(
            *(arm_N, shopper_N, place_N, weight_NE, code_N, credit_MK),
            *(self._part_LJ, self._sums_PEV, self._seen_P, self._unit, *self._tables()),
        )

    def close(self) -> None:
        """Count the last shopper; further rows begin another, also if of the same number."""
        if self._unit[0] >= 0:
            flush_parts(self._unit[0], self._sums_PEV, self._seen_P, *self._tables())
        self._unit[:] = -1

    def _tables(self) -> tuple[Floats, ...]:
        one = self.moments
        return (
            *(one.units_AP, one.having_APE, one.t_APE, one.tt_APE),
            *(one.x_APEK, one.xx_APEK, one.xt_APEK),
        )


def slices(connection: duckdb.DuckDBPyConnection, source: str) -> list[str]:
    """SQL conditions on `shopper` that split a table into parts small enough to sort."""
    (found,) = connection.sql(f"SELECT count(*) FROM {source}").fetchall()
    split = 1 + int(found[0]) // PASS_ROWS
    return [f"(shopper % {split} + {split}) % {split} = {number}" for number in range(split)]


def batches(
    connection: duckdb.DuckDBPyConnection, sql: str, credits: int
) -> Iterator[pa.RecordBatch]:
    """The rows of a query in batches whose table of credits stays small."""
    size = max(BATCH_VALUES // max(credits, 1), 2048)
    yield from connection.sql(sql).to_arrow_reader(min(size, 131_072))


PAIR = "(sources::BIGINT << 32 | {best})"
"""SQL of a row's kind of provenance: its sources, and which of them ranked it best."""


def provenance(
    batch: pa.RecordBatch, credits: Callable[[Ints, Ints], Floats]
) -> tuple[Ints, Floats]:
    """The credits of a batch's column `pair`, computed once for each value that occurs.

    Returns:
        (N,) row of each event in the table, and the (M, K) table.
    """
    encoded = batch.column("pair").dictionary_encode()
    pair_M = encoded.dictionary.to_numpy(zero_copy_only=False).astype(np.int64)
    code_N = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return code_N, credits(pair_M >> 32, pair_M & 0xFFFFFFFF)
