"""Quantizers that are told what to say."""

import numpy as np

from cqsid.tokenizer.schemes.finish import BaseCodes
from cqsid.tokenizer.signals import Floats, Signals
from simulator.catalogue.catalog import Ints


class FixedCodes:
    """A quantizer whose codes and vectors are given, item by item."""

    def __init__(self, codes_IL: Ints, sizes: tuple[int, ...], draws: int = 0) -> None:
        self.sizes, self._codes_IL, self._draws = sizes, codes_IL, draws

    def fit(self, signals: Signals, *, rng: np.random.Generator) -> None:
        """Learn nothing, draw some numbers."""
        rng.random(self._draws)

    def codes(self, signals: Signals, items_N: Ints) -> Ints:
        """(N, L) the given codes."""
        return self._codes_IL[items_N]

    def vectors(self, signals: Signals, items_N: Ints) -> Floats:
        """(N, D) the text vectors."""
        return signals.item_ID[items_N]


class FixedSizes:
    """Makes a quantizer that keeps the sizes it is given and takes codes from item numbers."""

    def __new__(cls, sizes: tuple[int, ...]) -> FixedCodes:
        item_I = np.arange(1000)
        codes_IL = np.stack([(item_I // (level + 1)) % k for level, k in enumerate(sizes)], axis=1)
        return FixedCodes(codes_IL.astype(np.int32), sizes)


def base_of(signals: Signals, items_N, codes_IL, sizes: tuple[int, ...]) -> BaseCodes:
    """The base codes of some items, vectors from the signals."""
    items_N = np.asarray(items_N, np.int32)
    codes_NL = np.asarray(codes_IL, np.int32)[items_N]
    return BaseCodes(items_N, codes_NL, sizes, lambda items_M: signals.item_ID[items_M])


def clustered(*counts: int) -> Ints:
    """(I, 2) codes (0, k): counts[k] items in cluster k, mixed by item number."""
    last_I = np.random.default_rng(3).permutation(np.repeat(np.arange(len(counts)), counts))
    return np.stack([last_I * 0, last_I], axis=1).astype(np.int32)
