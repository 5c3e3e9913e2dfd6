"""The words of queries: the ways to say what is wanted."""

import math

import numpy as np

from simulator.catalogue.catalog import Ints, Supply, Texts
from simulator.catalogue.sampling import Indices
from simulator.catalogue.taxonomy import Words, numbered
from simulator.catalogue.titles import WordTable
from simulator.randomness import Draws
from simulator.scripts import is_unspaced
from simulator.shoppers.intents import Judgments, Wording
from simulator.shoppers.wants import Wanted
from simulator.shoppers.words.keystrokes import misspell
from simulator.shoppers.words.roundabout import Roundabout
from simulator.shoppers.words.thesaurus import category_words

# The category of items in a catalogue that has none; no query names it.
FALLBACK_CATEGORY = "All products"

_TITLE_WORDS = 4  # of the target, asked for where an intent names nothing at all
_TITLE_LETTERS = 8  # of it, in a script without spaces between words
_CONDITIONS = 2  # values that a sentence of several conditions names at least
_BRAND_ALONE = 0.6  # share of BRAND wordings without a category


def word_wishes(
    wanted: Wanted,
    supply: Supply,
    judgments: Judgments,
    asked: Words,
    used: frozenset[Wording],
    roundabout: Roundabout,
    draws: Draws,
) -> tuple[Words, Ints]:
    """All distinct common texts, and (Q, wordings) which of them words each wish in which way.

    Wordings that are not used have no texts; `asked` are the texts of the shop's own.
    """
    catalog = supply.catalog
    number_Q = np.arange(len(wanted.item_Q))
    nouns = tuple(map(_nouns, catalog.categories))
    noun_Q = _words(nouns, wanted.category_Q, 0.0, number_Q, draws)
    other_noun_Q = _words(nouns, wanted.category_Q, 1.0, number_Q, draws)
    brand_Q = np.array([*(brand.casefold() for brand in catalog.brands), ""], object)
    brand_Q = brand_Q[wanted.brand_Q]
    values_Q = _value_words(wanted, supply, 0.0, draws)
    other_values_Q = _value_words(wanted, supply, 1.0, draws)
    specific_Q = _joined(brand_Q, values_Q, noun_Q)
    specific_Q = np.where(specific_Q == "", _title_words(wanted, supply), specific_Q)
    with_noun_Q = draws.uniform("wording.brand_alone", slot=number_Q) >= _BRAND_ALONE
    by_brand_Q = _joined(brand_Q, np.where(with_noun_Q, noun_Q, ""))
    texts_QX = np.full((len(number_Q), len(Wording)), "", object)
    texts_QX[:, Wording.SPECIFIC] = _as_given(specific_Q, wanted, judgments, asked)
    synonym_Q = _joined(brand_Q, other_values_Q, other_noun_Q)
    texts_QX[:, Wording.SYNONYM] = np.where(synonym_Q == specific_Q, "", synonym_Q)
    texts_QX[:, Wording.GENERIC] = noun_Q
    texts_QX[:, Wording.MISSPELLED] = _misspelled(texts_QX[:, Wording.SPECIFIC], draws)
    texts_QX[:, Wording.BRAND] = np.where(brand_Q == "", "", by_brand_Q)
    texts_QX[:, Wording.KNOWLEDGE] = roundabout.texts(wanted.category_Q, draws)
    texts_QX[:, Wording.AMBIGUOUS] = values_Q
    texts_QX[:, Wording.CONDITIONS] = _conditions(wanted, supply, noun_Q, draws)
    texts_QX[:, [each for each in Wording if each not in used | {Wording.SPECIFIC}]] = ""
    text_QX, texts = numbered(texts_QX)
    return texts, text_QX


def _nouns(path: str) -> Words:
    return ("",) if path == FALLBACK_CATEGORY else category_words(path)


def _words(
    groups: tuple[Words, ...], code_Q: Ints, synonyms: float, key_Q: Indices, draws: Draws
) -> Texts:
    return WordTable.of(groups).pick(code_Q, synonyms, "wording.synonym", key_Q, draws)


def _value_words(wanted: Wanted, supply: Supply, synonyms: float, draws: Draws) -> Texts:
    """(Q,) the words of all wanted values."""
    columns = wanted.values_QW.shape[1]
    key_Q = -1 - np.arange(len(wanted.item_Q)) * columns
    return _joined(
        *(
            _words(supply.value_words, wanted.values_QW[:, at], synonyms, key_Q - at, draws)
            for at in range(columns)
        )
    )


def _joined(*columns: Texts) -> Texts:
    """Join the columns' words, each word once."""
    rows = (" ".join(filter(None, row)).split() for row in zip(*columns, strict=True))
    return np.fromiter((" ".join(dict.fromkeys(words)) for words in rows), object)


def _title_words(wanted: Wanted, supply: Supply) -> Texts:
    """(Q,) the beginning of the target's title, for a wish that has no other words."""
    titles = supply.catalog.title_I[wanted.item_Q]
    return np.fromiter((_beginning(str(title).casefold()) for title in titles), object)


def _beginning(title: str) -> str:
    """The first words of a title; its first letters where its script has no spaces."""
    words = " ".join(title.split()[:_TITLE_WORDS])
    return words[:_TITLE_LETTERS].strip() if is_unspaced(words) else words


def _as_given(specific_Q: Texts, wanted: Wanted, judgments: Judgments, asked: Words) -> Texts:
    """A judged query keeps the very text that was judged, one of the shop's own its text."""
    for texts, number_Q in ((judgments.queries, wanted.judged_Q), (asked, wanted.asked_Q)):
        if texts:
            specific_Q = np.where(number_Q >= 0, np.array(texts, object)[number_Q], specific_Q)
    return specific_Q


def _misspelled(texts_Q: Texts, draws: Draws) -> Texts:
    number_Q = np.arange(len(texts_Q))
    place_Q = draws.uniform("wording.typo_place", slot=number_Q)
    slip_Q = draws.uniform("wording.typo", slot=number_Q)
    return np.fromiter(map(misspell, texts_Q, place_Q.tolist(), slip_Q.tolist()), object)


def _conditions(wanted: Wanted, supply: Supply, noun_Q: Texts, draws: Draws) -> Texts:
    """(Q,) a sentence of all that is wanted and of a price; "" where fewer than two values are."""
    number_Q = np.arange(len(wanted.item_Q))
    brand_Q = np.array([*(brand.casefold() for brand in supply.catalog.brands), ""], object)
    columns = [
        _words(supply.value_words, each, 0.0, number_Q, draws) for each in wanted.values_QW.T
    ]
    slack_Q = 1 + draws.uniform("wording.price", slot=number_Q) / 2
    most_Q = np.where(wanted.item_Q >= 0, supply.catalog.price_I[wanted.item_Q] * slack_Q, 0.0)
    rows = zip(noun_Q, brand_Q[wanted.brand_Q], most_Q.tolist(), *columns, strict=True)
    return np.fromiter((_sentence(*row) for row in rows), object)


def _sentence(noun: str, brand: str, most: float, *values: str) -> str:
    told = [value for value in values if value]
    if not noun or len(told) < _CONDITIONS or most <= 0:
        return ""
    made_by = f" by {brand}" if brand else ""
    return f"{noun}{made_by} with {' and '.join(told)} under {_rounded(most)}"


def _rounded(price: float) -> str:
    """A price as one says it: one digit and zeros, or two below 100."""
    digits = 10.0 ** max(math.floor(math.log10(price)) - (price < 100), 0)
    return f"{max(math.ceil(price / digits) * digits, 1):g}"
