"""What a classifier reads of items: hashed words, pairs of words, and known facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from recall.arrays import Ragged
from recall.texts.words import words
from recall.understanding.cells import Cells, Longs, published_cells
from recall.understanding.filled import values_of
from simulator.catalogue.catalog import Catalog, Ints

BUCKETS = 2**20
_NONE = -1


@lru_cache(maxsize=262_144)
def bucket(feature: str) -> int:
    """Number of a feature, the same in every process."""
    return crc32(feature.encode()) % BUCKETS


@dataclass(frozen=True)
class ItemFeatures:
    """Features of I items: words and pairs of neighbouring words of title and description, brand,
    category and published values.

    Attributes:
        features: buckets of each item's features.
        word_F: bucket of the first word of a feature, -1 where it is no word.
        next_F: of its second word, -1 where there is none.
        attribute_F: the attribute that a feature tells, `attributes` for the category; -1 for
            others.
        attributes: how many there are.
    """

    features: Ragged
    word_F: Longs
    next_F: Longs
    attribute_F: Longs
    attributes: int

    @staticmethod
    def of(catalog: Catalog, category_I: Ints) -> "ItemFeatures":
        """Features of a catalogue.

        Args:
            catalog: the items.
            category_I: of each, published or guessed, -1 where there is none.
        """
        structured, cells = values_of(catalog), published_cells(catalog)
        attributes = len(structured.attributes)
        parts = [*_words(catalog.title_I), *_words(catalog.description_I)]
        for name, names, code_I, told in (
            ("brand", catalog.brands, catalog.brand_I, _NONE),
            ("category", catalog.categories, category_I, attributes),
        ):
            bucket_N = _buckets([f"{name}={each}" for each in names])
            item_E = np.flatnonzero(code_I >= 0)
            parts.append(_facts(item_E, bucket_N[code_I[item_E]], np.full(len(item_E), told)))
        of_W = [structured.attributes[number] for number in structured.attribute_W.tolist()]
        bucket_W = _buckets(
            [f"{a}={name}" for a, name in zip(of_W, structured.value_names, strict=True)]
        )
        parts.append(_facts(cells.item_F, bucket_W[cells.value_F], cells.attribute_F))
        item_F, *columns = (np.concatenate(column) for column in zip(*parts, strict=True))
        order_F = np.argsort(item_F, kind="stable")
        pointer = np.concatenate([[0], np.cumsum(np.bincount(item_F, minlength=len(catalog)))])
        bucket_F, word_F, next_F, attribute_F = (column[order_F] for column in columns)
        return ItemFeatures(
            Ragged(bucket_F, pointer.astype(np.int64)), word_F, next_F, attribute_F, attributes
        )

    def of_cells(self, cells: Cells, dropped_F: Longs, names: Sequence[str]) -> Ragged:
        """The features that a cell's value is told by: those of its item but its own attribute.

        Args:
            cells: what is to be told.
            dropped_F: the name whose words a cell is not to read, -1: it reads all.
            names: to be dropped.
        """
        lists = Ragged(np.arange(len(self.word_F)), self.features.pointer).take(cells.item_F)
        cell_E, at_E = np.repeat(np.arange(len(cells)), lists.lengths), lists.values
        kept_E = self.attribute_F[at_E] != cells.attribute_F[cell_E]
        key = np.unique(
            np.array(
                [
                    n * BUCKETS + bucket(word)
                    for n, name in enumerate(names)
                    for word in words(name)
                ],
                np.int64,
            )
        )
        some_E = np.flatnonzero(dropped_F[cell_E] >= 0)
        for word_F in (self.word_F, self.next_F):
            word_S = word_F[at_E[some_E]]
            gone_S = np.isin(dropped_F[cell_E[some_E]] * BUCKETS + word_S, key) & (word_S >= 0)
            kept_E[some_E[gone_S]] = False
        length_F = np.bincount(cell_E[kept_E], minlength=len(cells))
        pointer = np.concatenate([[0], np.cumsum(length_F)]).astype(np.int64)
        return Ragged(self.features.values[at_E[kept_E]], pointer)


_Part = tuple[Longs, Longs, Longs, Longs, Longs]


def _buckets(features: list[str]) -> Longs:
    return np.array([bucket(each) for each in features], np.int64)


def _facts(item_F: NDArray[np.integer], bucket_F: Longs, attribute_F: NDArray[np.integer]) -> _Part:
    none_F = np.full(len(item_F), _NONE, np.int64)
    return item_F.astype(np.int64), bucket_F, none_F, none_F, attribute_F.astype(np.int64)


def _words(texts: NDArray[np.object_]) -> list[_Part]:
    """Words of texts, and their pairs of neighbours."""
    said = [words(text) for text in texts.tolist()]
    parts: list[_Part] = []
    for size, listed in (
        (1, [[(word,) for word in each] for each in said]),
        (2, [list(pairwise(each)) for each in said]),
    ):
        item_F = np.repeat(np.arange(len(said)), [len(each) for each in listed])
        flat = [gram for each in listed for gram in each]
        word_F = _buckets([gram[0] for gram in flat])
        last_F = _buckets([gram[-1] for gram in flat])
        none_F = np.full(len(flat), _NONE, np.int64)
        both_F = word_F if size == 1 else _buckets([" ".join(gram) for gram in flat])
        parts.append((item_F, both_F, word_F, none_F if size == 1 else last_F, none_F))
    return parts
