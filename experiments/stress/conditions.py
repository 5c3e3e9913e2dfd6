"""Requests of one to several conditions, each with an item that meets all and items that do not.

After MultiConIR (arXiv 2503.08046): a positive is an item with several attribute values. Its
conditions stand in a fixed order: category, values, brand, price band. The request of k conditions
has the first k of them, once as a description ("exercise mat, polyester, beginner") and once as an
instruction ("find an exercise mat that is polyester and beginner"). Against it stands a hard
negative that meets the first k - 1 and fails the k-th. For the request of all conditions there is
also a chain of items that fail one, two, .. of them. The data of the paper were not seen: that
negatives are items of the catalogue, drawn at random among those that qualify, and how many
conditions they fail, is this house's own. Where no item qualifies, the row is left out and counted.

All of it is of the truth, for measurement alone: nothing may be trained with it. Of a user's
catalogue no truth is known. There conditions are what the file publishes, and an item fails one
only where the file tells something else of it: another category or brand, or another value of the
attribute. An item of which nothing is told neither meets nor fails.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recall.understanding.filled import structured_of
from simulator.catalogue.catalog import Catalog, Ints, Supply
from simulator.randomness import Draws
from simulator.shoppers.words.thesaurus import category_words

Flags = NDArray[np.bool_]
Texts = NDArray[np.object_]

STYLES = ("description", "instruction")
FEWEST_VALUES = 4
"""Attribute values that a positive has at least, and that become conditions."""
BAND = 0.25
"""A price meets the condition within this share of the positive's price."""


class Kind(IntEnum):
    """What a condition is about."""

    NONE = -1
    CATEGORY = 0
    VALUE = 1
    BRAND = 2
    PRICE = 3


@dataclass(frozen=True)
class ConditionSet:
    """P positives with up to K conditions each.

    Attributes:
        item_P: the positives.
        count_P: how many conditions each has.
        kind_PK: kind of each condition, `Kind.NONE` beyond `count_P`.
        told_PK: whether words of the positive's title or description tell it; prices are told.
        texts_SPK: the request of the first k + 1 conditions, by style; "" beyond `count_P`.
        negative_PK: item that meets the first k conditions and fails the next; -1: no item does.
        chain_PK: item that fails k + 1 of all conditions; -1: no item does.
    """

    item_P: Ints
    count_P: Ints
    kind_PK: Ints
    told_PK: Flags
    texts_SPK: Texts
    negative_PK: Ints
    chain_PK: Ints

    def __len__(self) -> int:
        return len(self.item_P)


@dataclass(frozen=True)
class Facts:
    """What is known of I items.

    Attributes:
        catalog: public.
        category_I, brand_I, values_IV: codes, -1 where there is none, or nothing is known.
        name_W: name of each value.
        attribute_W: attribute of each value; None: all is known, so that an item without a value
            has it not.
    """

    catalog: Catalog
    category_I: Ints
    brand_I: Ints
    values_IV: Ints
    name_W: tuple[str, ...]
    attribute_W: Ints | None = None

    @staticmethod
    def true(supply: Supply) -> "Facts":
        """The simulated truth."""
        truth, names = supply.truth, tuple(words[0] for words in supply.value_words)
        return Facts(supply.catalog, truth.category_I, truth.brand_I, truth.values_IV, names)

    @staticmethod
    def published(catalog: Catalog) -> "Facts":
        """What a shop publishes.

        Raises:
            ConfigError: it publishes no values.
        """
        told = structured_of(catalog)
        codes = catalog.category_I, catalog.brand_I, told.values_IV
        return Facts(catalog, *codes, told.value_names, told.attribute_W)

    def same(self, column_I: Ints, item: int) -> tuple[Flags, Flags]:
        """(I,) which items have an item's code, and which have it not."""
        same_I = np.asarray(column_I == column_I[item])
        return same_I, ~same_I if self.attribute_W is None else ~same_I & (column_I >= 0)

    def called(self, name: str, item: int) -> tuple[Flags, Flags]:
        """(I,) which items have a value of this name, of whatever attribute, and which have not.

        Args:
            name: of a value.
            item: has it; of other items the attribute is asked under which it has it.
        """
        codes = [code for code, each in enumerate(self.name_W) if each == name]
        has_I = np.asarray(np.isin(self.values_IV, codes).any(axis=1))
        if self.attribute_W is None:
            return has_I, ~has_I
        own = np.intersect1d(self.values_IV[item], codes)
        others = np.flatnonzero(np.isin(self.attribute_W, self.attribute_W[own]))
        return has_I, ~has_I & np.isin(self.values_IV, others).any(axis=1)


