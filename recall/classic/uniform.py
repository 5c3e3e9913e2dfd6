"""A channel that finds items in stock uniformly at random: the yardstick of what a share is worth.

Each request deals from the top of a shuffled deck of the whole catalogue and keeps what is in
stock, so every set of `limit` items in stock is equally likely, and an item that sells out leaves
the others where they are. The shuffle is Fisher and Yates' (Durstenfeld, "Algorithm 235", CACM
1964), carried out only as far as it is dealt and undone for the next request: the time is that of
the cards dealt, not of the catalogue.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recall.arrays import blank
from recall.candidates import Candidates
from recall.classic.settings import UniformSpec
from simulator.catalogue.catalog import Catalog
from simulator.log.history import History
from simulator.protocols import REQUEST_BITS, Index, Requests
from simulator.randomness import philox, purpose_key

_MANTISSA = np.uint64(12)
_UNIT = 2.0**-52  # 52 random bits: one half-integer of them lies within (0, 1)


class UniformChannel:
    """Random items that are in stock; all pages of a query in a session show one draw.

    The draw depends on shopper, session and text, so a shopper who repeats a query in another
    session gets other items. Scores say no more than the order: 1 / (1 + rank).
    """

    def __init__(self, spec: UniformSpec | None = None, name: str = "random") -> None:
        self.name = name
        self._spec = spec or UniformSpec()

    def fit(self, catalog: Catalog, history: History, *, rng: np.random.Generator) -> None:
        """Nothing to learn but how many items there are."""
        self._seed = np.uint64(rng.integers(2**63))
        self._available_I = np.ones(len(catalog), np.bool_)

    def refresh(self, index: Index, arm: int) -> None:
        """Take the stock from the shop's snapshot."""
        self._available_I = index.available_I.copy()

    def recall(self, requests: Requests, limit: int) -> Candidates:
        """`limit` items in stock, or all of them where there are fewer."""
        found = blank(len(requests), limit)
        wanted = min(limit, int(self._available_I.sum()))
        counters = (requests.shopper_B, requests.id_B >> REQUEST_BITS, requests.text_B)
        counters_3B = np.stack([np.asarray(each, np.int64) for each in counters]).astype(np.uint64)
        key = self._seed, purpose_key("aimless")
        _deal(key, counters_3B, self._available_I, wanted, found.items_BN)
        scores_N = np.float32(1) / np.arange(1, limit + 1, dtype=np.float32)
        return Candidates(found.items_BN, np.tile(scores_N, (len(requests), 1)))


@njit(cache=True, nogil=True)
def _deal(
    key: Any, counters_3B: Any, available_I: NDArray[np.bool_], wanted: Any, items_BN: Any
) -> None:  # pragma: no cover
    """Write each request's first `wanted` cards in stock into its row."""
    size = len(available_I)
    deck_I, swap_I = np.arange(size), np.empty(size, np.int64)
    for b in range(items_BN.shape[0]):
        dealt, found = 0, 0
        while found < wanted:
            bits = philox(
                key[0],
                key[1],
                counters_3B[0, b],
                counters_3B[1, b],
                counters_3B[2, b],
                np.uint64(dealt),
            )
            luck = (np.float64(bits >> _MANTISSA) + 0.5) * _UNIT
            other = dealt + np.int64(luck * (size - dealt))
            deck_I[dealt], deck_I[other] = deck_I[other], deck_I[dealt]
            swap_I[dealt] = other
            if available_I[deck_I[dealt]]:
                items_BN[b, found] = deck_I[dealt]
                found += 1
            dealt += 1
        for card in range(dealt - 1, -1, -1):
            other = swap_I[card]
            deck_I[card], deck_I[other] = deck_I[other], deck_I[card]
