"""The protocol of an identifier scheme."""

from typing import Protocol, runtime_checkable

import numpy as np

from cqsid.ids import SemanticIds
from cqsid.signals import Signals
from simulator.catalog import Ints


@runtime_checkable
class Scheme(Protocol):
    """Gives items their semantic ids. Picklable, with its learned state, after `fit`."""

    def fit(self, signals: Signals, *, rng: np.random.Generator) -> SemanticIds:
        """Learn, and give an id to every known item (`signals.known_I`); others have none yet."""

    def assign(self, signals: Signals, items_N: Ints, ids: SemanticIds) -> SemanticIds:
        """The table with ids for some more items, without learning again.

        Items that have an id keep it, and the sizes of the levels stay. The result depends on
        nothing but the arguments and what `fit` learned; `items_N` are in order of arrival.
        """
