"""A last token that tells the items of one prefix apart: their rank by some worth.

TIGER's collision token (item order), CRID's conversion rank and VARG's value rank differ in the
order alone.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cqsid.tokenizer.ids import SemanticIds, pack
from cqsid.tokenizer.schemes.clusters import ranks
from cqsid.tokenizer.schemes.finish import BaseCodes, extended, table, with_room
from cqsid.tokenizer.signals import Signals
from simulator.catalogue.catalog import Ints

Worth = Callable[[Signals], NDArray[np.float64]]


class Numbering:
    """Adds a level: the rank of an item inside its cluster, best first, ties by item number.

    Ids are unique while the level has room: the largest cluster plus `room` of it. The order is
    frozen: new items come after all others of their cluster, and share its last token once it
    is full. One huge cluster makes a huge level: look at `sizes` before training on it.
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
