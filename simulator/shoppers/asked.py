"""Queries that a shop's shoppers asked, as the demand of a world: what stands behind each of them.

A list has texts and counts, no grades. What its writer wanted is told from the names in the text:
of categories (and their synonyms), brands and attribute values. The longest name at a place counts.
A text that names no category may mean any that has what it names, by Bayes' rule over the items of
each; it becomes up to `MOST_MEANINGS` needs, which share its count. One that names nothing the shop
knows becomes a need that nothing serves.

So the truth of such a need rests on words, as a lexical channel does. What the words leave out
(taste, price, brand where none is named) is drawn as for every need.
"""

from collections.abc import Iterator, Mapping
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints, Supply
from simulator.catalogue.sampling import Indices
from simulator.randomness import Draws, Floats
from simulator.scripts import words_in
from simulator.shoppers.intents import Asked
from simulator.shoppers.wants import MAX_VALUES, Wanted
from simulator.shoppers.words.thesaurus import category_words, other_number
from simulator.shoppers.words.wording import FALLBACK_CATEGORY

MOST_MEANINGS = 4  # needs behind one text, at most
_LEAST = 0.1  # chance of a category from which it is one of a text's meanings
_LONGEST = 5  # words of a name
_SMOOTHING = 0.1  # of counts of items, as in naive Bayes


class _Kind(IntEnum):
    CATEGORY, BRAND, VALUE = range(3)


Names = dict[str, list[tuple[_Kind, int]]]


def asked_wishes(supply: Supply, asked: Asked, draws: Draws) -> Wanted:
    """What stands behind the texts; `asked_Q` says which text each need is of."""
    named = _Named(supply)
    texts = [named.of(text) for text in asked.texts]
    rows = [
        (at, category, share, brand, values)
        for at, (categories, brand, values) in enumerate(texts)
        for category, share in named.meanings(categories, brand, values)
    ]
    at_Q = np.array([row[0] for row in rows], np.int64)
    category_Q = np.array([row[1] for row in rows], np.int64)
    share_Q = np.array([row[2] for row in rows], np.float64)
    values_QW = np.full((len(rows), MAX_VALUES), -1, np.int32)
    for row, (_, category, _, _, values) in enumerate(rows):
        sold = named.sold(category, values)
        values_QW[row, : len(sold)] = sold
    truth = supply.truth
    spread_Q = np.arange(len(rows)) % (int(truth.department_C.max()) + 1)
    department_Q = np.where(
        category_Q >= 0, truth.department_C[np.maximum(category_Q, 0)], spread_Q
    )
    weight_Q = asked.count_A[at_Q] * share_Q
    return Wanted(
        item_Q=_targets(supply, category_Q, draws),
        category_Q=category_Q.astype(np.int32),
        department_Q=department_Q.astype(np.int32),
        values_QW=values_QW,
        brand_Q=np.array([row[3] for row in rows], np.int32),
        weight_Q=weight_Q / weight_Q.sum(),
        judged_Q=np.full(len(rows), -1, np.int32),
        asked_Q=at_Q.astype(np.int32),
    )


