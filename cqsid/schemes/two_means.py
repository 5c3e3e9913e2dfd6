"""Splitting by meaning: recursive 2-means inside an oversized cluster."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cqsid.schemes.clusters import starts
from cqsid.schemes.finish import BaseCodes
from cqsid.schemes.splitting import ANY, Longs
from cqsid.signals import Signals

_ROUNDS: Final = 10  # of power iteration, and of Lloyd's algorithm at most
_SURPLUS: Final = 2  # groups allowed, in multiples of the fewest possible; ours


class ByTwoMeans:
    """Halves a cluster by 2-means on the quantizer's vectors until every part is small enough.

    Small enough: `largest` items, or what `groups` equal parts would hold. Uneven halves use more
    groups than equal ones; where they would use twice as many, or more than `groups`, the cut
    moves towards the middle, which is ours. Draws nothing. A new item joins the group whose mean
    of known items is nearest.
    """

    def __init__(self, largest: int, groups: int) -> None:
        self._largest, self._groups = largest, groups
        self._means_by_key: dict[int, NDArray[np.float64]] = {}

    def fit(
        self, base: BaseCodes, groups_N: Longs, signals: Signals, *, rng: np.random.Generator
    ) -> Longs:
        """(N,) group of each known item."""
        self._means_by_key = {}
        group_N = np.zeros(len(base), np.int64)
        for rows in _clusters(base.key_N, np.flatnonzero(groups_N > 1)):
            vectors_MD = base.vectors(base.items_N[rows]).astype(np.float64)
            share = max(self._largest, -(-len(rows) // self._groups))
            fewest = int(groups_N[rows[0]])
            group_M = _parts(vectors_MD, share, min(_SURPLUS * fewest, self._groups))
            group_N[rows] = group_M
            self._means_by_key[int(base.key_N[rows[0]])] = _means(vectors_MD, group_M)
        return group_N

    def wanted(self, base: BaseCodes) -> Longs:
        """(N,) the nearest group in clusters that were split, `ANY` elsewhere."""
        wanted_N = np.full(len(base), ANY, np.int64)
        split_C = np.array(list(self._means_by_key), np.int64)
        for rows in _clusters(base.key_N, np.flatnonzero(np.isin(base.key_N, split_C))):
            means_GD = self._means_by_key[int(base.key_N[rows[0]])]
            vectors_MD = base.vectors(base.items_N[rows]).astype(np.float64)
            away_GM = [((vectors_MD - mean_D) ** 2).sum(axis=1) for mean_D in means_GD]
            wanted_N[rows] = np.argmin(away_GM, axis=0)
        return wanted_N


def _clusters(key_N: Longs, rows_M: Longs) -> Iterator[Longs]:
    """The given rows, cluster by cluster."""
    rows_M = rows_M[np.argsort(key_N[rows_M], kind="stable")]
    start_C = starts(key_N[rows_M])
    for first, end in pairwise(start_C):
        yield rows_M[first:end]


def _means(vectors_MD: NDArray[np.float64], group_M: Longs) -> NDArray[np.float64]:
    return np.array([vectors_MD[group_M == g].mean(axis=0) for g in range(group_M.max() + 1)])


def _parts(vectors_MD: NDArray[np.float64], share: int, groups: int) -> Longs:
    """(M,) group of each of M vectors: at most `groups`, of at most `share` vectors each."""
    group_M = np.zeros(len(vectors_MD), np.int64)
    made, waiting = 0, [(np.arange(len(vectors_MD)), groups)]
    while waiting:
        rows, groups = waiting.pop()
        if len(rows) <= share:
            group_M[rows] = made
            made += 1
            continue
        order, size = _halves(vectors_MD[rows])
        left = min(max(round(groups * size / len(rows)), 1), groups - 1)
        fewest, most = max(len(rows) - (groups - left) * share, 1), left * share
        size = min(max(size, fewest), most, len(rows) - 1)
        waiting.append((rows[order[size:]], groups - left))
        waiting.append((rows[order[:size]], left))
    return group_M


def _halves(vectors_MD: NDArray[np.float64]) -> tuple[Longs, int]:
    """Rows in order from one mean to the other, and how many belong to the first.

    Starts from the halves along the main axis, so that nothing is drawn. Sums instead of matrix
    products: these may round otherwise on another number of threads.
    """
    centred_MD = vectors_MD - vectors_MD.mean(axis=0)
    along_M = (centred_MD * _main_axis(centred_MD)).sum(axis=1)
    along_M -= np.median(along_M)
    first_M = along_M < 0
    for _ in range(_ROUNDS):
        if first_M.all() or not first_M.any():  # all alike
            return np.argsort(along_M, kind="stable"), len(along_M) // 2
        one_D, other_D = centred_MD[first_M].mean(axis=0), centred_MD[~first_M].mean(axis=0)
        along_M = ((centred_MD - (one_D + other_D) / 2) * (other_D - one_D)).sum(axis=1)
        before_M, first_M = first_M, along_M < 0
        if (before_M == first_M).all():
            break
    return np.argsort(along_M, kind="stable"), int(first_M.sum())


def _main_axis(centred_MD: NDArray[np.float64]) -> NDArray[np.float64]:
    """(D,) direction of largest spread, by power iteration from the farthest vector."""
    axis_D: NDArray[np.float64] = centred_MD[np.argmax((centred_MD**2).sum(axis=1))]
    for _ in range(_ROUNDS):
        axis_D = axis_D / max(float(np.sqrt((axis_D**2).sum())), np.finfo(float).tiny)
        axis_D = (centred_MD * (centred_MD * axis_D).sum(axis=1, keepdims=True)).sum(axis=0)
    return axis_D
