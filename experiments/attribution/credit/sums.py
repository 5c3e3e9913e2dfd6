"""Sums over shoppers of what each credit adds up to, in one pass over sorted rows."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

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


class Moments(NamedTuple):
    """Sums over the shoppers of A arms in P parts, of E kinds of event and K credits.

    A shopper's total t is the weight of their events, their credit x what one channel is given of
    it. Shoppers count in every part in which they have a row.

    Attributes:
        units_AP: shoppers with a row.
        having_APE: shoppers with t != 0.
        t_APE, tt_APE: sums of t and t^2.
        x_APEK, xx_APEK, xt_APEK: sums of x, x^2 and x t.
        gram_AVV: of the first part, sums of the products of t and x in all kinds of event with
            each other, V = E (1 + K); V = 0 where they are not asked for.
    """

    units_AP: Floats
    having_APE: Floats
    t_APE: Floats
    tt_APE: Floats
    x_APEK: Floats
    xx_APEK: Floats
    xt_APEK: Floats
    gram_AVV: Floats


@njit(cache=True, nogil=True)
def _add(  # type: ignore[no-untyped-def]
    arm_N, shopper_N, place_N, weight_NE, code_N, credit_MK,
    part_LJ, sums_PEV, seen_P, unit, moments,
):  # fmt: skip
    """Add rows to `sums_PEV`, total and credits of the open shopper in P parts for E events.

    A row falls into the parts `part_LJ[place]`; its credits are row `code_N` of `credit_MK`, times
    the weight that it has in each kind of event. `seen_P` marks the shopper's parts.
    """
    credits = credit_MK.shape[1]
    for n in range(len(arm_N)):
        if unit[0] != arm_N[n] or unit[1] != shopper_N[n]:
            if unit[0] >= 0:
                _flush(unit[0], sums_PEV, seen_P, moments)
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
def _flush(arm, sums_PEV, seen_P, moments):  # type: ignore[no-untyped-def]
    """Add the open shopper's totals and credits to the moments of the arm."""
    if moments.gram_AVV.shape[1]:
        value_V = sums_PEV[0].ravel()
        for v in range(len(value_V)):
            if value_V[v] != 0.0:
                for w in range(len(value_V)):
                    moments.gram_AVV[arm, v, w] += value_V[v] * value_V[w]
    for p in range(len(seen_P)):
        if not seen_P[p]:
            continue
        seen_P[p] = False
        moments.units_AP[arm, p] += 1
        for e in range(sums_PEV.shape[1]):
            t = sums_PEV[p, e, 0]
            moments.having_APE[arm, p, e] += t != 0.0
            moments.t_APE[arm, p, e] += t
            moments.tt_APE[arm, p, e] += t * t
            for k in range(sums_PEV.shape[2] - 1):
                x = sums_PEV[p, e, 1 + k]
                moments.x_APEK[arm, p, e, k] += x
                moments.xx_APEK[arm, p, e, k] += x * x
                moments.xt_APEK[arm, p, e, k] += x * t
            sums_PEV[p, e, :] = 0.0


class ShopperSums:
    """Adds the rows of a log to moments, shopper by shopper.

    Args:
        arms, events, credits: numbers A, E and K.
        part_LJ: the parts into which a row of each place falls.
        products: whether `Moments.gram_AVV` is wanted.
    """

    def __init__(
        self,
        arms: int,
        part_LJ: NDArray[np.int32],
        events: int,
        credits: int,
        *,
        products: bool = False,
    ) -> None:
        parts = int(part_LJ.max()) + 1
        size = events * (1 + credits) if products else 0
        shapes = [(arms, parts), *3 * [(arms, parts, events)]]
        shapes += [*3 * [(arms, parts, events, credits)], (arms, size, size)]
        self.moments = Moments(*(np.zeros(shape) for shape in shapes))
        self._part_LJ = part_LJ
        self._sums_PEV = np.zeros((parts, events, 1 + credits))
        self._seen_P = np.zeros(parts, np.bool_)

    def read(
        self,
        connection: duckdb.DuckDBPyConnection,
        source: str,
        sql: Callable[[str], str],
        credited: Callable[[pa.RecordBatch], tuple[Floats, Ints, Floats]],
    ) -> None:
        """Add all rows of a query, sorted in slices of the shoppers.

        Args:
            source: SQL of the table whose size decides how many slices there are.
            sql: of a condition on the shopper, the query, sorted by arm and shopper; its columns
                are arm, shopper and place, and what `credited` wants.
            credited: of N rows, (N, E) weights, (N,) rows of their credits in a table, and the
                (M, K) table.
        """
        (found,) = connection.sql(f"SELECT count(*) FROM {source}").fetchall()
        split, unit = 1 + int(found[0]) // PASS_ROWS, np.full(2, -1, np.int64)
        size = min(max(BATCH_VALUES // max(self.moments.x_APEK.shape[-1], 1), 2048), 131_072)
        tables = self._part_LJ, self._sums_PEV, self._seen_P, unit, self.moments
        for number in range(split):
            query = sql(f"(shopper % {split} + {split}) % {split} = {number}")
            for batch in connection.sql(query).to_arrow_reader(size):
                names = ("arm", "shopper", "place")
                rows = [batch.column(name).to_numpy().astype(np.int64) for name in names]
                rows += [np.ascontiguousarray(each) for each in credited(batch)]
                _add(*(*rows, *tables))
            if unit[0] >= 0:
                _flush(unit[0], self._sums_PEV, self._seen_P, self.moments)
            unit[:] = -1  # further rows begin another shopper, also if of the same number


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


def run(connection: duckdb.DuckDBPyConnection, one: Pass) -> Moments:
    """Add up one table of the log."""
    events, channels = len(SOURCES[one.source]), len(one.manifest.channels)
    credits = len(one.rules) * channels
    sums = ShopperSums(len(one.manifest.arms), one.segments.part_LJ, events, credits)

    def masks(sources_M: Masks, best_M: Masks) -> Floats:
        parts = [page_credits(rule, sources_M, best_M, channels, one.bits) for rule in one.page]
        return np.concatenate([*parts, np.empty((len(sources_M), 0))], axis=1)

    def credited(batch: pa.RecordBatch) -> tuple[Floats, Ints, Floats]:
        code_N, credit_MK = provenance(batch, masks)
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
        weight_N = batch.column("weight").to_numpy(zero_copy_only=False)
        return np.column_stack([np.ones(len(batch)), weight_N])[:, :events], code_N, credit_MK

    source = scan(one.log, _table(one.source))
    sums.read(connection, source, partial(_sql, connection, one), credited)
    return sums.moments


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
