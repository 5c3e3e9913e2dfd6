"""What a chain judge reads of a pair: the words of the text, then those of the item."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cqsid.generator.prompts import PromptBuilder, Prompts
from recall.arrays import Ragged
from simulator.catalogue.catalog import Ints

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Prompts of pairs, put together when asked for.

    Attributes:
        builder: puts prompts together.
        texts, items: subwords of texts and of items.
        text_N, item_N: rows of each pair among these.
    """

    builder: PromptBuilder
    texts: Ragged
    items: Ragged
    text_N: Ints
    item_N: Ints

    def __len__(self) -> int:
        return len(self.text_N)

    @property
    def size_N(self) -> Rows:
        """(N,) subwords of each pair."""
        lengths = self.texts.lengths[self.text_N] + self.items.lengths[self.item_N]
        return np.asarray(lengths, np.int64)

    def some(self, rows: Rows) -> "Pairs":
        """Some of the pairs."""
        return replace(self, text_N=self.text_N[rows], item_N=self.item_N[rows])

    def rows(self, rows: Rows) -> Prompts:
        """Some of the prompts."""
        texts, items = self.texts.take(self.text_N[rows]), self.items.take(self.item_N[rows])
        return self.builder.pairs(texts, items)
