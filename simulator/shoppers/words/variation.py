"""Other ways to write a query: word order, number, units, words run together, slips of the keys."""

import re
from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise

import numpy as np

from simulator.catalogue.catalog import Ints
from simulator.catalogue.taxonomy import Words
from simulator.randomness import Draws, Floats
from simulator.scripts import is_unspaced
from simulator.shoppers.intents import Intents, Wording
from simulator.shoppers.words.keystrokes import slipped
from simulator.shoppers.words.phrases import SHORT_FORMS, WRAPPINGS
from simulator.shoppers.words.roundabout import Roundabout
from simulator.shoppers.words.spellings import ALIKE, Indices, Spellings
from simulator.shoppers.words.thesaurus import other_number, synonyms

# A text has as many spellings of its own as shoppers would use in so many first queries for each
# need of a shop, but not more than the most. A rare text is asked once or never, so it needs few.
_QUERIES = 10
_MOST = 64
_TWICE = 0.25  # of the changed texts are changed once more
_SHORT = 4  # letters below which a word has no other number

# How often each change is made where it can be made. Uncalibrated.
_ORDER, _NUMBER, _UNIT, _JOINED, _SHORTER, _WRAPPED, _SYNONYM = 0.25, 0.2, 0.3, 0.1, 0.2, 0.15, 0.3

_JOINED_UNIT = re.compile(r"^(\d[\d.,/x]*)([^\W\d]+|\")$")
_NUMBER_WORD = re.compile(r"^\d[\d.,/x]*$")


@dataclass(frozen=True)
class Said:
    """What T common texts are.

    Attributes:
        texts: the texts.
        meant: what their writers meant to type: another text where a text is a typing error.
        kind_T: their `Wording`.
        brand_T: the brand that is wanted, "" for any.
        category_T: what they ask for, -1 for no category.
        weight_T: share of first queries.
        needs: how many needs there are.
    """

    texts: Words
    meant: Words
    kind_T: Ints
    brand_T: Words
    category_T: Ints
    weight_T: Floats
    needs: int


def said_by(intents: Intents, brands: Words) -> Said:
    """What the common texts of intents are; of a text that several intents use, by the first."""
    size = len(intents.texts)
    intent_C, kind_C = np.nonzero(intents.text_QX >= 0)
    text_C = intents.text_QX[intent_C, kind_C]
    first_QX = intents.first_wordings(np.arange(len(intents.weight_Q)))
    first_QX = intents.weight_Q[:, None] * first_QX / first_QX.sum(axis=1, keepdims=True)
    text_T, cell_T = np.unique(text_C, return_index=True)
    assert len(text_T) == size
    intent_T, kind_T = intent_C[cell_T], kind_C[cell_T]
    right_T = intents.text_QX[intent_T, Wording.SPECIFIC]
    meant_T = np.where(kind_T == Wording.MISSPELLED, right_T, text_T)
    names = (*(brand.casefold() for brand in brands), "")
    return Said(
        texts=intents.texts,
        meant=tuple(intents.texts[text] for text in meant_T.tolist()),
        kind_T=kind_T.astype(np.int32),
        brand_T=tuple(names[code] for code in intents.brand_Q[intent_T].tolist()),
        category_T=intents.category_Q[intent_T],
        weight_T=np.bincount(text_C, first_QX[intent_C, kind_C], size).astype(np.float64),
        needs=len(intents.weight_Q),
    )


def own_spellings(
    said: Said, variety: float, roundabout: Roundabout, draws: Draws
) -> tuple[Words, Spellings]:
    """All texts of a world, the common ones first, and who writes them how.

    Args:
        said: the common texts.
        variety: chance that a shopper writes a word in a way of their own. A text of n words is
            written as everybody writes it with chance (1 - variety)^n.
        roundabout: composes descriptions of uses.
        draws: luck.
    """
    if variety == 0:
        return said.texts, ALIKE
    words_T = np.array([len(text.split()) for text in said.texts])
    own_T = 1 - (1 - variety) ** words_T
    queries_T = _QUERIES * said.needs * said.weight_T * own_T
    tries_T = np.minimum(np.ceil(queries_T), _MOST).astype(np.int64)
    base_E = np.repeat(np.arange(len(tries_T)), tries_T)
    slot_E = np.arange(len(base_E))
    luck_E3 = np.stack([draws.uniform(f"spelling.{k}", slot=slot_E) for k in range(3)], axis=1)
    number = {text: at for at, text in enumerate(said.texts)}
    found = np.full(len(base_E), -1, np.int64)
    for at, (base, luck) in enumerate(zip(base_E.tolist(), luck_E3.tolist(), strict=True)):
        text = _written(said, base, roundabout, luck)
        if text and text != said.texts[base]:
            found[at] = number.setdefault(text, len(number))
    return tuple(number), _grouped(base_E, found, own_T)


def _grouped(base_E: Indices, text_E: Indices, own_T: Floats) -> Spellings:
    """Without those that could not be written, and each spelling of a text once."""
    pairs = np.unique(np.stack([base_E, text_E], axis=1)[text_E >= 0], axis=0)
    count_T = np.bincount(pairs[:, 0], minlength=len(own_T)).astype(np.int64)
    own_T = np.where(count_T > 0, own_T, 0.0)
    return Spellings(own_T, np.cumsum(count_T) - count_T, count_T, pairs[:, 1].astype(np.int32))


