"""What chance would find: the law of a channel that knows nothing of the truth.

A channel that does not know the truth finds the same items whatever item has whose truth. So what
it found, held against the truth under one more random permutation of the items, has the same law as
held against the truth under which it was asked; both are exchangeable. That gives the test: the
recall under the permutation of the asking, among its recalls under other permutations, which are
drawn alike. Nothing is assumed of how many requests want the same items, or of what is popular.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from experiments.records.interval import Interval
from simulator.catalogue.catalog import Ints

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Recalled:
    """How much of what is relevant one channel found, request by request.

    Args:
        items_BN: what it found, -1 padded.
        relevant_BI: what is relevant; every request has something.
    """

    items_BN: Ints
    relevant_BI: Flags

    @property
    def recall_B(self) -> Floats:
        """(B,) share of the relevant items that were found."""
        hit_BN = np.take_along_axis(self.relevant_BI, np.maximum(self.items_BN, 0), axis=1)
        return np.asarray((hit_BN & (self.items_BN >= 0)).sum(axis=1) / self.relevant_B)

    @property
    def relevant_B(self) -> NDArray[np.int64]:
        """(B,) how many items are relevant."""
        return np.asarray(self.relevant_BI.sum(axis=1))

    @property
    def random_B(self) -> Floats:
        """(B,) recall to be expected of as many items drawn at random of the whole catalogue."""
        return np.asarray((self.items_BN >= 0).sum(axis=1) / self.relevant_BI.shape[1])

    def random_within(self, group_I: NDArray[np.integer]) -> Floats:
        """(B,) the same of items drawn of the groups of those that were found, as many of each."""
        groups = int(group_I.max()) + 1
        size_G = np.maximum(np.bincount(group_I, minlength=groups), 1)
        real_BN = self.items_BN >= 0
        found_B = np.empty(len(self.items_BN))
        for row, relevant_I in enumerate(self.relevant_BI):
            held_G = np.bincount(group_I[relevant_I], minlength=groups) / size_G
            found_B[row] = held_G[group_I[self.items_BN[row, real_BN[row]]]].sum()
        return np.asarray(found_B / self.relevant_B)

    def under(self, permutations: Sequence[NDArray[np.int64]]) -> Floats:
        """(P,) mean recall if items had each other's truth, of each permutation."""
        rows, columns = np.nonzero(self.items_BN >= 0)
        items = self.items_BN[rows, columns].astype(np.int64)
        weight = 1 / self.relevant_B[rows] / len(self.items_BN)
        start = rows * self.relevant_BI.shape[1]
        flat = self.relevant_BI.ravel()
        return np.array([weight[flat[start + other_I[items]]].sum() for other_I in permutations])


@dataclass(frozen=True)
class Excess:
    """How far a channel was above chance, over several askings.

    Attributes:
        found: the mean over the askings, with the interval in which the truth lies where chance has
            the law of the permutations.
        p_value: two-sided, of chance.
    """

    found: Interval
    p_value: float


def excess(recall_R: Floats, chance_R: Floats, other_RK: Floats, *, confidence: float) -> Excess:
    """The recall of R askings against the law of chance.

    The p-value is that of the permutation test, (1 + k) / (1 + K) with k of K draws as far from
    chance; where none is, it is too coarse, and that of the normal law with the spread of the draws
    stands if smaller.

    Args:
        recall_R: mean recall of each asking, under its permutation.
        chance_R: what a random channel of equal size is to be expected to find.
        other_RK: the recall of each asking under K other permutations.
        confidence: level of the interval.
    """
    size = float((recall_R - chance_R).mean())
    drawn_K = (other_RK - chance_R[:, None]).mean(axis=0)
    further = int((np.abs(drawn_K) >= abs(size) * (1 - 1e-12)).sum())
    p_value = (1 + further) / (1 + len(drawn_K))
    spread = float(drawn_K.std())
    if not further and spread > 0:
        p_value = min(p_value, float(2 * special.ndtr(-abs(size) / spread)))
    tail = (1 - confidence) / 2
    low, high = (float(end) for end in np.quantile(drawn_K, (tail, 1 - tail)))
    return Excess(Interval(size, size - high, size - low), p_value)
