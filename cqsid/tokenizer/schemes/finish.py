"""Finishing rules: from the codes of a quantizer to final ids; the worth of items orders some."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cqsid.tokenizer.ids import SemanticIds, pack
from cqsid.tokenizer.signals import Floats, Signals
from simulator.catalogue.catalog import Ints
from simulator.errors import ContractError

Longs = NDArray[np.int64]
Worth = Callable[[Signals], NDArray[np.float64]]


@dataclass(frozen=True)
class BaseCodes:
    """What a quantizer says of N items.

    Attributes:
        items_N: item numbers, distinct, in order of arrival.
        codes_NL: (N, L) their codes; items of equal codes are one cluster.
        sizes: how many codes each level has.
        vectors: gives the (M, D) vectors of M of the items, by item number.

    Raises:
        ContractError: codes of another shape or outside their level.
    """

    items_N: Ints
    codes_NL: Ints
    sizes: tuple[int, ...]
    vectors: Callable[[Ints], Floats]

    def __post_init__(self) -> None:
        wanted, found = (len(self.items_N), len(self.sizes)), self.codes_NL.shape
        if found != wanted:
            raise ContractError(f"quantizer.codes().shape == {found}, must be {wanted}")
        wrong_NL = (self.codes_NL < 0) | (self.codes_NL >= np.array(self.sizes))
        if wrong_NL.any():
            row, level = (int(at[0]) for at in np.nonzero(wrong_NL))
            raise ContractError(
                f"quantizer.codes()[{row}, {level}] == {self.codes_NL[row, level]}, "
                f"must be 0 to {self.sizes[level] - 1}"
            )

    def __len__(self) -> int:
        return len(self.items_N)

    @cached_property
    def key_N(self) -> NDArray[np.int64]:
        """(N,) the codes of each item as one number: its cluster."""
        return pack(self.codes_NL, self.sizes)


@runtime_checkable
class Finish(Protocol):
    """Makes ids of base codes. Data after `fit`, see `recall.storage`."""

    def fit(self, base: BaseCodes, signals: Signals, *, rng: np.random.Generator) -> SemanticIds:
        """The table with ids for the items of `base`, all known ones."""

    def assign(self, base: BaseCodes, signals: Signals, ids: SemanticIds) -> SemanticIds:
        """The table with ids for the items of `base` too, none of which has one yet.

        Items take their places one after the other; earlier ids and the sizes stay.
        """


class Plain:
    """The base codes are the ids, whatever the size of a cluster."""

    def fit(self, base: BaseCodes, signals: Signals, *, rng: np.random.Generator) -> SemanticIds:
        """The table with the codes of the known items."""
        return table(len(signals), base.items_N, base.codes_NL, base.sizes)

    def assign(self, base: BaseCodes, signals: Signals, ids: SemanticIds) -> SemanticIds:
        """The table with the codes of the new items too."""
        return extended(ids, base.items_N, base.codes_NL)


def table(n_items: int, items_N: Ints, codes_NL: Ints, sizes: tuple[int, ...]) -> SemanticIds:
    """The ids of some of `n_items` items; the others have none."""
    codes_IL = np.full((n_items, len(sizes)), -1, np.int32)
    codes_IL[items_N] = codes_NL
    return SemanticIds(codes_IL, sizes)


def extended(ids: SemanticIds, items_N: Ints, codes_NL: Ints) -> SemanticIds:
    """The same table with ids for some more items."""
    codes_IL = ids.codes_IL.copy()
    codes_IL[items_N] = codes_NL
    return SemanticIds(codes_IL, ids.sizes)


def with_room(used: int, room: float) -> int:
    """Size of a level that has `used` codes in use and room for new items, one code at least."""
    return used + max(1, math.ceil(room * used))


def ranks(key_N: Longs, *by: NDArray[np.generic]) -> tuple[Longs, Longs]:
    """Place of each row among the rows of its key, and how many of these there are.

    Args:
        key_N: cluster of each row.
        by: (N,) columns that order the rows of a cluster, smaller first, the first one most
            important; rows that tie stay in the order given.

    Returns:
        rank_N, count_N.
    """
    order = np.lexsort((*reversed(by), key_N))
    start_C = starts(key_N[order])
    count_C = np.diff(start_C)
    rank_N, count_N = np.empty(len(key_N), np.int64), np.empty(len(key_N), np.int64)
    rank_N[order] = np.arange(len(key_N)) - np.repeat(start_C[:-1], count_C)
    count_N[order] = np.repeat(count_C, count_C)
    return rank_N, count_N


def starts(key_N: Longs) -> Longs:
    """(C + 1,) where each run of equal keys starts in a sorted column, and its length at last."""
    changes = np.flatnonzero(key_N[1:] != key_N[:-1]) + 1
    ends = [len(key_N)] if len(key_N) else []
    return np.concatenate([[0], changes, ends]).astype(np.int64)


class Numbering:
    """Adds a level: the rank of an item inside its cluster, best first, ties by item number.

    TIGER's collision token (item order), CRID's conversion rank and VARG's value rank differ in
    the order alone. Ids are unique while the level has room: the largest cluster plus `room` of
    it. The order is frozen: new items come after all others of their cluster, and share its last
    token once it is full. One huge cluster makes a huge level: look at `sizes` before training.
    """

    def __init__(self, worth: Worth, room: float) -> None:
        self._worth: Worth | None = worth
        self._room = room

    def __getstate__(self) -> dict[str, object]:
        """What numbers new items; the worth orders known ones, at `fit` alone."""
        return self.__dict__ | {"_worth": None}

    def fit(self, base: BaseCodes, signals: Signals, *, rng: np.random.Generator) -> SemanticIds:
        """Rank the known items."""
        assert self._worth is not None  # `ComposedScheme.fit` sees to it
        worth_N = self._worth(signals)[base.items_N]
        rank_N, count_N = ranks(base.key_N, -worth_N, base.items_N)
        sizes = (*base.sizes, with_room(int(count_N.max()), self._room))
        return table(len(signals), base.items_N, _joined(base.codes_NL, rank_N), sizes)

    def assign(self, base: BaseCodes, signals: Signals, ids: SemanticIds) -> SemanticIds:
        """Append the new items to their clusters."""
        old_MS = ids.codes_IL[ids.codes_IL[:, 0] >= 0]
        old_key_M = pack(old_MS[:, :-1], base.sizes)
        keys_C, cluster_N = np.unique(base.key_N, return_inverse=True)
        next_C = np.zeros(len(keys_C), np.int64)
        mine_M = np.isin(old_key_M, keys_C)
        place_M = np.searchsorted(keys_C, old_key_M[mine_M])
        np.maximum.at(next_C, place_M, old_MS[mine_M, -1] + 1)
        rank_N, _ = ranks(base.key_N)
        token_N = np.minimum(next_C[cluster_N] + rank_N, ids.sizes[-1] - 1)
        return extended(ids, base.items_N, _joined(base.codes_NL, token_N))


def _joined(codes_NL: Ints, last_N: NDArray[np.int64]) -> Ints:
    return np.column_stack([codes_NL, last_N]).astype(np.int32)


class Overflow:
    """An item of a full last code goes to the next code of its prefix with room.

    At most `capacity` items an id, as FORGE (arXiv 2509.20904), which takes 5.

    The next code is the next higher number, after the last one the first; items are placed in
    order of item number; an item of a prefix that is full everywhere stays in its own code: all
    three are ours. The sizes of the levels stay those of the quantizer.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity

    def fit(self, base: BaseCodes, signals: Signals, *, rng: np.random.Generator) -> SemanticIds:
        """Place the known items."""
        empty = table(len(signals), base.items_N[:0], base.codes_NL[:0], base.sizes)
        return self.assign(base, signals, empty)

    def assign(self, base: BaseCodes, signals: Signals, ids: SemanticIds) -> SemanticIds:
        """Place the new items beside those that have an id."""
        old_ML = ids.codes_IL[ids.codes_IL[:, 0] >= 0]
        codes_RL = np.concatenate([old_ML, base.codes_NL])
        prefix_R = pack(codes_RL[:, :-1], ids.sizes[:-1])
        order = np.argsort(prefix_R, kind="stable")  # earlier items first inside a prefix
        last_R = codes_RL[order, -1]
        start_C = starts(prefix_R[order])
        _place(start_C, order >= len(old_ML), last_R, ids.sizes[-1], self._capacity)
        codes_RL[order, -1] = last_R
        return extended(ids, base.items_N, codes_RL[len(old_ML) :])


