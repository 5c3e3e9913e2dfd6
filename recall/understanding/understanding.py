"""What a catalogue step is: it fills what the public catalogue leaves open."""

from typing import Protocol, runtime_checkable

import numpy as np

from recall.understanding.filled import Filled
from simulator.catalogue.catalog import Catalog
from simulator.log.history import History


@runtime_checkable
class Understanding(Protocol):
    """Guesses missing attribute values and categories. All state comes from `fit`.

    What is guessed of an item depends on that item alone: a new one is filled on its arrival, and
    not with hindsight. What the shop publishes stays as it is, but for values where a step has an
    attribute `corrects` that is true.
    """

    def fit(self, catalog: Catalog, history: History, *, rng: np.random.Generator) -> None:
        """Learn from what is published of the items that are on sale by the end of the log."""

    def fill(self, catalog: Catalog) -> Filled:
        """The catalogue with its best guesses, and how sure each of them is.

        Guesses of any confidence are wanted: whoever uses them says which are sure enough.
        """
