"""The simple filler: value words that stand in an item's texts, else the commonest value.

A value that is named in title or description is filled with the share of published cells in which
the named value is the right one. Where several are, the commonest of the category is taken. Where
none is, the commonest value of the category is filled, with its share of the published ones. That
share does not know that most of such cells have no value at all. Categories are filled likewise, by
the words of their own names; they alone are where no values are published.
"""

import numpy as np
from numpy.typing import NDArray

from recall.texts.words import item_texts
from recall.understanding.cells import (
    Cells,
    Longs,
    applicable,
    missing_cells,
    on_sale,
    published_cells,
)
from recall.understanding.filled import Filled, Guesses, values_of, with_guesses
from recall.understanding.named import Names
from simulator.catalogue.catalog import Catalog, Ints
from simulator.log.history import History

Doubles = NDArray[np.float64]


class DictionaryUnderstanding:
    """Fills what is named; see the module."""

    def fit(self, catalog: Catalog, history: History, *, rng: np.random.Generator) -> None:
        """Count published values of items on sale; chance plays no part."""
        structured = values_of(catalog)
        self._values = Names(structured.value_names)
        self._leaves = Names([path.rpartition(">")[2] for path in catalog.categories])
        self._attribute_W = structured.attribute_W.astype(np.int64)
        taught_I = on_sale(catalog, history)
        cells = published_cells(catalog)
        cells = cells.rows(taught_I[cells.item_F])
        category_I = np.where(taught_I, catalog.category_I, -1).astype(np.int32)
        shape = len(catalog.categories), len(structured.value_names)
        self._count_C = np.bincount(category_I[category_I >= 0], minlength=shape[0])
        self._count_CW = np.zeros((shape[0] + 1, shape[1]))  # the last row is of no category
        np.add.at(self._count_CW, (category_I[cells.item_F], cells.value_F), 1)
        attributes = len(structured.attributes)
        self._applicable_CA = applicable(cells, category_I, shape[0], attributes)
        texts = _texts(catalog)
        named_F = self._named(texts, cells, category_I)
        told_F = named_F >= 0
        self._sure = _share(int((named_F == cells.value_F)[told_F].sum()), int(told_F.sum()))
        guess_I, told_I = self._named_category(texts)
        told_I &= category_I >= 0
        self._sure_category = _share(int((guess_I == category_I)[told_I].sum()), int(told_I.sum()))

    def fill(self, catalog: Catalog) -> Filled:
        """What is named, else what is commonest."""
        texts = _texts(catalog)
        guess_I, told_I = self._named_category(texts)
        sure_I = np.where(told_I, self._sure_category, 0.0)
        if self._count_C.any():
            share = self._count_C.max() / self._count_C.sum()
            guess_I = np.where(told_I, guess_I, self._count_C.argmax())
            sure_I = np.where(told_I, sure_I, share)
        known_I = catalog.category_I >= 0
        category_I = np.where(known_I, catalog.category_I, guess_I).astype(np.int32)
        cells = missing_cells(published_cells(catalog), category_I, self._applicable_CA)
        named_F = self._named(texts, cells, category_I)
        common_F, share_F = self._commonest(category_I[cells.item_F], cells.attribute_F)
        told_F = named_F >= 0
        sure_F = np.where(told_F, self._sure, share_F) * np.where(known_I, 1, sure_I)[cells.item_F]
        guesses = Guesses(cells.item_F, np.where(told_F, named_F, common_F), sure_F)
        return with_guesses(catalog, guesses, category_I, sure_I.astype(np.float32))

    def _named(self, texts: list[str], cells: Cells, category_I: Ints) -> Longs:
        """(F,) the value of each cell that a text names, the commonest of several; -1: none."""
        item_E, value_E = self._values.found(texts)
        wide = max(int(self._attribute_W.max(initial=0)) + 1, 1)
        key_E = item_E * wide + self._attribute_W[value_E]
        count_E = self._count_CW[category_I[item_E], value_E]
        order = np.lexsort((value_E, -count_E, key_E))
        key_U, first_U = np.unique(key_E[order], return_index=True)
        best_U = value_E[order][first_U]
        key_F = cells.item_F * wide + cells.attribute_F
        at_F = np.minimum(np.searchsorted(key_U, key_F), max(len(key_U) - 1, 0))
        if not len(key_U):
            return np.full(len(cells), -1, np.int64)
        return np.where(key_U[at_F] == key_F, best_U[at_F], -1)

    def _named_category(self, texts: list[str]) -> tuple[Longs, NDArray[np.bool_]]:
        """(I,) the category of most words that a text names, and whether it names any."""
        item_E, category_E = self._leaves.found(texts)
        size_E = self._leaves.size_N[category_E]
        order = np.lexsort((category_E, -self._count_C[category_E], -size_E, item_E))
        item_U, first_U = np.unique(item_E[order], return_index=True)
        guess_I = np.full(len(texts), -1, np.int64)
        guess_I[item_U] = category_E[order][first_U]
        return guess_I, guess_I >= 0

    def _commonest(self, category_F: Ints, attribute_F: Longs) -> tuple[Longs, Doubles]:
        """(F,) commonest value of an attribute in a category, and its share of all there."""
        order_W = np.argsort(self._attribute_W, kind="stable")
        first_A = np.searchsorted(
            self._attribute_W[order_W], np.arange(attribute_F.max(initial=0) + 2)
        )
        counts_CW = self._count_CW[:, order_W]
        attributes = len(first_A) - 1
        total_CA, best_CA = (
            np.zeros((len(counts_CW), attributes)),
            np.zeros((len(counts_CW), attributes), np.int64),
        )
        for attribute in range(attributes):
            part = slice(first_A[attribute], first_A[attribute + 1])
            if part.start < part.stop:
                total_CA[:, attribute] = counts_CW[:, part].sum(axis=1)
                best_CA[:, attribute] = order_W[part][counts_CW[:, part].argmax(axis=1)]
        best_F, total_F = best_CA[category_F, attribute_F], total_CA[category_F, attribute_F]
        return best_F, self._count_CW[category_F, best_F] / np.maximum(total_F, 1)


def _texts(catalog: Catalog) -> list[str]:
    return item_texts(catalog, description=True)


def _share(right: int, of: int) -> float:
    """A share, drawn a little to one half where there is little to count."""
    return (right + 1) / (of + 2)