Change = Callable[[list[str], float], str]


def _written(said: Said, base: int, roundabout: Roundabout, luck: list[float]) -> str:
    """A text in a way of a shopper's own, or "" where it can be written in one way only."""
    which, where, how = luck
    # As plain integers: numpy's own take long to be compared with an Enum.
    meant, kind, category = said.meant[base], int(said.kind_T[base]), int(said.category_T[base])
    if kind == Wording.MISSPELLED:
        return slipped(meant, where, which, how)
    if kind == Wording.KNOWLEDGE and category >= 0:
        return roundabout.text(category, which, where)
    if is_unspaced(meant):
        return ""
    brand, too = said.brand_T[base], kind == Wording.SYNONYM
    text = _changed(meant, brand, which, where, synonyms_too=too)
    if how >= _TWICE:
        return text
    how /= _TWICE
    return _changed(text, brand, (which + how) % 1, (where + how) % 1, synonyms_too=too)


def _changed(text: str, brand: str, which: float, where: float, *, synonyms_too: bool) -> str:
    """A text with one of the changes that can be made."""
    words = text.split()
    options = list(_options(words, brand, synonyms_too=synonyms_too))
    shares = list(accumulate(share for share, _ in options))
    return options[bisect(shares, which * shares[-1])][1](words, where)


def _options(words: list[str], brand: str, *, synonyms_too: bool) -> Iterator[tuple[float, Change]]:
    """The changes that can be made, with their shares."""
    yield _WRAPPED, _wrapped
    if len(words) > 1:
        yield _ORDER, _moved
        yield _JOINED, _run_together
    if any(_number_of(word) for word in words):
        yield _NUMBER, _in_other_number
    if any(_unit_of(words)):
        yield _UNIT, _with_other_unit
    if any(word in SHORT_FORMS for word in words):
        yield _SHORTER, _shortened
    if brand and nickname(brand) != brand and brand in " ".join(words):
        yield _SHORTER, lambda words, _: " ".join(words).replace(brand, nickname(brand))
    if synonyms_too and any(_synonyms(word) for word in words):
        yield _SYNONYM, _with_synonym


def nickname(brand: str) -> str:
    """What shoppers call a brand: initials of three words, one word of two, half of a long word."""
    parts = brand.split()
    if len(parts) > 2:
        return "".join(part[0] for part in parts)
    if len(parts) == 2:
        return parts[0]
    return brand[: (len(brand) + 1) // 2] if len(brand) >= 2 * _SHORT else brand


def _shortened(words: list[str], where: float) -> str:
    return _with(words, where, [word in SHORT_FORMS for word in words], SHORT_FORMS.__getitem__)


def _with(words: list[str], where: float, fits: list[bool], change: Callable[[str], str]) -> str:
    """One of the words that fit is changed."""
    places = [at for at, each in enumerate(fits) if each]
    at = places[int(where * len(places))]
    return " ".join([*words[:at], change(words[at]), *words[at + 1 :]])


def _wrapped(words: list[str], where: float) -> str:
    wrapping = WRAPPINGS[int(where * len(WRAPPINGS))]
    return wrapping.format(" ".join(words))


def _moved(words: list[str], where: float) -> str:
    """One word changes its place."""
    size = len(words)
    pick = int(where * size * (size - 1))
    at, to = divmod(pick, size - 1)
    rest = [*words[:at], *words[at + 1 :]]
    to += to >= at
    return " ".join([*rest[:to], words[at], *rest[to:]])


def _run_together(words: list[str], where: float) -> str:
    at = int(where * (len(words) - 1))
    return " ".join([*words[:at], words[at] + words[at + 1], *words[at + 2 :]])


@lru_cache(maxsize=4096)
def _number_of(word: str) -> str:
    """The word in the other number; "" where it has none."""
    return other_number(word) if len(word) >= _SHORT and word.isascii() and word.isalpha() else ""


def _in_other_number(words: list[str], where: float) -> str:
    return _with(words, where, [bool(_number_of(word)) for word in words], _number_of)


def _unit_of(words: list[str]) -> list[bool]:
    """Where a number and its unit stand as one word, or the number before its unit."""
    joined = [bool(_JOINED_UNIT.match(word)) for word in words]
    apart = [bool(_NUMBER_WORD.match(a)) and b.isalpha() for a, b in pairwise(words)]
    return [one or two for one, two in zip(joined, [*apart, False], strict=True)]


def _with_other_unit(words: list[str], where: float) -> str:
    """A number and its unit apart instead of joined, or joined instead of apart."""
    places = [at for at, each in enumerate(_unit_of(words)) if each]
    at = places[int(where * len(places))]
    if found := _JOINED_UNIT.match(words[at]):
        return " ".join([*words[:at], *found.groups(), *words[at + 1 :]])
    return " ".join([*words[:at], words[at] + words[at + 1], *words[at + 2 :]])


@lru_cache(maxsize=4096)
def _synonyms(word: str) -> Words:
    return synonyms(word)


def _with_synonym(words: list[str], where: float) -> str:
    """Where a word has several synonyms, which of them is chosen by the same luck."""
    places = [at for at, word in enumerate(words) if _synonyms(word)]
    spot = where * len(places)
    at = places[int(spot)]
    others = _synonyms(words[at])
    return " ".join([*words[:at], others[int(spot % 1 * len(others))], *words[at + 1 :]])
