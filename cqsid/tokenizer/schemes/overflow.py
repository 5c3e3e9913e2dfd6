"""Overflow: an item of a full last code goes to the next code of its prefix with room."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cqsid.tokenizer.ids import SemanticIds, pack
from cqsid.tokenizer.schemes.clusters import starts
from cqsid.tokenizer.schemes.finish import BaseCodes, extended, table
from cqsid.tokenizer.signals import Signals
from simulator.catalogue.catalog import Ints


class Overflow:
    """At most `capacity` items an id, as FORGE (arXiv 2509.20904), which takes 5.

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
