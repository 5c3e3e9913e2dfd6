from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from ranking.facts.memory import QueryMemory
from recall.storage import saved_copy
from simulator.log.history import History


def oracle(history, catalog):
    """Clicks and expected clicks by text and item, text and category, and item, written out."""
    first = defaultdict(lambda: 10**9)
    for row, position in zip(history.row_X, history.position_X, strict=True):
        first[row] = min(first[row], position)
    places = [
        (int(history.device_R[row]), int(position) - first[row])
        for row, position in zip(history.row_X, history.position_X, strict=True)
    ]
    shown, clicked = defaultdict(int), defaultdict(int)
    for place, click in zip(places, history.clicked_X, strict=True):
        shown[place] += 1
        clicked[place] += int(click)
    sums = defaultdict(lambda: [0.0, 0.0])
    for x, place in enumerate(places):
        text, item = history.texts[history.text_R[history.row_X[x]]], int(history.item_X[x])
        keys = [("item", item), ("pair", text, item)]
        if catalog.category_I[item] >= 0:
            keys.append(("kind", text, int(catalog.category_I[item])))
        for key in keys:
            sums[key][0] += int(history.clicked_X[x])
            sums[key][1] += clicked[place] / shown[place]
    return {key: np.log((clicks + 2) / (usual + 2)) for key, (clicks, usual) in sums.items()}


@pytest.fixture
def memory(catalog, history):
    return QueryMemory(catalog, history)


def test_what_is_remembered_equals_its_definition_pair_by_pair(
    catalog, history, memory, requests_, pool
):
    known = oracle(history, catalog)
    item_BN, category_BN, clicks_B = memory(requests_, pool.items_BN)
    found = 0
    for row, place in np.argwhere(pool.items_BN >= 0):
        text, item = requests_.texts[requests_.text_B[row]], int(pool.items_BN[row, place])
        kind = int(catalog.category_I[item])
        assert item_BN[row, place] == pytest.approx(known.get(("pair", text, item), 0), abs=1e-5)
        assert category_BN[row, place] == pytest.approx(
            known.get(("kind", text, kind), 0), abs=1e-5
        )
        found += ("pair", text, item) in known
    assert found > 20
    for item, ratio in enumerate(memory.clicks_I):
        assert ratio == pytest.approx(known.get(("item", item), 0), abs=1e-5)
    clicks = defaultdict(int)
    for x in np.flatnonzero(history.clicked_X):
        clicks[history.texts[history.text_R[history.row_X[x]]]] += 1
    expected = [np.log1p(clicks[requests_.texts[text]]) for text in requests_.text_B]
    np.testing.assert_allclose(clicks_B, expected, atol=1e-5)


def test_nobody_remembers_anything_of_an_empty_log(catalog, requests_, pool):
    memory = QueryMemory(catalog, History.empty())
    for values in memory(requests_, pool.items_BN):
        assert not values.any()
    assert not memory.clicks_I.any()


def test_texts_are_known_by_their_words_and_not_by_their_numbers(memory, requests_, pool):
    turned = tuple(reversed(requests_.texts))
    other_way = replace(requests_, texts=turned, text_B=len(turned) - 1 - requests_.text_B)
    for one, other in zip(
        memory(requests_, pool.items_BN),
        memory(other_way, pool.items_BN),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_a_kept_memory_remembers_the_same(memory, requests_, pool):
    asked = requests_, pool.items_BN
    for one, other in zip(memory(*asked), saved_copy(memory)(*asked), strict=True):
        np.testing.assert_array_equal(one, other)
