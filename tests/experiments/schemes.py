"""Identifier schemes that a user might plug in: a sound one and broken ones."""

from dataclasses import replace

import numpy as np

from cqsid.tokenizer.ids import SemanticIds


class ByNumber:
    """A sound scheme that learns nothing: the digits of an item's number."""

    def __init__(self, base: int = 10) -> None:
        self.base = base

    def fit(self, signals, *, rng):
        self.sizes = (-(-len(signals) // self.base), self.base)
        none_IL = np.full((len(signals), 2), -1, np.int32)
        known_N = np.flatnonzero(signals.known_I).astype(np.int32)
        return self.assign(signals, known_N, SemanticIds(none_IL, self.sizes))

    def assign(self, signals, items_N, ids):
        codes_IL = ids.codes_IL.copy()
        codes_IL[items_N] = np.stack(np.divmod(items_N, self.base), axis=1)
        return SemanticIds(codes_IL, self.sizes)


class CannotAssign:
    def fit(self, signals, *, rng):
        raise AssertionError


class CannotFit(ByNumber):
    def fit(self, signals, *, rng):
        raise KeyError("price")


class GivesCodes(ByNumber):
    def fit(self, signals, *, rng):
        return super().fit(signals, rng=rng).codes_IL


class GivesFewer(ByNumber):
    def fit(self, signals, *, rng):
        ids = super().fit(signals, rng=rng)
        return SemanticIds(ids.codes_IL[:-1], ids.sizes)


class GivesSome(ByNumber):
    def fit(self, signals, *, rng):
        return super().fit(signals, rng=rng).among(np.arange(len(signals)) != 3)


class GivesWrongCodes(ByNumber):
    def fit(self, signals, *, rng):
        ids = super().fit(signals, rng=rng)
        return replace(ids, codes_IL=ids.codes_IL + np.int32(self.base))
