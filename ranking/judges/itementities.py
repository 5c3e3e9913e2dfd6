"""Items as entities: their category, brand and published attribute values, each with its words."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recall.arrays import Ragged
from recall.texts.words import WordNumbers, words
from simulator.catalogue.catalog import Catalog, Ints

TYPES = ("category", "brand", "value")
MOST_VALUES = 4
"""Values of one item that count: a product over many drifts to 1."""
SLOTS = (0, 1, *(2 for _ in range(MOST_VALUES)))
"""Type of each of the entities of an item."""


@dataclass(frozen=True)
class ItemEntities:
    """E entities, and which of them each of I items has.

    Attributes:
        names: words of each entity as text.
        type_E: type of each.
        entity_IM: entities of the items, in the order of `SLOTS`; -1 where one is missing.
        vocabulary: of the words of entities.
        words_E: numbers of each one's words, ascending, each once.
    """

    names: tuple[str, ...]
    type_E: Ints
    entity_IM: Ints
    vocabulary: WordNumbers
    words_E: Ragged

    @classmethod
    def of(cls, catalog: Catalog) -> "ItemEntities":
        """Those that the public catalogue tells; nothing that it leaves out is guessed."""
        leaves = [path.rpartition(">")[2].strip() for path in catalog.categories]
        structured = catalog.structured
        values = list(structured.value_names) if structured is not None else []
        parts = leaves, list(catalog.brands), values
        names = [name for part in parts for name in part]
        first = np.cumsum([0, *(len(part) for part in parts)])
        columns = [
            np.where(codes >= 0, codes + start, -1)[:, None]
            for codes, start in zip((catalog.category_I, catalog.brand_I), first, strict=False)
        ]
        value_IV = np.full((len(catalog), MOST_VALUES), -1, np.int64)
        if structured is not None:
            told = structured.values_IV[:, :MOST_VALUES]
            value_IV[:, : told.shape[1]] = np.where(told >= 0, told + first[2], -1)
        return cls._named(
            names,
            np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
            np.concatenate([*columns, value_IV], axis=1),
        )

    @classmethod
    def _named(
        cls, names: list[str], type_E: NDArray[np.integer], entity_IM: NDArray[np.integer]
    ) -> "ItemEntities":
        vocabulary, listed = WordNumbers.learn(names)
        lists = [
            sorted(set(listed.values[start:end].tolist()))
            for start, end in zip(listed.pointer, listed.pointer[1:], strict=False)
        ]
        return cls(
            names=tuple(names),
            type_E=type_E.astype(np.int32),
            entity_IM=entity_IM.astype(np.int32),
            vocabulary=vocabulary,
            words_E=Ragged.of(lists),
        )

    def joined(self) -> "ItemEntities":
        """Each item as one entity, of the words of all that it has; type 0."""
        names = [
            " ".join(self.names[each] for each in row if each >= 0)
            for row in self.entity_IM.tolist()
        ]
        return self._named(names, np.zeros(len(names), np.int32), np.arange(len(names))[:, None])

    def asked(self, texts: list[str]) -> tuple[Ragged, NDArray[np.int32]]:
        """Known words of each text, ascending, each once; and how many words it has in all."""
        sets = [set(words(text)) for text in texts]
        number = self.vocabulary.number
        known = [sorted(number[word] for word in each if word in number) for each in sets]
        return Ragged.of(known), np.array([len(each) for each in sets], np.int32)

    def overlaps(
        self,
        asked: Ragged,
        count_T: NDArray[np.int32],
        text_K: NDArray[np.integer],
        entity_K: NDArray[np.integer],
    ) -> NDArray[np.float32]:
        """(K, 2) share of a text's words that an entity has, and of the entity's that it has.

        Args:
            asked, count_T: of texts, as of `asked`.
            text_K, entity_K: pairs.
        """
        told = self.words_E
        both_K = _both(
            asked.values, asked.pointer, told.values, told.pointer, text_K, entity_K
        ).astype(np.float32)
        own_K = np.maximum(told.lengths[entity_K], 1)
        return np.stack([both_K / np.maximum(count_T[text_K], 1), both_K / own_K], axis=1).astype(
            np.float32
        )


@njit(cache=True, nogil=True)
def _both(
    word_X: Any, start_T: Any, word_Y: Any, start_E: Any, text_K: Any, entity_K: Any
) -> Any:  # pragma: no cover
    """How many words both lists of a pair have; each list is ascending."""
    out_K = np.zeros(len(text_K), np.int32)
    for k in range(len(text_K)):
        x, last_x = start_T[text_K[k]], start_T[text_K[k] + 1]
        y, last_y = start_E[entity_K[k]], start_E[entity_K[k] + 1]
        while x < last_x and y < last_y:
            if word_X[x] == word_Y[y]:
                out_K[k] += 1
                x += 1
                y += 1
            elif word_X[x] < word_Y[y]:
                x += 1
            else:
                y += 1
    return out_K