@njit(cache=True, nogil=True)
def _place(
    start_C: NDArray[np.int64], new_R: NDArray[np.bool_], last_R: Ints, size: int, capacity: int
) -> Any:  # pragma: no cover
    """Move the new rows' last codes, prefix after prefix."""
    held_K = np.zeros(size, np.int64)
    for c in range(len(start_C) - 1):
        held_K[:] = 0
        full = 0
        for r in range(start_C[c], start_C[c + 1]):
            code = last_R[r]
            if new_R[r] and held_K[code] >= capacity and full < size:
                while held_K[code] >= capacity:
                    code = (code + 1) % size
                last_R[r] = code
            held_K[code] += 1
            if held_K[code] == capacity:
                full += 1


_WEAKEST: Final = 1.0  # clicks; bounds of the prior's strength, ours
_STRONGEST: Final = 1e6


def arrival(signals: Signals) -> NDArray[np.float64]:
    """(I,) every item alike, so that item numbers decide (TIGER)."""
    return np.zeros(len(signals))


def conversions(signals: Signals) -> NDArray[np.float64]:
    """(I,) orders of the log (CRID; the paper counts 30 days)."""
    return signals.orders_I


def conversion_rate(signals: Signals) -> NDArray[np.float64]:
    """(I,) empirical-Bayes conversion of the log: orders a click (VARG)."""
    clicks_I = np.maximum(signals.clicks_I, signals.orders_I)  # some buy from the cart, later
    return BetaPrior.of(signals.orders_I, clicks_I).mean(signals.orders_I, clicks_I)