class _Named:
    """What of a shop texts name."""

    def __init__(self, supply: Supply) -> None:
        truth, catalog = supply.truth, supply.catalog
        self._names = _names_of(supply)
        categories, codes = len(catalog.categories), len(supply.value_words)
        self._items_C = np.bincount(truth.category_I, minlength=categories).astype(np.float64)
        self._brand_BC = _counts(truth.brand_I, truth.category_I, len(catalog.brands), categories)
        item_M, place_M = np.nonzero(truth.values_IV >= 0)
        values_M = truth.values_IV[item_M, place_M]
        self._value_VC = _counts(values_M, truth.category_I[item_M], codes, categories)

    def of(self, text: str) -> tuple[list[int], int, list[int]]:
        """Categories, the brand (-1: none) and values that a text names, by first mention."""
        found: dict[_Kind, dict[int, None]] = {kind: {} for kind in _Kind}
        for name in _longest(words_in(text.casefold()), self._names):
            for kind, code in self._names[name]:
                found[kind].setdefault(code)
        brand = next(iter(found[_Kind.BRAND]), -1)
        return [*found[_Kind.CATEGORY]], brand, [*found[_Kind.VALUE]]

    def meanings(
        self, categories: list[int], brand: int, values: list[int]
    ) -> list[tuple[int, float]]:
        """Categories that a text may be about, with their chances; (-1, 1) where about none."""
        if not categories and brand < 0 and not values:
            return [(-1, 1.0)]
        score_C = np.log(np.maximum(self._items_C, _SMOOTHING))
        for counts_C in self._counts_of(brand, values):
            score_C += np.log((counts_C + _SMOOTHING) / (self._items_C + 2 * _SMOOTHING))
        if categories:
            outside_C = np.ones(len(score_C), np.bool_)
            outside_C[categories] = False
            score_C[outside_C] = -np.inf
        chance_C = np.exp(score_C - score_C.max())
        chance_C /= chance_C.sum()
        best = np.argsort(-chance_C, kind="stable")[:MOST_MEANINGS]
        best = best[chance_C[best] >= min(_LEAST, chance_C[best[0]])]
        share = chance_C[best] / chance_C[best].sum()
        return list(zip(best.tolist(), share.tolist(), strict=True))

    def sold(self, category: int, values: list[int]) -> list[int]:
        """The values that items of a category have: another one cannot be what is meant."""
        if category < 0:
            return []
        return [value for value in values if self._value_VC[value, category] > 0][:MAX_VALUES]

    def _counts_of(self, brand: int, values: list[int]) -> Iterator[Floats]:
        if brand >= 0:
            yield self._brand_BC[brand]
        for value in values:
            yield self._value_VC[value]


def _counts(row_M: Ints, column_M: Ints, rows: int, columns: int) -> Floats:
    """(rows, columns) how often each pair occurs; rows of -1 are left out."""
    known_M = row_M >= 0
    key_M = row_M[known_M].astype(np.int64) * columns + column_M[known_M]
    return np.bincount(key_M, minlength=rows * columns).reshape(rows, columns).astype(np.float64)


def _names_of(supply: Supply) -> Names:
    """By name, in words as texts are cut into, what of the shop it stands for."""
    names: Names = {}

    def add(name: str, kind: _Kind, code: int) -> None:
        known = names.setdefault(" ".join(words_in(name.casefold())), [])
        if (kind, code) not in known:
            known.append((kind, code))

    for code, path in enumerate(supply.catalog.categories):
        for noun in category_words(path) if path != FALLBACK_CATEGORY else ():
            head, _, last = noun.rpartition(" ")
            add(noun, _Kind.CATEGORY, code)
            add(f"{head} {other_number(last)}", _Kind.CATEGORY, code)
    for code, brand in enumerate(supply.catalog.brands):
        add(brand, _Kind.BRAND, code)
    for code, words in enumerate(supply.value_words):
        for word in words:
            add(word, _Kind.VALUE, code)
    names.pop("", None)
    return names


def _longest(words: list[str], names: Mapping[str, object]) -> Iterator[str]:
    """The names in a text from left to right, of those that begin at one word the longest."""
    at = 0
    while at < len(words):
        for end in range(min(at + _LONGEST, len(words)), at, -1):
            name = " ".join(words[at:end])
            if name in names:
                yield name
                at = end
                break
        else:
            at += 1


def _targets(supply: Supply, category_Q: NDArray[np.int64], draws: Draws) -> Indices:
    """(Q,) an item of each category by demand, -1 for none."""
    truth = supply.truth
    order_I = np.argsort(truth.category_I, kind="stable")
    running_I = np.cumsum(truth.demand_I[order_I].astype(np.float64))
    ends_C = np.cumsum(np.bincount(truth.category_I, minlength=len(truth.department_C)))
    edges_C = np.concatenate([[0.0], running_I])[np.concatenate([[0], ends_C])]
    known_Q = np.maximum(category_Q, 0)
    luck_Q = draws.uniform("asked.target", slot=np.arange(len(category_Q)))
    point_Q = edges_C[known_Q] + luck_Q * (edges_C[known_Q + 1] - edges_C[known_Q])
    at_Q = np.minimum(np.searchsorted(running_I, point_Q), ends_C[known_Q] - 1)
    return np.where(category_Q >= 0, order_I[np.maximum(at_Q, 0)], -1)
