"""The control of product understanding: nothing is filled."""

import numpy as np

from recall.understanding.filled import NO_GUESSES, Filled, with_guesses
from simulator.catalogue.catalog import Catalog
from simulator.log.history import History


class NoUnderstanding:
    """Leaves the catalogue as it is."""

    def fit(self, catalog: Catalog, history: History, *, rng: np.random.Generator) -> None:
        """Nothing is learned."""

    def fill(self, catalog: Catalog) -> Filled:
        """The catalogue itself."""
        nobody_I = np.zeros(len(catalog), np.float32)
        return with_guesses(catalog, NO_GUESSES, catalog.category_I, nobody_I)
