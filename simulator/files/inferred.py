"""What is true of the items of a user's catalogue, told from its own columns.

Structured values come from mapped attributes and from the title's descriptive words; a category
that the file does not give is inferred from them. Only the simulator sees the result.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from simulator.catalogue.catalog import Ints, Texts
from simulator.catalogue.sampling import Indices
from simulator.catalogue.taxonomy import Words
from simulator.files.tables.amounts import Floats
from simulator.scripts import needs_care, words_in
from simulator.shoppers.words.thesaurus import category_words, synonyms
from simulator.shoppers.words.wording import FALLBACK_CATEGORY

MAX_VALUES = 8  # structured values per item
_LEAST_ITEMS = 3  # with a word, for it to count
_MOST_ITEMS = 0.5  # share of the items with a word, for it to say something
_ATTRIBUTE_WEIGHT = 0.5  # of an attribute's idf beside a title word's: titles say what matters
_SMOOTHING = 0.1  # of word counts in naive Bayes
_CHUNK = 4096  # items whose categories are inferred at once

_WORD = re.compile(r"\w+(?:[-.+/]\w+)*")
_LETTER = re.compile(r"[^\W\d_]")
_NO_BEGINNING = frozenset("ーッャュョァィゥェォヮっゃゅょぁぃぅぇぉゎ々")  # of a Japanese word
_STOPWORDS = frozenset(
    "a an and are as at be by for from in is it new no of on or per pro set the to up with without "
    "x w de la le und der die das mit für".split()
)


@dataclass(frozen=True)
class Mentions:
    """M distinct mentions of words by items, in the order of the texts.

    Attributes:
        item_M, word_M: who mentions what.
        weight_M: 1 in a title, less in an attribute.
        words: the words that at least three items mention.
    """

    item_M: Indices
    word_M: Indices
    weight_M: Floats
    words: Words

    def matrix(self, items: int) -> sparse.csr_array:
        """(items, words) 1 where an item mentions a word."""
        ones = np.ones(len(self.item_M))
        shape = (items, len(self.words))
        return sparse.csr_array((ones, (self.item_M, self.word_M)), shape=shape)


def find_mentions(
    title_I: Texts, attributes: list[dict[str, Any]], *, said_only: bool = False
) -> Mentions:
    """Descriptive words of titles and attribute values, without those of fewer than 3 items.

    `said_only` leaves out attribute values in words that no three titles use: free-form data
    sheets are full of what no shopper asks for.
    """
    titles = [_title_words(title) for title in title_I]
    phrases = [list(_attribute_words(values)) for values in attributes] or [[] for _ in titles]
    if said_only:
        said = _often_said(titles)
        phrases = [[phrase for phrase in own if said.issuperset(phrase.split())] for own in phrases]
    sources = [(words, 1.0) for words in titles], [(words, _ATTRIBUTE_WEIGHT) for words in phrases]
    item = np.arange(len(titles))
    counts = [[len(words) for words, _ in source] for source in sources]
    item_M = np.concatenate([np.repeat(item, count) for count in counts])
    weight_M = np.repeat([1.0, _ATTRIBUTE_WEIGHT], [sum(count) for count in counts])
    flat = np.array([w for source in sources for words, _ in source for w in words], object)
    code_M, names = pd.factorize(flat)
    _, first = np.unique(item_M * max(len(names), 1) + code_M, return_index=True)
    often = np.bincount(code_M[first], minlength=len(names)) >= _LEAST_ITEMS
    first = np.sort(first[often[code_M[first]]])
    number = np.cumsum(often) - 1
    words = tuple(np.asarray(names, object)[often].tolist())
    return Mentions(item_M[first], number[code_M[first]], weight_M[first], words)


def select_values(
    mentions: Mentions, category_I: Ints, brand_I: Ints, categories: Words, brands: Words
) -> tuple[Ints, tuple[Words, ...]]:
    """(I, 8) the most telling values of each item by idf, in the order of its texts.

    Words of an item's own category and brand are left out, since those are matched apart.

    Returns:
        Codes, -1 padded, and the words of each code. A word is one value wherever it stands, in
        a title or under an attribute.
    """
    items, words = len(category_I), max(len(mentions.words), 1)
    frequency = np.bincount(mentions.word_M, minlength=words)
    own_M = _is_own(mentions, category_I, [" ".join(category_words(c)[:1]) for c in categories])
    own_M |= _is_own(mentions, brand_I, [brand.casefold() for brand in brands])
    common_M = frequency[mentions.word_M] > max(_MOST_ITEMS * items, _LEAST_ITEMS)
    rows = np.flatnonzero(~own_M & ~common_M)
    idf = np.log(items / frequency[mentions.word_M[rows]]) * mentions.weight_M[rows]
    best = rows[np.lexsort((rows, -idf, mentions.item_M[rows]))]
    chosen = np.sort(best[_place_within(mentions.item_M[best]) < MAX_VALUES])
    chosen = chosen[np.argsort(mentions.item_M[chosen], kind="stable")]
    used, code = np.unique(mentions.word_M[chosen], return_inverse=True)
    values_IV = np.full((items, MAX_VALUES), -1, np.int32)
    values_IV[mentions.item_M[chosen], _place_within(mentions.item_M[chosen])] = code
    named = (mentions.words[word] for word in used.tolist())
    return values_IV, tuple((word, *synonyms(word)) for word in named)


def infer_categories(
    mentions: Mentions, category_I: Ints, brand_I: Ints, categories: Words
) -> tuple[Ints, Words]:
    """True categories: given ones as they are, the others by naive Bayes over words and brand.

    Where the file has no category at all, everything is in one fallback category.
    """
    if not (category_I >= 0).any():
        return np.zeros_like(category_I), (*categories, FALLBACK_CATEGORY)
    known = np.flatnonzero(category_I >= 0)
    items = len(category_I)
    brand_rows = np.flatnonzero(brand_I >= 0)
    cells = (np.ones(len(brand_rows)), (brand_rows, brand_I[brand_rows]))
    by_brand = sparse.csr_array(cells, shape=(items, int(brand_I.max(initial=0)) + 1))
    features = sparse.csr_array(sparse.hstack([mentions.matrix(items), by_brand]))
    member = sparse.csr_array(
        (np.ones(len(known)), (category_I[known], known)), shape=(len(categories), items)
    )
    counts_CF = (member @ features).toarray() + _SMOOTHING
    log_CF = np.log(counts_CF / counts_CF.sum(axis=1, keepdims=True))
    size_C = np.bincount(category_I[known], minlength=len(categories))
    prior_C = np.log(np.maximum(size_C, 1e-9) / size_C.sum())
    inferred_I = category_I.copy()
    missing = np.flatnonzero(category_I < 0)
    for start in range(0, len(missing), _CHUNK):
        rows = missing[start : start + _CHUNK]
        inferred_I[rows] = np.argmax(features[rows] @ log_CF.T + prior_C, axis=1)
    return inferred_I, categories


def _title_words(title: str) -> list[str]:
    words = _words(title)
    told = (word for word in words if len(word) > 1 and word[0] not in _NO_BEGINNING)
    return [word for word in told if _LETTER.search(word) and word not in _STOPWORDS]


def _words(text: str) -> list[str]:
    """Words in small letters; n-grams where a script has no spaces between words."""
    folded = text.casefold()
    if text.isascii():
        return _WORD.findall(folded)
    found = (word for word in folded.split() if word)
    spaced = (words_in(word) if needs_care(word) else _WORD.findall(word) for word in found)
    return [word for words in spaced for word in words]


def _often_said(titles: list[list[str]]) -> frozenset[str]:
    count = Counter(word for words in titles for word in set(words))
    return frozenset(word for word, times in count.items() if times >= _LEAST_ITEMS)


def _attribute_words(values: dict[str, Any]) -> Iterator[str]:
    """The short phrases among attribute values; a true flag says its own name."""
    for name, value in values.items():
        if value is True:
            flag = " ".join(part for part in _WORD.findall(name.replace("_", " ")) if part[1:])
            yield flag.casefold()
        elif isinstance(value, str | list | tuple):
            parts = re.split("[,;、，；]", value) if isinstance(value, str) else map(str, value)
            for part in parts:
                words = _WORD.findall(part.casefold())
                if 0 < len(words) <= 3 and any(_LETTER.search(word) for word in words):
                    yield " ".join(_words(part))


def _is_own(mentions: Mentions, group_I: Ints, names: list[str]) -> NDArray[np.bool_]:
    """Which mentions are a word of the name of the item's group (its brand or category)."""
    number = {word: at for at, word in enumerate(mentions.words)}
    width = max(len(number), 1)
    keys = [
        group * width + number[word]
        for group, name in enumerate(names)
        for part in _WORD.findall(name)
        for word in {part, part.removesuffix("s"), part + "s"}
        if word in number
    ]
    group_M = group_I[mentions.item_M].astype(np.int64)
    return (group_M >= 0) & np.isin(group_M * width + mentions.word_M, keys)


def _place_within(item_M: Indices) -> Indices:
    """(M,) position of each row among the rows of its item."""
    return np.asarray(pd.Series(item_M).groupby(item_M).cumcount(), np.int64)
