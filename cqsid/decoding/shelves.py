"""The table from ids to items: which items a beam of ids returns, in which order, and how many."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cqsid.decoding.settings import Fill, ShelfSpec
from cqsid.tokenizer.ids import SemanticIds
from recall.candidates import Candidates
from simulator.catalogue.catalog import Ints
from simulator.protocols import ItemStatistics

Counts = NDArray[np.int64]


def narrowest(value_N: NDArray[Any], wanted: float) -> int | None:
    """The narrowest beam whose value reaches `wanted`; value n belongs to beam n + 1."""
    reached = np.flatnonzero(value_N >= wanted)
    return int(reached[0]) + 1 if len(reached) else None


def most_of(cap: int | None) -> int:
    """Items taken of one id at most."""
    return int(np.iinfo(np.int64).max) if cap is None else cap


@njit(cache=True, nogil=True)
def _expand(
    sid_BN: Any,
    pointer_S: Any,
    items: Any,
    most: Any,
    breadth: Any,
    seen_I: Any,
    found_BN: Any,
    place_BN: Any,
) -> None:  # pragma: no cover
    for b in range(sid_BN.shape[0]):
        longest = 0
        for n in range(sid_BN.shape[1]):
            if sid_BN[b, n] >= 0:
                size = pointer_S[sid_BN[b, n] + 1] - pointer_S[sid_BN[b, n]]
                longest = max(longest, min(size, most))
        rounds = longest if breadth else min(longest, 1)
        size = 0
        for step in range(rounds):
            for n in range(sid_BN.shape[1]):
                if sid_BN[b, n] < 0:
                    continue
                start = pointer_S[sid_BN[b, n]]
                stop = min(pointer_S[sid_BN[b, n] + 1] - start, most)
                first, last = (step, min(step + 1, stop)) if breadth else (0, stop)
                for at in range(start + first, start + last):
                    if size < found_BN.shape[1] and seen_I[items[at]] != b:
                        seen_I[items[at]] = b
                        found_BN[b, size] = items[at]
                        place_BN[b, size] = n
                        size += 1
            if size == found_BN.shape[1]:
                break


_ORDER_WEIGHT = 3.0  # an order counts as this many clicks, as in the item-to-item channel
_PRIOR_EXPOSURES = 100.0  # weight of the shop's mean rate in an item's own


@dataclass(frozen=True)
class Shelves:
    """Items behind each of S ids; those of id s are `items[pointer_S[s] : pointer_S[s + 1]]`.

    Attributes:
        items: item numbers, best first within an id.
        pointer_S: (S + 1,) where each id's items begin.
    """

    items: Ints
    pointer_S: NDArray[np.int64]

    @staticmethod
    def of(ids: SemanticIds, value_I: NDArray[np.floating]) -> "Shelves":
        """Shelves of a table's ids (rows of `ids.sids_SL`), by falling value, then by item."""
        placed = np.flatnonzero(ids.sid_I >= 0)
        order = np.lexsort((placed, -np.asarray(value_I)[placed], ids.sid_I[placed]))
        pointer_S = np.zeros(len(ids.sids_SL) + 1, np.int64)
        np.cumsum(np.bincount(ids.sid_I[placed], minlength=len(ids.sids_SL)), out=pointer_S[1:])
        return Shelves(placed[order].astype(np.int32), pointer_S)

    def on_sale(self, available_I: NDArray[np.bool_]) -> "Shelves":
        """The same ids with the available items alone; an id may be left with none."""
        kept = available_I[self.items]
        before = np.concatenate([[0], np.cumsum(kept)])
        return Shelves(self.items[kept], before[self.pointer_S])

    def first(
        self, sid_BN: Ints, limit: int, cap: int | None = None, *, fill: Fill = Fill.DEPTH
    ) -> tuple[Ints, Ints]:
        """The first distinct items of each beam, and the ids they stand behind.

        Args:
            sid_BN: beams.
            limit: items returned for a request.
            cap: items taken of one id at most; None: all.
            fill: the order in which they are returned.

        Returns:
            (B, limit) items and (B, limit) places of their ids in the beam, both padded with -1.
        """
        found_BN = np.full((len(sid_BN), limit), -1, np.int32)
        place_BN = np.full((len(sid_BN), limit), -1, np.int32)
        seen_I = np.full(int(self.items.max(initial=-1)) + 1, -1, np.int64)
        most, breadth = most_of(cap), fill == Fill.BREADTH
        _expand(sid_BN, self.pointer_S, self.items, most, breadth, seen_I, found_BN, place_BN)
        return found_BN, place_BN

    def returned_BN(self, sid_BN: Ints, cap: int | None = None) -> Counts:
        """(B, N) items returned by the first n + 1 ids of each beam, no limit."""
        size_S = np.minimum(np.diff(self.pointer_S), most_of(cap))
        size_BN = np.where(sid_BN >= 0, np.append(size_S, 0)[sid_BN], 0)
        return cast("Counts", np.cumsum(size_BN, axis=1))

    def expand(
        self, sid_BN: Ints, scores_BN: NDArray[np.float32], limit: int, cap: int
    ) -> Candidates:
        """The items of each row's ids, in the order of the ids, at most `cap` from each.

        Args:
            sid_BN: distinct rows of the id table, best first, -1 padded on the right.
            scores_BN: non-increasing; every item gets the score of its id.
            limit: most items of a row.
            cap: most items of an id.
        """
        items_BN, place_BN = self.first(sid_BN, limit, cap)
        rows_B1 = np.arange(len(sid_BN))[:, None]
        return Candidates(items_BN, np.where(place_BN >= 0, scores_BN[rows_B1, place_BN], 0))


def item_values(
    spec: ShelfSpec, statistics: ItemStatistics, created_at_I: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(I,) what decides the order inside an id.

    The value is an empirical-Bayes rate `(v + a * p0) / (c + a)` with v = clicks + 3 orders,
    c exposures and p0 the shop's mean rate (the form of VARG; weights inferred).
    """
    if spec.order == "newest":
        return created_at_I
    events_I = statistics.clicks_I.astype(np.float64) + _ORDER_WEIGHT * statistics.orders_I
    if spec.order == "popularity":
        return events_I
    shown_I = statistics.exposures_I.astype(np.float64)
    mean = events_I.sum() / max(shown_I.sum(), 1.0)
    value_I = (events_I + _PRIOR_EXPOSURES * mean) / (shown_I + _PRIOR_EXPOSURES)
    return np.asarray(value_I)
