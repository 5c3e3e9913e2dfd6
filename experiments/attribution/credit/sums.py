"""Sums over shoppers of what each credit adds up to, in one pass over sorted rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from experiments.attribution.credit.checks import table_columns
from experiments.attribution.credit.pages import Masks, page_credits
from experiments.attribution.credit.segments import ITEMS, PAGES, Segments
from experiments.inference.logs import Manifest, scan
from experiments.records.attribution import Event
from simulator.errors import ContractError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PASS_ROWS = 2_000_000
"""Rows that are sorted at a time: what bounds the memory of the sort. A log with more of them is
read once for each such number, each time with other shoppers."""

BATCH_VALUES = 4_000_000
"""Numbers in the table of credits of one batch of rows."""


@njit(cache=True, nogil=True)
def add_parts(  # type: ignore[no-untyped-def]
    arm_N, shopper_N, place_N, weight_NE, code_N, credit_MK, part_LJ, sums_PEV, seen_P, unit,
    units_AP, having_APE, t_APE, tt_APE, x_APEK, xx_APEK, xt_APEK,
):  # fmt: skip
    """Add rows to `sums_PEV`, total and credits of the open shopper in P parts for E events.

    A row falls into the parts `part_LJ[place]`; its credits are row `code_N` of `credit_MK`, times
    the weight that it has in each kind of event. `seen_P` marks the shopper's parts; the other
    tables are those of `experiments.attribution.credit.sums.Moments`.
    """
    credits = credit_MK.shape[1]
    for n in range(len(arm_N)):
        if unit[0] != arm_N[n] or unit[1] != shopper_N[n]:
            if unit[0] >= 0:
                flush_parts(
                    unit[0], sums_PEV, seen_P,
                    units_AP, having_APE, t_APE, tt_APE, x_APEK, xx_APEK, xt_APEK,
                )  # fmt: skip
            unit[0], unit[1] = arm_N[n], shopper_N[n]
        for j in range(part_LJ.shape[1]):
            part = part_LJ[place_N[n], j]
            seen_P[part] = True
            for e in range(weight_NE.shape[1]):
                weight = weight_NE[n, e]
                if weight != 0.0:
                    sums_PEV[part, e, 0] += weight
                    for k in range(credits):
                        sums_PEV[part, e, 1 + k] += weight * credit_MK[code_N[n], k]


@njit(cache=True, nogil=True)
def flush_parts(  # type: ignore[no-untyped-def]
    arm, sums_PEV, seen_P, units_AP, having_APE, t_APE, tt_APE, x_APEK, xx_APEK, xt_APEK
):
    """Add the open shopper's total t and credits x to the sums of t, t^2, x, x^2 and x t."""
    for p in range(len(seen_P)):
        if not seen_P[p]:
            continue
        seen_P[p] = False
        units_AP[arm, p] += 1
        for e in range(sums_PEV.shape[1]):
            t = sums_PEV[p, e, 0]
            having_APE[arm, p, e] += t != 0.0
            t_APE[arm, p, e] += t
            tt_APE[arm, p, e] += t * t
            for k in range(x_APEK.shape[3]):
                x = sums_PEV[p, e, 1 + k]
                x_APEK[arm, p, e, k] += x
                xx_APEK[arm, p, e, k] += x * x
                xt_APEK[arm, p, e, k] += x * t
            sums_PEV[p, e, :] = 0.0


@njit(cache=True, nogil=True)
def add_products(  # type: ignore[no-untyped-def]
    arm_N, shopper_N, kind_N, code_N, credit_MRC, sums, unit, n_A, sum_ARV, gram_ARVV
):
    """Add rows to `sums`, (R, 3, 1 + C): total and credits by rule in exposure, click, purchase.

    Kind 0 is an exposure, 1 an exposure that was clicked, 2 a purchase.
    """
    for n in range(len(arm_N)):
        if unit[0] != arm_N[n] or unit[1] != shopper_N[n]:
            if unit[0] >= 0:
                flush_products(unit[0], sums, n_A, sum_ARV, gram_ARVV)
            unit[0], unit[1] = arm_N[n], shopper_N[n]
        low, high = (2, 3) if kind_N[n] == 2 else (0, 1 + kind_N[n])
        for e in range(low, high):
            for r in range(sums.shape[0]):
                sums[r, e, 0] += 1.0
                for c in range(credit_MRC.shape[2]):
                    sums[r, e, 1 + c] += credit_MRC[code_N[n], r, c]


@njit(cache=True, nogil=True)
def flush_products(arm, sums, n_A, sum_ARV, gram_ARVV):  # type: ignore[no-untyped-def]
    """Add the open shopper's sums, and their products with each other, to those of the arm."""
    n_A[arm] += 1
    for r in range(sums.shape[0]):
        value_V = sums[r].reshape(-1)
        for v in range(len(value_V)):
            if value_V[v] != 0.0:
                sum_ARV[arm, r, v] += value_V[v]
                for w in range(len(value_V)):
                    gram_ARVV[arm, r, v, w] += value_V[v] * value_V[w]
    sums[:] = 0.0


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


