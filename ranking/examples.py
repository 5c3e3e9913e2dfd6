"""Training examples from a past log, as the funnel that will serve would have seen them.

The earlier part of the log gives the item statistics, the later part the examples, so no feature
knows what it is to predict. For a ranker that is told which channels found an item, requests are
replayed through the recall that will serve, so channel ranks mean the same in training and in
serving.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ranking.settings import ExamplesSpec
from recall.candidates import Pool
from simulator.catalogue.catalog import Catalog, Ints
from simulator.errors import DataError
from simulator.log.history import History
from simulator.protocols import Index, ItemStatistics, Requests

_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True)
class Examples:
    """Exposed items of B requests (N = most exposures of one request), with what became of them.

    Attributes:
        requests: the requests, as the search service saw them.
        pool: the exposed items with their rank and score in each channel; an item that the
            channels do not find now has rank -1 everywhere and no sources. Where nothing was
            replayed, the pool knows of no channel (C = 0).
        position_BN: 0-based position at which the item was shown, over all pages of the query.
        clicked_BN, carted_BN, bought_BN: labels.
        index: a snapshot with the statistics of the part of the log before the examples.
        features_PF: what a ranker sees of each exposure, row by row, where somebody had to know it
            before; None where the ranker is to find out. It is the same either way.
    """

    requests: Requests
    pool: Pool
    position_BN: NDArray[np.int16]
    clicked_BN: NDArray[np.bool_]
    carted_BN: NDArray[np.bool_]
    bought_BN: NDArray[np.bool_]
    index: Index
    features_PF: NDArray[np.float32] | None = None

    @property
    def slot_BN(self) -> NDArray[np.int64]:
        """0-based place on its page; each page is looked at from its top."""
        first_B1 = self.position_BN[:, :1].astype(np.int64)
        return np.asarray(np.maximum(self.position_BN - first_B1, 0), np.int64)


def history_index(catalog: Catalog, history: History, until: float = np.inf) -> Index:
    """The snapshot that a shop would have at `until`: list prices, all there, counts so far."""
    size = len(catalog)
    seen_X = history.at_R[history.row_X] < until
    bought_O = history.order_at_O < until

    def count(items: Ints) -> NDArray[np.float32]:
        return np.bincount(items, minlength=size).astype(np.float32)

    statistics = ItemStatistics(
        exposures_I=count(history.item_X[seen_X]),
        clicks_I=count(history.item_X[seen_X & history.clicked_X]),
        orders_I=count(history.order_item_O[bought_O]),
    )
    at = until if np.isfinite(until) else float(history.at_R.max(initial=0.0))
    return Index(at, catalog.price_I, np.ones(size, np.bool_), (statistics,))


def split_time(history: History, spec: ExamplesSpec) -> float:
    """The moment that parts statistics from examples.

    Raises:
        DataError: if the log has no requests.
    """
    if not len(history.at_R):
        raise DataError("history.requests == 0, must be > 0 (requests to learn a ranker from)")
    return float(np.quantile(history.at_R, spec.statistics_share))


def build_examples(
    history: History,
    catalog: Catalog,
    pool_of: Callable[[Requests], Pool] | None,
    spec: ExamplesSpec,
    *,
    rng: np.random.Generator,
    tell: Callable[[float], None] = lambda share: None,
    start: float | None = None,
) -> Examples:
    """Examples from a uniform sample of the later requests that showed anything.

    Args:
        history: the past log.
        catalog: the public catalogue.
        pool_of: recall and merge of the funnel that will serve, refreshed with
            `history_index(catalog, history, start)`; None asks no channel.
        spec: settings.
        rng: draws the sample.
        tell: told now and then for which share of the requests channels were asked.
        start: the moment that parts statistics from examples; None: as `split_time`.

    Raises:
        DataError: if the log has no requests.
    """
    start = split_time(history, spec) if start is None else start
    shown_R = np.bincount(history.row_X, minlength=len(history.at_R)) > 0
    rows_B = np.flatnonzero((history.at_R >= start) & shown_R)
    if len(rows_B) > spec.requests:
        rows_B = np.sort(rng.choice(rows_B, spec.requests, replace=False))
    exposures_BN = _exposures(history, rows_B)
    requests = history.requests(rows_B, spec.depth)
    items_BN = np.where(exposures_BN >= 0, _taken(history.item_X, exposures_BN), -1)
    pool = _unfound(items_BN.astype(np.int32))
    if pool_of is not None:
        pool = _replayed(requests, pool.items_BN, pool_of, spec.batch, tell)
    held_BN = exposures_BN >= 0
    return Examples(
        requests=requests,
        pool=pool,
        position_BN=_taken(history.position_X, exposures_BN),
        clicked_BN=_taken(history.clicked_X, exposures_BN) & held_BN,
        carted_BN=_taken(history.carted_X, exposures_BN) & held_BN,
        bought_BN=_bought(history, rows_B, pool.items_BN, len(catalog)) & held_BN,
        index=history_index(catalog, history, start),
    )


def _taken(column_X: NDArray[_T], rows_BN: NDArray[np.int64]) -> NDArray[_T]:
    """A column at the given rows; any value where the row is -1."""
    return column_X[rows_BN] if len(column_X) else np.zeros(rows_BN.shape, column_X.dtype)


def _exposures(history: History, rows_B: NDArray[np.int64]) -> NDArray[np.int64]:
    """(B, N) rows of the exposures of each request by position, -1 padded."""
    place_R = np.full(len(history.at_R), -1, np.int64)
    place_R[rows_B] = np.arange(len(rows_B))
    wanted = np.flatnonzero(place_R[history.row_X] >= 0)
    place = place_R[history.row_X[wanted]]
    order = np.lexsort((history.position_X[wanted], place))
    wanted, place = wanted[order], place[order]
    count_B = np.bincount(place, minlength=len(rows_B))
    column = np.arange(len(place)) - np.repeat(np.cumsum(count_B) - count_B, count_B)
    exposures_BN = np.full((len(rows_B), count_B.max(initial=0)), -1, np.int64)
    exposures_BN[place, column] = wanted
    return exposures_BN


def _bought(
    history: History, rows_B: NDArray[np.int64], items_BN: Ints, size: int
) -> NDArray[np.bool_]:
    """(B, N) whether an order names the request and the item."""
    orders_O = history.order_row_O.astype(np.int64) * size + history.order_item_O
    return np.isin(rows_B[:, None] * size + items_BN, orders_O)


@njit(cache=True, nogil=True)
def _columns(wanted_BN: Any, items_BM: Any) -> Any:  # pragma: no cover
    """(B, N) column at which each wanted item stands in the pool, -1 where it does not."""
    columns_BN = np.full(wanted_BN.shape, -1, np.int64)
    for b in range(wanted_BN.shape[0]):
        for n in range(wanted_BN.shape[1]):
            for m in range(items_BM.shape[1]):
                if wanted_BN[b, n] >= 0 and items_BM[b, m] == wanted_BN[b, n]:
                    columns_BN[b, n] = m
                    break
    return columns_BN


def _unfound(items_BN: Ints) -> Pool:
    """The exposed items, of which no channel was asked."""
    none_BNC = np.zeros((*items_BN.shape, 0))
    return Pool(
        items_BN,
        np.zeros(items_BN.shape, np.int32),
        none_BNC.astype(np.int16),
        none_BNC.astype(np.float32),
    )


def _replayed(
    requests: Requests,
    items_BN: Ints,
    pool_of: Callable[[Requests], Pool],
    batch: int,
    tell: Callable[[float], None],
) -> Pool:
    """The exposed items with what recall says of them now."""
    parts = []
    for start in range(0, max(len(requests), 1), batch):
        chunk = slice(start, start + batch)
        found = pool_of(requests.rows(chunk))
        columns_BN = _columns(items_BN[chunk], found.items_BN)
        missing_BN, rows_B1 = columns_BN < 0, np.arange(len(columns_BN))[:, None]
        ranks_BNC = found.ranks_BNC[rows_B1, columns_BN]
        scores_BNC = found.scores_BNC[rows_B1, columns_BN]
        ranks_BNC[missing_BN], scores_BNC[missing_BN] = -1, np.nan
        sources_BN = np.where(missing_BN, 0, found.sources_BN[rows_B1, columns_BN])
        parts.append((sources_BN.astype(np.int32), ranks_BNC, scores_BNC))
        tell(min(start + batch, len(requests)) / max(len(requests), 1))
    return Pool(items_BN, *(np.concatenate(part) for part in zip(*parts, strict=True)))
