"""The logged query-item pairs as training batches need them."""

import numpy as np
from numpy.typing import NDArray

from recall.ragged import Ragged
from simulator.catalog import Ints


class LoggedPairs:
    """P pairs of N items (by row) and Q queries: draws a query of each item, and tells pairs.

    Args:
        item_P, query_P: row of the item and of the query of each distinct pair.
        weight_P: how often it occurred, > 0.
        n_items, n_queries: N and Q.
    """

    def __init__(
        self, item_P: Ints, query_P: Ints, weight_P: NDArray[np.float64], *, sizes: tuple[int, int]
    ) -> None:
        n_items, n_queries = sizes
        order_P = np.lexsort((query_P, item_P))
        self._query_P = query_P[order_P].astype(np.int64)
        self._total_P = np.cumsum(weight_P[order_P])
        self._first_N = _pointer(item_P, n_items)
        order_P = np.lexsort((item_P, query_P))
        self._items_Q = Ragged(item_P[order_P].astype(np.int32), _pointer(query_P, n_queries))
        self._place_N = np.full(n_items, -1)

    def draw(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """(N,) for every item one of its queries, drawn by weight; -1 for an item without."""
        first_N, last_N = self._first_N[:-1], self._first_N[1:]
        total_P = np.concatenate([[0.0], self._total_P])
        low_N, high_N = total_P[first_N], total_P[last_N]
        at_N = low_N + rng.random(len(first_N)) * (high_N - low_N)
        pair_N = np.searchsorted(self._total_P, at_N, side="right")
        pair_N = np.clip(pair_N, first_N, last_N - 1)  # rounding may step over an item's end
        query_P = np.append(self._query_P, -1)
        return np.where(last_N > first_N, query_P[pair_N], -1)

    def among(self, items_B: NDArray[np.int64], query_B: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(B, B) whether query b and item c were logged together; items are distinct."""
        pair_BB = np.zeros((len(query_B), len(items_B)), np.bool_)
        rows = np.flatnonzero(query_B >= 0)
        logged = self._items_Q.take(query_B[rows])
        self._place_N[items_B] = np.arange(len(items_B))
        column_M = self._place_N[logged.values]
        self._place_N[items_B] = -1
        row_M = np.repeat(rows, logged.lengths)
        pair_BB[row_M[column_M >= 0], column_M[column_M >= 0]] = True
        return pair_BB


def _pointer(row_P: Ints, rows: int) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.bincount(row_P, minlength=rows))]).astype(np.int64)
