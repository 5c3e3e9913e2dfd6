"""One pass over a table of the log: its rows sorted by shopper, with what each rule gives."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from experiments.attribution.crediting.events import table_columns
from experiments.attribution.crediting.moments import (
    PAIR,
    Moments,
    ShopperSums,
    batches,
    provenance,
    slices,
)
from experiments.attribution.crediting.pagerules import Masks, page_credits
from experiments.attribution.crediting.segments import ITEMS, PAGES, Segments
from experiments.attribution.record import Event
from experiments.logviews import Manifest, scan
from simulator.errors import ContractError

Floats = NDArray[np.float64]

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