SOURCES: dict[str, tuple[Event, ...]] = {
    "page": ("exposure", "click"),
    "cart": ("cart",),
    "purchase": ("purchase", "gmv"),
}
"""By pass over the log: the kinds of event that it counts."""


@dataclass(frozen=True)
class Pass:
    """One pass over one table of the log.

    Attributes:
        page, path: rules over pages, and over paths, that it applies.
        bits: channels in the order of rule "first".
    """

    source: str
    log: Path
    manifest: Manifest
    segments: Segments
    page: tuple[str, ...]
    path: tuple[str, ...]
    bits: tuple[int, ...]

    @property
    def rules(self) -> tuple[str, ...]:
        """All rules that it applies."""
        return self.page + self.path

    @property
    def credits(self) -> int:
        """Number K of credits of an event."""
        return len(self.rules) * len(self.manifest.channels)

    def masks(self, sources_M: Masks, best_M: Masks) -> Floats:
        """(M, K) credits of the rules over pages, channels within rules."""
        channels = len(self.manifest.channels)
        parts = [page_credits(rule, sources_M, best_M, channels, self.bits) for rule in self.page]
        return np.concatenate([*parts, np.empty((len(sources_M), 0))], axis=1)


def run(connection: duckdb.DuckDBPyConnection, one: Pass) -> Moments:
    """Add up one table of the log."""
    events = SOURCES[one.source]
    arms = len(one.manifest.arms)
    sums = ShopperSums(arms, one.segments.part_LJ, len(events), one.credits)
    for condition in slices(connection, scan(one.log, _table(one.source))):
        sql = _sql(connection, one, condition)
        for batch in batches(connection, sql, one.credits):
            _add(sums, one, batch)
        sums.close()
    return sums.moments


def _add(sums: ShopperSums, one: Pass, batch: pa.RecordBatch) -> None:
    arm_N, shopper_N, place_N, weight_N = (
        batch.column(name).to_numpy(zero_copy_only=False)
        for name in ("arm", "shopper", "place", "weight")
    )
    code_N, credit_MK = provenance(batch, one.masks)
    if one.path:
        paths = [batch.column(name) for name in batch.schema.names if name.startswith("path_")]
        missing = max(column.null_count for column in paths)
        if missing:
            raise ContractError(
                f"path_credits == {missing} events of {one.source} missing, must have them all"
            )
        columns = [column.to_numpy() for column in paths]
        credit_MK = np.column_stack([credit_MK[code_N], *columns])
        code_N = np.arange(len(batch))
    weight_NE = np.column_stack([np.ones(len(batch)), weight_N])[:, : len(SOURCES[one.source])]
    sums.add(
        *(arm_N.astype(np.int64), shopper_N.astype(np.int64), place_N.astype(np.int64)),
        *(np.ascontiguousarray(weight_NE), code_N, np.ascontiguousarray(credit_MK)),
    )


def _table(source: str) -> str:
    return "orders" if source == "purchase" else "exposures"


def _sql(connection: duckdb.DuckDBPyConnection, one: Pass, condition: str) -> str:
    """SQL of the rows of a pass, sorted by all that sums depend on.

    `weight` is that of the second kind of event: whether clicked, or money.
    """
    table = _table(one.source)
    ranked = "best_ranked" in table_columns(connection, one.log, table)
    pair = PAIR.format(best="coalesce(best_ranked, 0)" if ranked else "0")
    weight = {
        "page": "event.clicked::TINYINT",
        "cart": "1::TINYINT",
        "purchase": "event.price::DOUBLE * event.quantity",
    }[one.source]
    at = 'event."at"' if table == "orders" else "NULL"
    listed = [f"event.arm, event.shopper, {pair} AS pair, {weight} AS weight"]
    listed.append(f"{one.segments.place('event', at)} AS place")
    join = f"LEFT JOIN {PAGES} USING (request) JOIN {ITEMS} USING (item)"
    if one.path:
        names = [
            _quoted(f"{rule}_{c}") for rule in one.path for c in range(len(one.manifest.channels))
        ]
        listed += [f"credited.c{n} AS path_{n}" for n in range(len(names))]
        means = ", ".join(f"avg({name}) AS c{n}" for n, name in enumerate(names))
        # an item that lies twice on a page is one path: its events share the mean of their credits
        join += (
            f" LEFT JOIN (SELECT request, item, {means} FROM path_credits WHERE event = "
            f"'{one.source}' GROUP BY request, item) AS credited USING (request, item)"
        )
    carted = " AND event.carted" if one.source == "cart" else ""
    return (
        f"SELECT {', '.join(listed)} FROM {scan(one.log, table)} AS event {join} "
        f"WHERE {condition.replace('shopper', 'event.shopper')}{carted} "
        "ORDER BY ALL"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