@dataclass(frozen=True)
class BetaPrior:
    """What to expect of an item's conversion before its own events count.

    Attributes:
        rate: p0, expected orders a click.
        strength: a, how many clicks the expectation weighs.
    """

    rate: float
    strength: float

    @staticmethod
    def of(orders_I: NDArray[np.float64], clicks_I: NDArray[np.float64]) -> "BetaPrior":
        """Moments of a beta-binomial with unequal counts (Kleinman, JASA 1973).

        With v of c clicks converted, p0 = sum v / sum c and S = sum c (v / c - p0)**2, over the
        N clicked items, E[S] = p0 (1 - p0) ((N - 1) (1 - r) + r (sum c - sum c**2 / sum c)),
        which gives r = 1 / (a + 1). Where the log cannot tell items apart, the prior is at its
        strongest; the bounds 1 and a million clicks are ours.
        """
        seen_I = clicks_I > 0
        v_N, c_N = orders_I[seen_I], clicks_I[seen_I]
        total = float(c_N.sum())
        rate = float(v_N.sum()) / total if total else 0.0
        binomial = rate * (1.0 - rate)
        others = len(c_N) - 1.0
        spread = total - float((c_N**2).sum()) / total - others if total else 0.0
        if binomial <= 0 or spread <= 0:
            return BetaPrior(rate, _STRONGEST)
        found = float((c_N * (v_N / c_N - rate) ** 2).sum()) / binomial
        correlation = (found - others) / spread
        if correlation <= 1 / (_STRONGEST + 1):
            return BetaPrior(rate, _STRONGEST)
        return BetaPrior(rate, max(1 / correlation - 1, _WEAKEST))

    def mean(
        self, orders_I: NDArray[np.float64], clicks_I: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(I,) expected conversion of each item, (v + a p0) / (c + a)."""
        prior = self.strength * self.rate
        posterior: NDArray[np.float64] = (orders_I + prior) / (clicks_I + self.strength)
        return posterior
