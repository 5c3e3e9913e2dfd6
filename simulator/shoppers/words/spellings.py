"""Who writes a query in which way: many shoppers write alike, others in a way of their own.

A wording is one text that is common, and others in which a shopper may write the same thing. Head
queries are short, so most write them alike; a long query is seldom written twice. That is why a
shop keeps seeing texts that nobody asked before, and what a channel that knows texts by heart
cannot answer.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Spellings:
    """For each of T common texts, E others in all that stand for it.

    Attributes:
        own_T: chance that a shopper writes it in another way than the common one.
        start_T, count_T: where its others begin in `text_E`, and how many there are.
        text_E: their numbers among the texts of the world, ascending for each common text.
    """

    own_T: Floats
    start_T: Indices
    count_T: Indices
    text_E: Ints

    def written(self, text_B: Ints, uniform_B: Floats) -> Ints:
        """(B,) the texts that are typed for common texts, by a uniform draw each."""
        if not len(self.text_E):
            return text_B
        own_B, count_B = self.own_T[text_B], self.count_T[text_B]
        alike_B = (uniform_B >= own_B) | (count_B == 0) | (text_B < 0)
        # The same uniform, stretched, chooses among the others.
        stretched_B = np.where(alike_B, 0.0, uniform_B / np.where(own_B > 0, own_B, 1.0))
        which_B = np.minimum((stretched_B * count_B).astype(np.int64), np.maximum(count_B - 1, 0))
        at_B = np.where(alike_B, 0, self.start_T[text_B] + which_B)
        return np.where(alike_B, text_B, self.text_E[at_B]).astype(np.int32)

    def stand_for(self, written_B: Ints, text_B: Ints) -> Flags:
        """Whether texts as typed stand for common texts; the shapes are broadcast."""
        same_B = (written_B == text_B) & (np.asarray(text_B) >= 0)
        if not len(self.text_E):
            return np.asarray(same_B)
        size = int(self.text_E.max()) + 1
        key_E = np.repeat(np.arange(len(self.count_T)), self.count_T) * size + self.text_E
        wanted_B = np.asarray(text_B).astype(np.int64) * size + written_B
        at_B = np.minimum(np.searchsorted(key_E, wanted_B), len(key_E) - 1)
        known_B = (key_E[at_B] == wanted_B) & (np.asarray(text_B) >= 0) & (written_B < size)
        return np.asarray(same_B | known_B)


ALIKE = Spellings(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int32))
"""Everybody writes a wording in the same way."""
