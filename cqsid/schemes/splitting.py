"""Splitting of clusters that hold too many items: the group becomes part of the last code."""

from typing import Any, Final, Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cqsid.ids import SemanticIds, pack
from cqsid.schemes.clusters import ranks, starts
from cqsid.schemes.finish import BaseCodes, extended, table, with_room
from cqsid.signals import Signals

Longs = NDArray[np.int64]
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
