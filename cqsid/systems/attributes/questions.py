"""What the writer is asked of items, and the answers that it may give.

Axis suffixes: F cells, each an item and an attribute; I items; W values; A attributes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recall.texts.words import item_texts, words
from recall.understanding.cells import Cells
from recall.understanding.filled import values_of
from simulator.catalogue.catalog import Catalog, Ints

ATTRIBUTE: Final = "attribute"
CATEGORY: Final = "category"
"""The two tasks."""
UNKNOWN: Final = "unknown"
"""The answer where an item has no such value, or nobody can tell."""


def leaves(catalog: Catalog) -> list[str]:
    """The last part of each category's path."""
    return [path.rpartition(">")[2].strip().lower() for path in catalog.categories]


@dataclass(frozen=True)
class Items:
    """The words of items as the writer reads them.

    Attributes:
        catalog: public.
        category_I: category of each item, published or guessed; -1: none.
    """

    catalog: Catalog
    category_I: Ints

    @cached_property
    def _texts(self) -> list[list[str]]:
        told = item_texts(self.catalog, description=True, brand=True)
        return [list(words(text, plurals=False)) for text in told]

    def about_values(self, cells: Cells, dropped_F: NDArray[np.bool_]) -> list[str]:
        """(F,) category, other published values, and words of the items of cells.

        Args:
            cells: whose own value is not told.
            dropped_F: where the words of the value are left out of the item's words, too.
        """
        structured, leaf_C = values_of(self.catalog), [*leaves(self.catalog), ""]
        names = [list(words(name, plurals=False)) for name in structured.value_names]
        values_IV, category_I = structured.values_IV.tolist(), self.category_I.tolist()
        attribute_W = structured.attribute_W.tolist()
        about = []
        columns = (cells.item_F, cells.attribute_F, cells.value_F, dropped_F)
        for item, asked, value, drop in zip(*(each.tolist() for each in columns), strict=True):
            others = [
                word
                for other in values_IV[item]
                if other >= 0 and attribute_W[other] != asked
                for word in names[other]
            ]
            gone = {*names[value]} if drop and value >= 0 else set()
            said = [word for word in self._texts[item] if word not in gone]
            told = [*leaf_C[category_I[item]].split(), *others, *said]
            about.append(" ".join(dict.fromkeys(told)))
        return about

    def about_categories(self, item_F: NDArray[np.integer]) -> list[str]:
        """(F,) words of items without their category."""
        return [" ".join(dict.fromkeys(self._texts[item])) for item in item_F.tolist()]


@dataclass(frozen=True)
class Answers:
    """The answers to one question.

    Attributes:
        texts: what may be written; `UNKNOWN` last, where it may be.
        code_R: what each answer stands for; -1 for `UNKNOWN`.
    """

    texts: tuple[str, ...]
    code_R: NDArray[np.int64]

    @staticmethod
    def of(names: Sequence[str], codes: NDArray[np.integer], *, unknown: bool) -> "Answers":
        """The different names of some codes; of equal ones the first code stands for all."""
        first: dict[str, int] = {}
        for name, code in zip(names, codes.tolist(), strict=True):
            first.setdefault(" ".join(words(name, plurals=False)) or name, code)
        texts, code_R = [*first], [*first.values()]
        if unknown:
            texts.append(UNKNOWN)
            code_R.append(-1)
        return Answers(tuple(texts), np.array(code_R, np.int64))
