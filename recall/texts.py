"""Texts: their words, their hashed features, and answers that depend on the text alone."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from recall.arrays import Ragged
from simulator.catalogue.catalog import Catalog
from simulator.protocols import Requests
from simulator.scripts import words_in


def singular(word: str) -> str:
    """Undo a plain English plural (the S-stemmer of Harman, JASIS 42(1), 1991).

    Short words and words with a digit stay as they are.
    """
    if len(word) < 4 or word[-1] != "s" or not word.isalpha():
        return word
    if word.endswith("ies"):
        return word if word[-4] in "ae" else word[:-3] + "y"
    if word.endswith("es"):
        return word if word[-3] in "aeo" else word[:-1]
    return word if word[-2] in "us" else word[:-1]


def words(text: str, *, plurals: bool = True) -> list[str]:
    """Lowercase runs of letters and digits, in order; plurals undone where asked for.

    Where a script has no spaces between words, n-grams of its characters stand for them.
    """
    found = words_in(text.lower())
    return [singular(word) for word in found] if plurals else found


@dataclass(frozen=True)
class WordNumbers:
    """The words of some texts, numbered by first appearance."""

    number: dict[str, int]
    plurals: bool = True

    @staticmethod
    def learn(texts: Iterable[str], *, plurals: bool = True) -> tuple["WordNumbers", Ragged]:
        """The vocabulary of these texts, and the texts as word numbers."""
        number: dict[str, int] = {}
        lists = [
            [number.setdefault(word, len(number)) for word in words(text, plurals=plurals)]
            for text in texts
        ]
        return WordNumbers(number, plurals), Ragged.of(lists)

    def __len__(self) -> int:
        return len(self.number)

    def encode(self, texts: Sequence[str]) -> Ragged:
        """The known words of each text, in order; unknown words are left out."""
        number = self.number
        return Ragged.of(
            [
                [number[word] for word in words(text, plurals=self.plurals) if word in number]
                for text in texts
            ]
        )


def item_texts(
    catalog: Catalog, *, description: bool = False, brand: bool = False, category: bool = False
) -> list[str]:
    """Title of each item, with what else is asked for; unknown brands and categories add nothing.

    Of a category path the last part is taken.
    """
    columns: list[Sequence[str]] = [list(catalog.title_I)]
    if description:
        columns.append(list(catalog.description_I))
    if brand:
        names = (*catalog.brands, "")
        columns.append([names[code] for code in catalog.brand_I])
    if category:
        leaves = (*(path.rpartition(">")[2].strip() for path in catalog.categories), "")
        columns.append([leaves[code] for code in catalog.category_I])
    return [" ".join(parts) for parts in zip(*columns, strict=True)]


_GRAM = 3


@dataclass(frozen=True)
class TextFeatures:
    """Texts as words, and words as features.

    Attributes:
        words: word numbers of each text, in order.
        features: feature numbers of each word, all below the number of buckets.
    """

    words: Ragged
    features: Ragged

    @staticmethod
    def of(texts: Sequence[str], buckets: int) -> "TextFeatures":
        """Features of some texts; the same word has the same features in every call."""
        vocabulary, words = WordNumbers.learn(texts)
        return TextFeatures(words, Ragged.of([_hashed(w, buckets) for w in vocabulary.number]))

    def bags(self) -> Ragged:
        """The features of each text."""
        return self.words.expand(self.features)


def _hashed(word: str, buckets: int) -> list[int]:
    marked = f"<{word}>"
    grams = [marked[at : at + _GRAM] for at in range(len(marked) - _GRAM + 1)]
    return [crc32(feature.encode()) % buckets for feature in (f"={word}", *grams)]


Columns = tuple[NDArray[np.generic], ...]
_NO_TEXTS: tuple[str, ...] = ()


class TextCache:
    """Rows of arrays, one for each query text of one world; kept empty.

    Args:
        capacity: texts remembered at most; when a batch would pass it, all are forgotten first.
    """

    def __init__(self, capacity: int = 65_536) -> None:
        self._capacity = capacity
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._texts = _NO_TEXTS
        self._key: Hashable = None
        self._row_T = np.empty(0, np.int32)
        self._columns: Columns = ()
        self._size = 0

    def __getstate__(self) -> int:
        return self._capacity

    def __setstate__(self, capacity: int) -> None:
        self._capacity = capacity
        self.clear()

    def __call__(
        self, requests: Requests, compute: Callable[[list[str]], Columns], key: Hashable = None
    ) -> Columns:
        """Arrays of one row for each request.

        Args:
            requests: whose texts are asked for.
            compute: gives, for distinct texts, arrays of one row each.
            key: whatever else the answer depends on; a new key forgets the old answers.
        """
        if self._texts is not requests.texts or self._key != key:
            self.clear()
            self._texts, self._key = requests.texts, key
            self._row_T = np.full(len(requests.texts), -1, np.int32)
        new = np.unique(requests.text_B[self._row_T[requests.text_B] < 0])
        if len(new) and self._size + len(new) > self._capacity:
            self._row_T[:] = -1
            self._size = 0
            new = np.unique(requests.text_B)
        if len(new) or not self._columns:
            self._append(new, compute([requests.texts[text] for text in new]))
        row_B = self._row_T[requests.text_B]
        return tuple(column[row_B] for column in self._columns)

    def _append(self, new: NDArray[np.int32], values: Columns) -> None:
        size = self._size + len(new)
        if not self._columns:
            self._columns = tuple(value[:0] for value in values)
        if size > len(self._columns[0]):
            self._columns = tuple(_grown(column, 2 * size) for column in self._columns)
        for column, value in zip(self._columns, values, strict=True):
            column[self._size : size] = value
        self._row_T[new] = np.arange(self._size, size)
        self._size = size


def _grown(column: NDArray[np.generic], length: int) -> NDArray[np.generic]:
    longer = np.empty((length, *column.shape[1:]), column.dtype)
    longer[: len(column)] = column
    return longer
