"""The taxonomy of a generated shop, with its attribute values and brand names."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import count, product

import numpy as np
import pandas as pd

from simulator.catalogue.catalog import Ints, Texts
from simulator.catalogue.lexicon import (
    ATTRIBUTES,
    BRAND_ENDINGS,
    BRAND_HEADS,
    BRAND_TAILS,
    DEPARTMENTS,
    MODIFIERS,
)
from simulator.catalogue.sampling import Indices
from simulator.randomness import Draws

Words = tuple[str, ...]


@dataclass(frozen=True)
class CategoryEntry:
    """One category of the lexicon: its noun first among `words`, its kinds and its uses."""

    words: Words
    price: float
    kinds: tuple[Words, ...]
    uses: Words
    swaps: dict[str, str]

    def attributes(self, of_department: Words) -> Words:
        """The attribute of each slot, "" where the category leaves it out."""
        return tuple(self.swaps.get(name, name) for name in of_department)


@dataclass(frozen=True)
class Taxonomy:
    """The taxonomy of C categories with V attribute values in S slots of a title.

    Attributes:
        categories: paths, "Department > Category".
        category_words: noun and synonyms of each category.
        department_C: department of each category.
        price_C: typical price of each category.
        value_words: word and synonyms of each attribute value.
        value_attributes: name of the attribute of each value.
        slots: per slot and category, the codes of the values that fit there.
    """

    categories: Words
    category_words: tuple[Words, ...]
    department_C: Indices
    price_C: tuple[float, ...]
    value_words: tuple[Words, ...]
    value_attributes: Words
    slots: tuple[tuple[tuple[int, ...], ...], ...]


def parse_words(text: str) -> tuple[Words, ...]:
    """Read "a|b, c" as (("a", "b"), ("c",))."""
    groups = (part.strip() for part in text.split(","))
    return tuple(tuple(word.strip() for word in group.split("|")) for group in groups)


@lru_cache(maxsize=1)
def entries() -> tuple[tuple[CategoryEntry, ...], ...]:
    """The lexicon's categories, per department."""

    def read(line: str) -> CategoryEntry:
        noun, price, kinds, uses, swaps = (part.strip() for part in (line + ";").split(";")[:5])
        pairs = (pair.partition(">") for pair in swaps.split(",") if pair)
        return CategoryEntry(
            words=parse_words(noun)[0],
            price=float(price),
            kinds=parse_words(kinds),
            uses=tuple(uses.split("|")),
            swaps={old.strip(): new.strip() for old, _, new in pairs},
        )

    return tuple(tuple(map(read, lines.splitlines())) for _, _, lines in DEPARTMENTS)


def build_taxonomy(categories: int) -> Taxonomy:
    """The first `categories` categories, dealt to the departments in turn.

    Beyond those of the lexicon, further ones are composed with one or two modifiers, such as
    "travel kettle". Attribute values of one attribute share their codes across departments.
    """
    value_words: list[Words] = []
    codes_of: dict[tuple[str, Words], int] = {}

    def codes(attribute: str, groups: tuple[Words, ...]) -> tuple[int, ...]:
        for words in groups:
            if codes_of.setdefault((attribute, words), len(value_words)) == len(value_words):
                value_words.append(words)
        return tuple(codes_of[attribute, words] for words in groups)

    places = [_place(number) for number in range(categories)]
    per_category = []
    for department, at, _ in places:
        entry = entries()[department][at]
        names = entry.attributes(DEPARTMENTS[department][1])
        shared = [codes(name, parse_words(ATTRIBUTES[name])) if name else () for name in names]
        per_category.append([*shared, codes("kind of " + entry.words[0], entry.kinds)])
    nouns = [_modified(modifier, entries()[d][at].words) for d, at, modifier in places]
    return Taxonomy(
        categories=tuple(
            f"{DEPARTMENTS[place[0]][0]} > {capitalised(words[0])}"
            for place, words in zip(places, nouns, strict=True)
        ),
        category_words=tuple(nouns),
        department_C=np.array([place[0] for place in places], np.int64),
        price_C=tuple(entries()[d][at].price for d, at, _ in places),
        value_words=tuple(value_words),
        value_attributes=tuple(attribute for attribute, _ in codes_of),
        slots=tuple(zip(*per_category, strict=True)),
    )


def capitalised(words: str) -> str:
    """Each word with a capital letter, and "200ml" left alone."""
    return " ".join(word[:1].upper() + word[1:] for word in words.split(" "))


def numbered(texts: Texts) -> tuple[Ints, Words]:
    """Codes of texts by first appearance, -1 where empty, and the texts they stand for."""
    filled = texts != ""
    codes = np.full(texts.shape, -1, np.int32)
    codes[filled], names = pd.factorize(texts[filled])
    return codes, tuple(names.tolist())


def brand_names(brands: int, draws: Draws) -> Words:
    """Distinct invented names; the seed decides where in the list of all names they begin."""
    plain = list(product(range(len(BRAND_HEADS)), range(len(BRAND_TAILS))))
    stride = 1009  # prime to the number of names, so that neighbours in the list do not rhyme
    first = int(draws.bits("brand.names") % np.uint64(len(plain)))
    names: list[str] = []
    taken: set[str] = set()
    for number in count():
        if len(names) == brands:
            break
        round_, at = divmod(number, len(plain))
        head, tail = plain[(first + at * stride) % len(plain)]
        name = _brand(BRAND_HEADS[head] + BRAND_TAILS[tail], round_)
        if name not in taken:
            taken.add(name)
            names.append(name)
    return tuple(names)


def _place(number: int) -> tuple[int, int, str]:
    """Department, entry and modifier of the category with a number."""
    round_, department = divmod(number, len(DEPARTMENTS))
    modifiers, at = divmod(round_, len(entries()[department]))
    if not modifiers:
        return department, at, ""
    first, second = (modifiers - 1) % len(MODIFIERS), (modifiers - 1) // len(MODIFIERS)
    chosen = [MODIFIERS[first]] + ([MODIFIERS[(first + second) % len(MODIFIERS)]] if second else [])
    return department, at, " ".join(reversed(chosen))


def _modified(modifier: str, words: Words) -> Words:
    return tuple(f"{modifier} {word}" for word in words) if modifier else words


def _brand(stem: str, round_: int) -> str:
    if not round_:
        return stem.capitalize()
    digit, ending = divmod(round_ - 1, len(BRAND_ENDINGS))
    return f"{stem.capitalize()} {BRAND_ENDINGS[ending]}" + (f" {digit + 1}" if digit else "")
