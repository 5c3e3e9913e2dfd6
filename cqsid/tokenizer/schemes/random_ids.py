"""Random codes: the control without meaning."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cqsid.tokenizer.signals import Floats, Signals
from simulator.catalogue.catalog import Ints

_STEP: Final = np.uint64(0x9E3779B97F4A7C15)


class RandomCodes:
    """Codes drawn uniformly and independently: a hash of item number, level and a seed.

    A quantizer by contract; alike items share a code by chance alone.
    """

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self.sizes = sizes
        self._seed = 0

    def fit(self, signals: Signals, *, rng: np.random.Generator) -> None:
        """Draw the seed."""
        self._seed = int(rng.integers(2**63))

    def codes(self, signals: Signals, items_N: Ints) -> Ints:
        """(N, L) codes of some items, known or new."""
        level_L = np.arange(len(self.sizes), dtype=np.uint64)
        cell_NL = items_N.astype(np.uint64)[:, None] * np.uint64(len(self.sizes)) + level_L
        bits_NL = _mixed(cell_NL, self._seed) >> np.uint64(11)
        return (bits_NL % np.array(self.sizes, np.uint64)).astype(np.int32)

    def vectors(self, signals: Signals, items_N: Ints) -> Floats:
        """(N, D) the text vectors, which the codes ignore."""
        return signals.item_ID[items_N]


def _mixed(cells: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) of each cell's number."""
    z = (cells + np.uint64(1)) * _STEP + np.uint64(seed)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
