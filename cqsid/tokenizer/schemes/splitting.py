"""Splitting of clusters that hold too many items: the group becomes part of the last code."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final, Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cqsid.tokenizer.ids import SemanticIds, pack
from cqsid.tokenizer.schemes.finish import (
    BaseCodes,
    Longs,
    extended,
    ranks,
    starts,
    table,
    with_room,
)
from cqsid.tokenizer.signals import Signals

ANY: Final = -1  # wanted group of a new item: the one with the fewest items
NEWEST: Final = -2  # the last group in use


class Grouping(Protocol):
    """Says which items of a cluster go together."""

    def fit(
        self, base: BaseCodes, groups_N: Longs, signals: Signals, *, rng: np.random.Generator
    ) -> Longs:
        """(N,) group of each known item, numbered from 0 in each cluster.

        `groups_N` is G, how many groups the item's cluster should have; equal in a cluster.
        """

    def wanted(self, base: BaseCodes) -> Longs:
        """(N,) the group each new item should join if it has room, or `ANY`, or `NEWEST`."""


class Splitting:
    """A cluster of c > T_max items gets G = min(ceil(c / T_max), G_max) groups (CQ-SID).

    The last code becomes k + K g for group g, K the codes of the last level. The cap T_max is not
    strict in a cluster of more than T_max G_max items.

    The last level has codes for as many groups as the largest cluster uses, `room` of it more (one
    at least), G_max at most. A new item whose wanted group is full goes to the group in use with
    the fewest items; where all are full it opens a group; where none is left it goes to the
    smallest. The papers say nothing of new items in full clusters: this is ours.
    """

    def __init__(self, grouping: Grouping, largest: int, groups: int, room: float) -> None:
        self._grouping, self._largest, self._groups, self._room = grouping, largest, groups, room

    def fit(self, base: BaseCodes, signals: Signals, *, rng: np.random.Generator) -> SemanticIds:
        """Split the clusters of the known items."""
        _, count_N = ranks(base.key_N)
        groups_N = np.minimum(-(-count_N // self._largest), self._groups)
        group_N = self._grouping.fit(base, groups_N, signals, rng=rng)
        slots = min(with_room(int(group_N.max()) + 1, self._room), self._groups)
        sizes = (*base.sizes[:-1], base.sizes[-1] * slots)
        return table(len(signals), base.items_N, _grouped(base, group_N), sizes)

    def assign(self, base: BaseCodes, signals: Signals, ids: SemanticIds) -> SemanticIds:
        """Place the new items in the groups of their clusters."""
        old_ML = ids.codes_IL[ids.codes_IL[:, 0] >= 0]
        group_M, old_ML[:, -1] = np.divmod(old_ML[:, -1], base.sizes[-1])
        key_R = np.concatenate([pack(old_ML, base.sizes), base.key_N])
        wanted_N = self._grouping.wanted(base)
        order = np.argsort(key_R, kind="stable")  # earlier items first inside a cluster
        group_R = np.concatenate([group_M, wanted_N])[order]
        slots = ids.sizes[-1] // base.sizes[-1]
        _place(starts(key_R[order]), order >= len(old_ML), group_R, slots, self._largest)
        placed_R = np.empty_like(group_R)
        placed_R[order] = group_R
        return extended(ids, base.items_N, _grouped(base, placed_R[len(old_ML) :]))


def _grouped(base: BaseCodes, group_N: Longs) -> NDArray[np.int32]:
    codes_NL = base.codes_NL.astype(np.int32)
    codes_NL[:, -1] += (base.sizes[-1] * group_N).astype(np.int32)
    return codes_NL


@njit(cache=True, nogil=True)
def _place(
    start_C: Longs, new_R: NDArray[np.bool_], group_R: Longs, slots: int, largest: int
) -> Any:  # pragma: no cover
    """Turn the wanted groups of new rows into the groups they get, cluster after cluster."""
    held_G = np.zeros(slots, np.int64)
    for c in range(len(start_C) - 1):
        held_G[:] = 0
        used = 0
        for r in range(start_C[c], start_C[c + 1]):
            if new_R[r]:
                group = group_R[r] if group_R[r] != NEWEST else used - 1
                if group < 0 or held_G[group] >= largest:
                    group = np.argmin(held_G[: max(used, 1)])
                    if held_G[group] >= largest and used < slots:
                        group = used
                group_R[r] = group
            held_G[group_R[r]] += 1
            used = max(used, group_R[r] + 1)


class AtRandom:
    """Items join groups at random, groups equal in size but for one item (CQ-SID).

    Depends on `rng` and the clusters alone. Equal sizes are ours: independent draws would leave
    about half of the groups above the cap.
    """

    def fit(
        self, base: BaseCodes, groups_N: Longs, signals: Signals, *, rng: np.random.Generator
    ) -> Longs:
        """(N,) group of each known item."""
        rank_N, _ = ranks(base.key_N, rng.permutation(len(base)))
        return rank_N % groups_N

    def wanted(self, base: BaseCodes) -> Longs:
        """(N,) the smallest group."""
        return np.full(len(base), ANY, np.int64)


class ByPopularity:
    """The most clicked items of the log go together, then the next; ties by item number.

    New items, which have no clicks yet, join the least popular group.
    """

    def fit(
        self, base: BaseCodes, groups_N: Longs, signals: Signals, *, rng: np.random.Generator
    ) -> Longs:
        """(N,) group of each known item."""
        clicks_N = signals.clicks_I[base.items_N]
        rank_N, count_N = ranks(base.key_N, -clicks_N, base.items_N)
        return rank_N * groups_N // count_N

    def wanted(self, base: BaseCodes) -> Longs:
        """(N,) the last group in use."""
        return np.full(len(base), NEWEST, np.int64)


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
