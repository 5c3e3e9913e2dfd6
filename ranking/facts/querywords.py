"""What the words of a query say of an item: how many of them its text holds, and which brand."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recall.arrays import Ragged
from recall.texts import WordNumbers, item_texts, words
from simulator.catalogue.catalog import Catalog, Ints

Floats = NDArray[np.float32]

Asked = tuple[NDArray[np.int64], Ints, Floats, Ints]
"""Of every text: start of its words, their numbers ascending, weight of all its words, brand."""


@njit(cache=True, nogil=True)
def _read(
    covered_BN: Any, named_BN: Any, items_BN: Any, text_B: Any, asked: Any, sold: Any
) -> None:  # pragma: no cover
    start_T, word_E, total_T, brand_T = asked
    start_I, word_X, weight_W, brand_I = sold
    for b in range(items_BN.shape[0]):
        text = text_B[b]
        brand = brand_T[text]
        for n in range(items_BN.shape[1]):
            item = items_BN[b, n]
            if item < 0:
                continue
            if brand >= 0:
                named_BN[b, n] = 1.0 if brand_I[item] == brand else -1.0
            e, x, found = start_T[text], start_I[item], np.float32(0.0)
            while e < start_T[text + 1] and x < start_I[item + 1]:
                if word_E[e] == word_X[x]:
                    found += weight_W[word_E[e]]
                    e += 1
                    x += 1
                elif word_E[e] < word_X[x]:
                    e += 1
                else:
                    x += 1
            if total_T[text] > 0:
                covered_BN[b, n] = found / total_T[text]


class QueryWords:
    """Reads queries against titles, descriptions, brands and categories; nothing is learned.

    A word weighs log(1 + items / items whose text holds it), an unknown one as if no other item
    held it.
    """

    def __init__(self, catalog: Catalog) -> None:
        texts = item_texts(catalog, description=True, brand=True, category=True)
        self._vocabulary, words_I = WordNumbers.learn(texts)
        start_I, word_X = _distinct(words_I)
        held_W = np.bincount(word_X, minlength=len(self._vocabulary))
        weight_W = np.log1p(len(catalog) / np.maximum(held_W, 1)).astype(np.float32)
        self._sold = (start_I, word_X, weight_W, catalog.brand_I)
        self._unknown = np.float32(np.log1p(len(catalog)))
        self._brands = catalog.brands
        self._texts: tuple[str, ...] = ()
        self._asked = self._compute(())

    def __call__(
        self, texts: tuple[str, ...], text_B: Ints, items_BN: Ints
    ) -> tuple[Floats, Floats]:
        """How each query speaks of each item; what depends on texts alone is kept for a world.

        Returns:
            (B, N) share of the query's words, by weight, that the item's text holds; (B, N) 1 where
            the query names the item's brand, -1 where it names another, 0 where it names none.
        """
        if self._texts is not texts:
            self._texts, self._asked = texts, self._compute(texts)
        covered_BN, named_BN = (np.zeros(items_BN.shape, np.float32) for _ in range(2))
        _read(covered_BN, named_BN, items_BN, text_B, self._asked, self._sold)
        return covered_BN, named_BN

    def _compute(self, texts: tuple[str, ...]) -> Asked:
        number, (_, _, weight_W, _) = self._vocabulary.number, self._sold
        sets = [set(words(text)) for text in texts]
        known = [sorted(number[word] for word in each if word in number) for each in sets]
        start_T, word_E = _pointer(Ragged.of(known))
        unknown_T = np.array(
            [len(a) - len(b) for a, b in zip(sets, known, strict=True)], np.float32
        )
        sums_E = np.concatenate([[0.0], np.cumsum(weight_W[word_E], dtype=np.float64)])
        total_T = sums_E[start_T[1:]] - sums_E[start_T[:-1]] + unknown_T * self._unknown
        return start_T, word_E, total_T.astype(np.float32), self._named(sets)

    def _named(self, sets: list[set[str]]) -> Ints:
        """The brand of most words that are all among a text's words; -1 where there is none."""
        brands = [frozenset(words(brand)) for brand in self._brands]
        first: dict[str, list[int]] = {}
        for brand, its in enumerate(brands):
            if its:
                first.setdefault(min(its), []).append(brand)
        named_T = np.full(len(sets), -1, np.int32)
        for text, said in enumerate(sets):
            among = [b for word in said for b in first.get(word, ()) if brands[b] <= said]
            if among:
                named_T[text] = max(among, key=lambda brand: (len(brands[brand]), -brand))
        return named_T

    def __getstate__(self) -> dict[str, object]:
        """What is kept: all but the texts of a world."""
        return self.__dict__ | {"_texts": (), "_asked": self._compute(())}


def _pointer(ragged: Ragged) -> tuple[NDArray[np.int64], Ints]:
    return ragged.pointer.astype(np.int64), ragged.values.astype(np.int32)


def _distinct(words_D: Ragged) -> tuple[NDArray[np.int64], Ints]:
    """Each word of a document once, ascending."""
    document = np.repeat(np.arange(len(words_D.lengths)), words_D.lengths)
    order = np.lexsort((words_D.values, document))
    document, word = document[order], words_D.values[order]
    new = np.ones(len(word), np.bool_)
    new[1:] = (document[1:] != document[:-1]) | (word[1:] != word[:-1])
    counts = np.bincount(document[new], minlength=len(words_D.lengths))
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return start, word[new].astype(np.int32)
