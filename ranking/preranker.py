"""The pre-ranker: a cheap linear score that cuts the merged pool to what the ranker can afford.

By `facts` the score is the ranker's own light one: what the shop knows of a candidate, whoever
found it. By `votes` it adds up the ranks and scores that channels give: then what many channels
found goes before what one alone found.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ranking.facts.itemfacts import popularity
from ranking.ordering import best_first
from ranking.settings import PrerankerSpec
from recall.candidates import Pool
from simulator.protocols import Index


@njit(cache=True, nogil=True)
def _scores(
    items_BN: Any, ranks_BNC: Any, scores_BNC: Any, popularity_I: Any, weights: Any
) -> Any:  # pragma: no cover
    rank_weight, offset, score_weight, popularity_weight = weights
    n_rows, n_items, n_channels = ranks_BNC.shape
    out_BN = np.full((n_rows, n_items), -np.inf, np.float32)
    low_C, span_C = np.empty(n_channels), np.empty(n_channels)
    for b in range(n_rows):
        for c in range(n_channels):
            low, high = np.inf, -np.inf
            for n in range(n_items):
                if ranks_BNC[b, n, c] >= 0:
                    low = min(low, scores_BNC[b, n, c])
                    high = max(high, scores_BNC[b, n, c])
            low_C[c], span_C[c] = low, high - low
        for n in range(n_items):
            item = items_BN[b, n]
            if item < 0:
                break
            total = popularity_weight * popularity_I[item]
            for c in range(n_channels):
                rank = ranks_BNC[b, n, c]
                if rank >= 0:
                    total += rank_weight * offset / (offset + rank)
                    if span_C[c] > 0:
                        total += score_weight * (scores_BNC[b, n, c] - low_C[c]) / span_C[c]
            out_BN[b, n] = total
    return out_BN


def take(pool: Pool, columns_BN: NDArray[np.intp]) -> Pool:
    """The pool's candidates at the given columns, with all their provenance."""
    rows_B1 = np.arange(len(columns_BN))[:, None]
    return Pool(
        items_BN=pool.items_BN[rows_B1, columns_BN],
        sources_BN=pool.sources_BN[rows_B1, columns_BN],
        ranks_BNC=pool.ranks_BNC[rows_B1, columns_BN],
        scores_BNC=pool.scores_BNC[rows_B1, columns_BN],
    )


class Preranker:
    """Cuts the pool; by itself it scores by reciprocal ranks, scaled channel scores, popularity."""

    def __init__(self, spec: PrerankerSpec, n_items: int) -> None:
        self.spec = spec
        self._popularity_I = np.zeros(n_items, np.float32)

    def refresh(self, index: Index, arm: int) -> None:
        """Read the statistics of an arm."""
        self._popularity_I = popularity(index.statistics_of(arm))

    def score(self, pool: Pool) -> NDArray[np.float32]:
        """(B, N) linear score, -inf on padding."""
        spec = self.spec
        weights = spec.rank_weight, spec.rank_offset, spec.score_weight, spec.popularity_weight
        scores_BN = _scores(
            pool.items_BN, pool.ranks_BNC, pool.scores_BNC, self._popularity_I, weights
        )
        return np.asarray(scores_BN)

    def cut(
        self, pool: Pool, keep: int, scores_BN: NDArray[np.float32] | None = None
    ) -> NDArray[np.intp]:
        """(B, M) columns of the `keep` best, still in the order of the merge, M = min(keep, N).

        Args:
            pool: the candidates.
            keep: how many stay.
            scores_BN: a score for each; without it the votes count.
        """
        n_rows, n_items = pool.items_BN.shape
        if n_items <= keep:
            return np.tile(np.arange(n_items), (n_rows, 1))
        scores_BN = self.score(pool) if scores_BN is None else scores_BN
        return np.sort(best_first(scores_BN, pool.items_BN, keep), axis=1)
