"""Residual k-means of item text vectors, over the whole catalogue or inside categories."""

import numpy as np

from cqsid.tokenizer.quantize.grid import check_finite
from cqsid.tokenizer.quantize.residual import ResidualQuantizer
from cqsid.tokenizer.quantize.settings import KMeansSpec
from cqsid.tokenizer.signals import Floats, Signals
from simulator.catalogue.catalog import Ints
from simulator.errors import ConfigError


class ResidualKMeans:
    """A `Quantizer`: k-means of the text vectors, then of what it leaves over, level by level.

    With `within_category` the first code is the item's category and the other levels quantise the
    difference to the category's mean vector; an item without a known category goes to the
    category of the nearest mean. A category without known items is never the nearest.
    """

    def __init__(
        self,
        spec: KMeansSpec | None = None,
        sizes: tuple[int, ...] = (256, 256, 256),
        within_category: bool = False,
    ) -> None:
        self.sizes = sizes
        self._spec = spec or KMeansSpec()
        self._within_category = within_category
        self._quantizer = ResidualQuantizer()

    def fit(self, signals: Signals, *, rng: np.random.Generator) -> None:
        """Learn from the known items.

        Raises:
            ConfigError: fewer first codes than categories, where the codes are categories.
            DataError: no known item, or a vector that is not finite.
        """
        if self._within_category and self.sizes[0] < signals.categories:
            raise ConfigError(
                f"sizes[0] == {self.sizes[0]}, must be >= {signals.categories} (categories)"
            )
        known_N = np.flatnonzero(signals.known_I).astype(np.int32)
        self._quantizer.fit(
            self.vectors(signals, known_N),
            self.sizes,
            rng=rng,
            balance=self._spec.balance,
            iterations=self._spec.iterations,
            sample=self._spec.sample,
            given_N=self._given(signals, known_N),
        )

    def codes(self, signals: Signals, items_N: Ints) -> Ints:
        """(N, L) codes of some items, each a function of its vector (and its category) alone."""
        return self._quantizer.encode(self.vectors(signals, items_N), self._given(signals, items_N))

    def vectors(self, signals: Signals, items_N: Ints) -> Floats:
        """(N, D) text vectors of some items.

        Raises:
            DataError: a component is not a finite number.
        """
        vectors_ND = signals.item_ID[items_N]
        check_finite(vectors_ND, "item_ID", items_N)
        return vectors_ND

    def _given(self, signals: Signals, items_N: Ints) -> Ints | None:
        return signals.category_I[items_N] if self._within_category else None
