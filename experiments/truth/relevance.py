"""Which items truly match a request. Where they are many, recall is scarce."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simulator.behaviour.utility import Utility
from simulator.catalogue.catalog import Ints

RELEVANT = 2 / 3
"""Match from which an item is relevant: that of human grade 2 of 3. Without grades it is an item of
the wanted category and brand that has at least a third of the wanted values."""

_EPSILON = 1e-6
_PAIRS = 2_000_000  # weighed at once; a matter of memory alone

Flags = NDArray[np.bool_]


class Relevance:
    """Counts the relevant items of needs.

    Args:
        utility: of the world; its `match` decides.
    """

    def __init__(self, utility: Utility) -> None:
        self.utility = utility
        category_I = utility.truth.category_I
        self._items = np.argsort(category_I, kind="stable").astype(np.int32)
        self._count_C = np.bincount(category_I, minlength=len(utility.truth.department_C))
        self._start_C = np.cumsum(self._count_C) - self._count_C

    def relevant(self, intent_B: NDArray[np.int64], items_BN: Ints) -> Flags:
        """(B, N) which items are relevant to needs; padding (-1) is not."""
        match_BN = self.utility.match(intent_B, np.maximum(items_BN, 0))
        return np.asarray((match_BN >= RELEVANT - _EPSILON) & (items_BN >= 0))

    def count(self, intent_B: NDArray[np.int64], available_I: Flags) -> NDArray[np.int64]:
        """(B,) relevant items of the catalogue that are there.

        A need without a category has none, unless its query was judged.
        """
        found_B = np.zeros(len(intent_B), np.int64)
        for rows, items_BN in self._candidates(intent_B):
            there_BN = available_I[np.maximum(items_BN, 0)]
            found_B[rows] = (self.relevant(intent_B[rows], items_BN) & there_BN).sum(axis=1)
        return found_B

    def _candidates(self, intent_B: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.intp], Ints]]:
        """All items that could be relevant, for a few needs at a time: (rows, (R, N) items)."""
        judged_B = self.utility.intents.judged_Q[intent_B]
        for rows, items, start_B, count_B in (
            self._by_category(intent_B, np.flatnonzero(judged_B < 0)),
            self._by_grade(judged_B, np.flatnonzero(judged_B >= 0)),
        ):
            order = np.argsort(count_B, kind="stable")
            at = 0
            while at < len(order):
                # Needs with as many items are together: little is padded.
                widest = np.maximum(count_B[order[at:]], 1)
                size = max(1, int((widest * np.arange(1, len(widest) + 1) <= _PAIRS).sum()))
                some = order[at : at + size]
                at += size
                place_N = np.arange(max(int(count_B[some].max()), 1))
                inside_BN = place_N < count_B[some][:, None]
                at_BN = np.where(inside_BN, start_B[some][:, None] + place_N, 0)
                yield rows[some], np.where(inside_BN, items[at_BN], -1).astype(np.int32)

    def _by_category(
        self, intent_B: NDArray[np.int64], rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], Ints, NDArray[np.int64], NDArray[np.int64]]:
        category_R = self.utility.intents.category_Q[intent_B[rows]]
        known_R = np.maximum(category_R, 0)
        count_R = np.where(category_R >= 0, self._count_C[known_R], 0)
        return rows, self._items, self._start_C[known_R], count_R

    def _by_grade(
        self, judged_B: Ints, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], Ints, NDArray[np.int64], NDArray[np.int64]]:
        """Judgments are sorted by query."""
        judgments = self.utility.intents.judgments
        start_R = np.searchsorted(judgments.query_J, judged_B[rows])
        end_R = np.searchsorted(judgments.query_J, judged_B[rows], side="right")
        items = judgments.item_J if len(rows) else self._items
        return rows, items, start_R.astype(np.int64), (end_R - start_R).astype(np.int64)
