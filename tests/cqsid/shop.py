"""A tiny shop and what identifier schemes may learn from it."""

from dataclasses import replace

import numpy as np

from cqsid.tokenizer.signals import Floats, Signals
from recall.sampleshop import sample_catalog, sample_history
from recall.texts.features import TextFeatures
from simulator.catalogue.catalog import Catalog
from simulator.log.history import History

DIMENSIONS = 24


class HashedWords:
    """`TextVectors`: the mean of fixed random vectors of a text's words and character n-grams."""

    def __init__(self, dimensions: int = DIMENSIONS, buckets: int = 4096) -> None:
        self._table = np.random.default_rng(5).normal(size=(buckets, dimensions))

    def items(self, texts: list[str]) -> Floats:
        """(N, D) unit vectors, zeros for a text without a letter or digit."""
        bags = TextFeatures.of(texts, len(self._table)).bags()
        sums = np.array(
            [self._table[bag].sum(axis=0) for bag in np.split(bags.values, bags.pointer[1:-1])]
        )
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        return np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0).astype(
            np.float32
        )

    def queries(self, texts: list[str]) -> Floats:
        """The same as for items."""
        return self.items(texts) if texts else np.zeros((0, self._table.shape[1]), np.float32)


def tiny_shop(n_items: int = 60, n_requests: int = 200, later: int = 6) -> tuple[Catalog, History]:
    """The sample catalogue, its last `later` items entering after the log, and the log."""
    catalog = sample_catalog(n_items)
    created_at_I = catalog.created_at_I.copy()
    created_at_I[n_items - later :] = 1e9
    return replace(catalog, created_at_I=created_at_I), sample_history(catalog, n_requests)


def tiny_signals(n_items: int = 60, n_requests: int = 200, later: int = 6, **columns) -> Signals:
    """Signals of the tiny shop.

    Args:
        n_items: items, a tenth of them without a category.
        n_requests: requests of the log; 0: an empty log.
        later: how many items, the last ones, are not known yet.
        columns: columns of `Signals` to replace.
    """
    catalog, history = tiny_shop(n_items, n_requests, later)
    return replace(Signals.of(catalog, history, HashedWords()), **columns)


def later_items(signals: Signals) -> np.ndarray:
    """The items that are not known yet, in order of arrival."""
    new_N = np.flatnonzero(~signals.known_I)
    return new_N[np.argsort(signals.created_at_I[new_N], kind="stable")].astype(np.int32)
