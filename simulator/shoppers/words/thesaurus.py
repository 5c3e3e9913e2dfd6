"""Other words for the words of a shop, and what its things are good for.

Words are looked up by themselves, so the thesaurus also knows the everyday synonyms of a
catalogue that somebody else wrote.
"""

from functools import lru_cache

import numpy as np

from simulator.catalogue.lexicon import ATTRIBUTES, DEPARTMENTS, MODIFIERS
from simulator.catalogue.taxonomy import CategoryEntry, Words, entries, parse_words
from simulator.randomness import Draws
from simulator.shoppers.words.phrases import CIRCUMSTANCES, DEEDS


def category_words(path: str) -> Words:
    """The words for a category, given by its path: its own name first, then synonyms.

    A name such as "headphones/headset" is read as two words for the same thing.
    """
    modifiers, entry = _entry(path)
    if entry:
        return tuple(f"{modifiers} {word}".strip() for word in entry.words)
    leaf = _leaf(path)
    own = tuple(part.strip() for part in leaf.split("/") if part.strip()) or (leaf,)
    known = [word for part in own for word in synonyms(part)]
    return tuple(dict.fromkeys([*own, *known, other_number(own[0])]))


def synonyms(word: str) -> Words:
    """Other words that the lexicon has for a word; () where it knows none."""
    known = _thesaurus()
    return known.get(word) or known.get(other_number(word), ())


def uses_of(path: str, draws: Draws) -> Words:
    """What people do with a category, in words that share nothing with its name."""
    entry = _entry(path)[1]
    for word in () if entry else category_words(path):
        entry = entry or _nouns().get(word)
    if entry:
        return entry.uses
    name = _leaf(path)
    deeds = draws.bits("vocabulary.deed:" + name, slot=np.arange(2)) % np.uint64(len(DEEDS))
    places = draws.bits("vocabulary.circumstance:" + name, slot=np.arange(2))
    return tuple(
        f"{DEEDS[deed]} {CIRCUMSTANCES[place % len(CIRCUMSTANCES)]}"
        for deed, place in zip(deeds.tolist(), places.tolist(), strict=True)
    )


def other_number(word: str) -> str:
    """Plural of a singular and the other way round, well enough for English nouns of shops."""
    if not word.isascii():
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("s"):
        return word[:-1]
    if word.endswith("y") and word[-2:-1] not in set("aeiou"):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("x", "ch", "sh")) else "s")


def _leaf(path: str) -> str:
    return path.split(">")[-1].strip().casefold()


def _entry(path: str) -> tuple[str, CategoryEntry | None]:
    """Modifiers and lexicon entry of a generated category's path; ("", None) for any other."""
    department = path.partition(">")[0].strip()
    modifiers, noun = "", _leaf(path)
    while noun:
        if entry := _paths().get((department, noun)):
            return modifiers.strip(), entry
        word, _, noun = noun.partition(" ")
        if word not in MODIFIERS:
            break
        modifiers += " " + word
    return "", None


@lru_cache(maxsize=1)
def _paths() -> dict[tuple[str, str], CategoryEntry]:
    return {
        (department[0], entry.words[0]): entry
        for department, own in zip(DEPARTMENTS, entries(), strict=True)
        for entry in own
    }


@lru_cache(maxsize=1)
def _nouns() -> dict[str, CategoryEntry]:
    """The entry for each noun and synonym; the first department to use a word wins."""
    known: dict[str, CategoryEntry] = {}
    for entry in _paths().values():
        for word in entry.words:
            known.setdefault(word, entry)
    return known


@lru_cache(maxsize=1)
def _thesaurus() -> dict[str, Words]:
    """Every word of the lexicon with the other words of its group; the first group wins."""
    nouns = [entry.words for entry in _paths().values()]
    values = [words for text in ATTRIBUTES.values() for words in parse_words(text)]
    known: dict[str, Words] = {}
    for words in [*nouns, *values]:
        for word in words:
            known.setdefault(word, tuple(other for other in words if other != word))
    return known
