from dataclasses import replace

import numpy as np
import pytest

from ranking.facts.querywords import QueryWords
from recall.texts.words import item_texts, words


@pytest.fixture
def named(catalog):
    """A catalogue with brands of one and of two words."""
    return replace(catalog, brands=("Mist", "Mist Wind", *catalog.brands[2:]))


def test_coverage_is_the_share_of_words_by_rarity(catalog, requests_, pool):
    covered, _ = QueryWords(catalog)(requests_, pool.items_BN)
    held = [
        set(words(text))
        for text in item_texts(catalog, description=True, brand=True, category=True)
    ]
    sizes = {word: sum(word in each for each in held) for each in held for word in each}
    for row, place in np.argwhere(pool.items_BN >= 0):
        said = set(words(requests_.texts[requests_.text_B[row]]))
        weight = {word: np.log1p(len(held) / max(sizes.get(word, 1), 1)) for word in said}
        both = sum(weight[word] for word in said & held[pool.items_BN[row, place]])
        expected = both / sum(weight.values()) if said else 0
        assert covered[row, place] == pytest.approx(expected, abs=1e-5)
    assert not covered[pool.items_BN < 0].any()
    assert covered.any()


def test_a_query_names_the_brand_of_most_of_its_words(named, asking):
    asked = asking("blue mist lamp", "wind mist lamp", "lamp")
    items = np.array([[int(np.flatnonzero(named.brand_I == brand)[0]) for brand in (0, 1, 2)]] * 3)
    _, found = QueryWords(named)(asked, items.astype(np.int32))
    assert found.tolist() == [[1, -1, -1], [-1, 1, -1], [0, 0, 0]]


def test_a_query_without_words_says_nothing(catalog, asking):
    items = np.arange(3, dtype=np.int32)[None]
    covered, found = QueryWords(catalog)(asking("?!"), items)
    assert not covered.any()
    assert not found.any()


def test_what_a_query_says_does_not_depend_on_those_asked_beside_it(catalog, requests_, pool):
    reader = QueryWords(catalog)
    together = reader(requests_, pool.items_BN)
    for row in range(len(requests_)):
        alone = QueryWords(catalog)(requests_.rows(slice(row, row + 1)), pool.items_BN[row][None])
        for one, all_ in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one[0], all_[row])
