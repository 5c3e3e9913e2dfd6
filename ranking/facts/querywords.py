"""What the words of a query say of an item: how many of them its text holds, and which brand."""

import copy
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recall.arrays import Ragged
from recall.texts.cache import TextCache
from recall.texts.words import WordNumbers, item_texts, words
from simulator.catalogue.catalog import Catalog, Ints
from simulator.protocols import Requests

Floats = NDArray[np.float32]

Asked = tuple[Ragged, Floats, Ints]
"""Of each text: its words' numbers ascending, the weight of all its words, the brand it names."""


@njit(cache=True, nogil=True)
def _read(
    covered_BN: Any, named_BN: Any, items_BN: Any, asked: Any, sold: Any
) -> None:  # pragma: no cover
    word_E, start_B, total_B, brand_B = asked
    start_I, word_X, weight_W, brand_I = sold
    for b in range(items_BN.shape[0]):
        brand = brand_B[b]
        for n in range(items_BN.shape[1]):
            item = items_BN[b, n]
            if item < 0:
                continue
            if brand >= 0:
                named_BN[b, n] = 1.0 if brand_I[item] == brand else -1.0
            x, found = start_I[item], np.float32(0.0)
            for e in range(start_B[b], start_B[b + 1]):  # an item has many words, a query few
                word, end = word_E[e], start_I[item + 1]
                while x < end:
                    middle = (x + end) // 2
                    if word_X[middle] < word:
                        x = middle + 1
                    else:
                        end = middle
                if x < start_I[item + 1] and word_X[x] == word:
                    found += weight_W[word]
            if total_B[b] > 0:
                covered_BN[b, n] = found / total_B[b]


class QueryWords:
    """Reads queries against titles, descriptions, brands and categories; nothing is learned.

    A word weighs log(1 + items / items whose text holds it), an unknown one as if no other item
    held it.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._numbers = False
        texts = item_texts(catalog, description=True, brand=True, category=True)
        self._vocabulary, words_I = WordNumbers.learn(texts)
        start_I, word_X = _distinct(words_I)
        held_W = np.bincount(word_X, minlength=len(self._vocabulary))
        weight_W = np.log1p(len(catalog) / np.maximum(held_W, 1)).astype(np.float32)
        self._sold = (start_I, word_X, weight_W, catalog.brand_I)
        self._unknown = np.float32(np.log1p(len(catalog)))
        self._brands = [tuple(sorted(set(words(brand)))) for brand in catalog.brands]
        self._brands_of: dict[str, list[int]] = {}  # by one of their words
        for brand, its in enumerate(self._brands):
            if its:
                self._brands_of.setdefault(its[0], []).append(brand)
        self._asked = TextCache()

    def numbers(self) -> "QueryWords":
        """The same reader for words with a digit alone (2l, 128gb); both share what they know."""
        reader = copy.copy(self)
        reader._numbers, reader._asked = True, TextCache()
        return reader

    def __call__(self, requests: Requests, items_BN: Ints) -> tuple[Floats, Floats]:
        """How each query speaks of each item.

        Returns:
            (B, N) share of the query's words, by weight, that the item's text holds; (B, N) 1 where
            the query names the item's brand, -1 where it names another, 0 where it names none.
        """
        word_B, total_B, brand_B = self._asked(requests, self._compute)
        covered_BN, named_BN = (np.zeros(items_BN.shape, np.float32) for _ in range(2))
        asked = word_B.values, word_B.pointer, total_B, brand_B
        _read(covered_BN, named_BN, items_BN, asked, self._sold)
        return covered_BN, named_BN

    def _compute(self, texts: list[str]) -> Asked:
        number, (_, _, weight_W, _) = self._vocabulary.number, self._sold
        sets = [
            {word for word in words(text) if not self._numbers or any(map(str.isdigit, word))}
            for text in texts
        ]
        known = Ragged.of(
            [sorted(number[word] for word in each if word in number) for each in sets]
        )
        text_E = np.repeat(np.arange(len(texts)), known.lengths)
        sums_T = np.bincount(text_E, weight_W[known.values], minlength=len(texts))
        unknown_T = np.array([len(each) for each in sets], np.int64) - known.lengths
        total_T = (sums_T + unknown_T * self._unknown).astype(np.float32)
        return known, total_T, self._named(sets)

    def _named(self, sets: list[set[str]]) -> Ints:
        """The brand of most words that are all among a text's words; -1 where there is none."""
        brands, of = self._brands, self._brands_of
        named_T = np.full(len(sets), -1, np.int32)
        for text, said in enumerate(sets):
            among = [b for word in said for b in of.get(word, ()) if said.issuperset(brands[b])]
            if among:
                named_T[text] = max(among, key=lambda brand: (len(brands[brand]), -brand))
        return named_T


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