def condition_set(facts: Facts, draws: Draws, *, positives: int, most: int) -> ConditionSet:
    """Draw positives, their conditions and what stands against them; a pure function of the luck.

    Args:
        facts: what is known of the items.
        draws: luck of the set.
        positives: most positives, drawn among the items that have values enough.
        most: conditions of one request at most.
    """
    several_I = (facts.values_IV >= 0).sum(axis=1) >= FEWEST_VALUES
    several_I &= facts.category_I >= 0
    item = np.flatnonzero(several_I)
    order = np.argsort(draws.uniform("stress.positive", slot=item), kind="stable")
    item_P = np.sort(item[order[:positives]]).astype(np.int32)
    made = [_of(facts, int(each), most, draws) for each in item_P]

    def column(name: str, fill: object, kind: type) -> NDArray[Any]:
        out_PK: NDArray[Any] = np.full((len(made), most), fill, kind)
        for row, of in enumerate(made):
            values = getattr(of, name)
            out_PK[row, : len(values)] = values
        return out_PK

    texts_SPK = np.full((len(STYLES), len(made), most), "", object)
    for row, of in enumerate(made):
        for style in range(len(STYLES)):
            texts_SPK[style, row, : len(of.kinds)] = of.texts[style]
    return ConditionSet(
        item_P=item_P,
        count_P=np.array([len(of.kinds) for of in made], np.int32),
        kind_PK=column("kinds", Kind.NONE, np.int32),
        told_PK=column("told", False, np.bool_),
        texts_SPK=texts_SPK,
        negative_PK=column("negatives", -1, np.int32),
        chain_PK=column("chain", -1, np.int32),
    )


@dataclass(frozen=True)
class _Positive:
    kinds: list[Kind]
    told: list[bool]
    texts: tuple[list[str], ...]
    negatives: list[int]
    chain: list[int]


def _of(facts: Facts, item: int, most: int, draws: Draws) -> _Positive:
    """The conditions of one positive, and what stands against it."""
    catalog = facts.catalog
    noun = category_words(catalog.categories[facts.category_I[item]])[0]
    kinds, words, judged = [Kind.CATEGORY], [noun], [facts.same(facts.category_I, item)]
    names = [facts.name_W[code] for code in facts.values_IV[item] if code >= 0]
    for name in list(dict.fromkeys(names))[:FEWEST_VALUES]:
        kinds.append(Kind.VALUE)
        words.append(name)
        judged.append(facts.called(name, item))
    if facts.brand_I[item] >= 0:
        kinds.append(Kind.BRAND)
        words.append(catalog.brands[facts.brand_I[item]])
        judged.append(facts.same(facts.brand_I, item))
    low, high = (catalog.price_I[item] * (1 + side * BAND) for side in (-1, 1))
    kinds.append(Kind.PRICE)
    words.append(f"{low:.2f} to {high:.2f}")
    within_I = (catalog.price_I >= low) & (catalog.price_I <= high)
    judged.append((within_I, ~within_I))
    kinds, words = kinds[:most], words[:most]
    meets_KI, fails_KI = (np.array(each) for each in zip(*judged[:most], strict=True))
    told = [
        kind is Kind.PRICE or _is_told(catalog, item, word)
        for kind, word in zip(kinds, words, strict=True)
    ]
    count = len(kinds)
    luck_K = draws.uniform("stress.negative", np.full(count, item), slot=np.arange(count))
    before_KI = np.vstack([np.ones_like(meets_KI[:1]), np.logical_and.accumulate(meets_KI)[:-1]])
    negatives = [
        _drawn(before_I & fails_I, luck)
        for before_I, fails_I, luck in zip(before_KI, fails_KI, luck_K, strict=True)
    ]
    failed_I = np.where((meets_KI | fails_KI).all(axis=0), fails_KI.sum(axis=0), -1)
    luck_K = draws.uniform("stress.chain", np.full(count, item), slot=np.arange(count))
    chain = [_drawn(failed_I == k + 1, luck) for k, luck in enumerate(luck_K)]
    texts = tuple(
        [written(kinds[: k + 1], words[: k + 1], style) for k in range(count)] for style in STYLES
    )
    return _Positive(kinds, told, texts, negatives, chain)


def _is_told(catalog: Catalog, item: int, words: str) -> bool:
    """Whether the item's texts hold all of some words."""
    title, more = catalog.title_I[item], catalog.description_I[item]
    said = set(f"{title} {more}".casefold().split())
    return all(word in said for word in words.casefold().split())


def _drawn(qualified_I: Flags, luck: float) -> int:
    """One of the items that qualify; -1 where none does."""
    items = np.flatnonzero(qualified_I)
    return int(items[int(luck * len(items))]) if len(items) else -1


def written(kinds: Sequence[Kind], words: Sequence[str], style: str) -> str:
    """A request with all of some conditions, the category first.

    Raises:
        ValueError: a style that is none of `STYLES`.
    """
    noun, rest = words[0], list(zip(kinds[1:], words[1:], strict=True))
    if style == "description":
        told = [f"price {word}" if kind is Kind.PRICE else word for kind, word in rest]
        return ", ".join([noun, *told]).casefold()
    if style != "instruction":
        raise ValueError(f"style == {style!r}, must be one of: {', '.join(STYLES)}")
    values = " and ".join(word for kind, word in rest if kind is Kind.VALUE)
    brand = "".join(f" by {word}" for kind, word in rest if kind is Kind.BRAND)
    price = "".join(f" priced {word}" for kind, word in rest if kind is Kind.PRICE)
    article = "an" if noun[:1].casefold() in "aeiou" else "a"
    what = f"{article} {noun}" + (f" that is {values}" if values else "")
    return f"find {what}{brand}{price}".casefold()
