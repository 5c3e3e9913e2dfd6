"""Queries that say what a thing is good for instead of what it is called."""

import numpy as np

from simulator.catalogue.catalog import Ints, Texts
from simulator.catalogue.taxonomy import Words
from simulator.randomness import Draws
from simulator.shoppers.words.phrases import OPENERS, PERSON_OPENERS, PERSONS
from simulator.shoppers.words.thesaurus import uses_of


class Roundabout:
    """Composes them, from a beginning and one of the uses of a category.

    Args:
        categories: paths of the shop's categories.
        draws: luck, for the uses of categories that no lexicon knows.
    """

    def __init__(self, categories: Words, draws: Draws) -> None:
        self._uses = tuple(uses_of(path, draws) for path in categories)
        self._openers = (
            *(opener.format("{use}") for opener in OPENERS),
            *(o.replace("{who}", who) for o in PERSON_OPENERS for who in PERSONS),
        )

    def text(self, category: int, opener: float, use: float) -> str:
        """A query for a category, by two draws in [0, 1)."""
        uses = self._uses[category]
        begun = self._openers[int(opener * len(self._openers))]
        return begun.format(use=uses[int(use * len(uses))])

    def texts(self, category_Q: Ints, draws: Draws) -> Texts:
        """(Q,) a query for each category; "" for none (-1)."""
        number_Q = np.arange(len(category_Q))
        opener_Q = draws.uniform("wording.opener", slot=number_Q)
        use_Q = draws.uniform("wording.use", slot=number_Q)
        rows = zip(category_Q.tolist(), opener_Q.tolist(), use_Q.tolist(), strict=True)
        return np.fromiter((self.text(*row) if row[0] >= 0 else "" for row in rows), object)
