"""The words of queries: seven ways to say what is wanted."""

import numpy as np

from simulator.catalogue.catalog import Ints, Supply, Texts
from simulator.catalogue.lexicon import OPENERS, PERSON_OPENERS, PERSONS
from simulator.catalogue.sampling import Indices
from simulator.catalogue.taxonomy import Words, numbered
from simulator.catalogue.titles import WordTable
from simulator.randomness import Draws, Floats
from simulator.scripts import is_unspaced
from simulator.shoppers.intents import Judgments, Wording
from simulator.shoppers.thesaurus import category_words, uses_of
from simulator.shoppers.wants import Wanted

# The category of items in a catalogue that has none; no query names it.
FALLBACK_CATEGORY = "All products"

_TITLE_WORDS = 4  # of the target, asked for where an intent names nothing at all
_TITLE_LETTERS = 8  # of it, in a script without spaces between words
_BRAND_ALONE = 0.6  # share of BRAND wordings without a category
_SHORTEST_TYPO = 4  # letters of a word in which a typing error may happen


def word_wishes(
    wanted: Wanted, supply: Supply, judgments: Judgments, draws: Draws
) -> tuple[Words, Ints]:
    """All distinct query texts, and (Q, wordings) which of them words each wish in which way."""
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
    texts_QX[:, Wording.SPECIFIC] = _as_judged(specific_Q, wanted, judgments)
    synonym_Q = _joined(brand_Q, other_values_Q, other_noun_Q)
    texts_QX[:, Wording.SYNONYM] = np.where(synonym_Q == specific_Q, "", synonym_Q)
    texts_QX[:, Wording.GENERIC] = noun_Q
    texts_QX[:, Wording.MISSPELLED] = _misspelled(texts_QX[:, Wording.SPECIFIC], draws)
    texts_QX[:, Wording.BRAND] = np.where(brand_Q == "", "", by_brand_Q)
    texts_QX[:, Wording.KNOWLEDGE] = _roundabout(wanted, supply, draws)
    texts_QX[:, Wording.AMBIGUOUS] = values_Q
    text_QX, texts = numbered(texts_QX)
    return texts, text_QX


def misspell(text: str, place: float, slip: float) -> str:
    """One slip of the fingers: two letters swapped, one left out or one typed twice.

    Args:
        text: what was meant.
        place: where in the text, in [0, 1); never the first letter of a word.
        slip: which slip, in [0, 1).

    Returns:
        The text with the slip, or "" where no word is long enough for one.
    """
    spots = [
        at
        for at in range(1, len(text) - 1)
        if text[at - 1 : at + 2].isalpha() and _word_length(text, at) >= _SHORTEST_TYPO
    ]
    if not spots:
        return ""
    at = spots[int(place * len(spots))]
    if slip < 0.4 and text[at] != text[at + 1]:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if slip < 0.75:
        return text[:at] + text[at + 1 :]
    return text[: at + 1] + text[at:]


def _word_length(text: str, at: int) -> int:
    return text.find(" ", at) % (len(text) + 1) - text.rfind(" ", 0, at) - 1


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


def _as_judged(specific_Q: Texts, wanted: Wanted, judgments: Judgments) -> Texts:
    """A judged query keeps the very text that was judged."""
    if not judgments.queries:
        return specific_Q
    queries = np.array(judgments.queries, object)
    return np.where(wanted.judged_Q >= 0, queries[wanted.judged_Q], specific_Q)


def _misspelled(texts_Q: Texts, draws: Draws) -> Texts:
    number_Q = np.arange(len(texts_Q))
    place_Q = draws.uniform("wording.typo_place", slot=number_Q)
    slip_Q = draws.uniform("wording.typo", slot=number_Q)
    return np.fromiter(map(misspell, texts_Q, place_Q.tolist(), slip_Q.tolist()), object)


def _roundabout(wanted: Wanted, supply: Supply, draws: Draws) -> Texts:
    """(Q,) what the thing is good for instead of what it is called; "" without a category."""
    number_Q = np.arange(len(wanted.item_Q))
    uses = tuple(uses_of(path, draws) for path in supply.catalog.categories)
    openers = [
        *(opener.format("{use}") for opener in OPENERS),
        *(o.replace("{who}", who) for o in PERSON_OPENERS for who in PERSONS),
    ]

    def pick(purpose: str, among: Words) -> list[str]:
        chance: Floats = draws.uniform(purpose, slot=number_Q)
        return [among[int(u * len(among))] for u in chance.tolist()]

    begun = pick("wording.opener", tuple(openers))
    chance_Q = draws.uniform("wording.use", slot=number_Q)
    rows = zip(begun, wanted.category_Q.tolist(), chance_Q.tolist(), strict=True)
    texts = (
        opener.format(use=uses[category][int(u * len(uses[category]))]) if category >= 0 else ""
        for opener, category, u in rows
    )
    return np.fromiter(texts, object)
