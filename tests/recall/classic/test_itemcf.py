from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from recall.arrays import counts, normalised_rows, strongest
from recall.classic.itemcf import ItemCFChannel, similarity
from recall.classic.settings import ItemCFSpec
from recall.feedback import Feedback
from recall.sampleshop import sample_catalog, sample_history, sample_requests

CATALOG = sample_catalog(60)
HISTORY = sample_history(CATALOG)


def fitted(history=HISTORY, **options):
    channel = ItemCFChannel(ItemCFSpec(**options))
    channel.fit(CATALOG, history, rng=np.random.default_rng(0))
    return channel


def requests(text, history):
    made = sample_requests(CATALOG, 1, texts=(text,))
    return replace(made, history_BH=np.array([history], np.int32))


def similarities(spec):
    feedback = Feedback.of(HISTORY, spec.order_weight)
    _, session_F = np.unique(feedback.session_F, return_inverse=True)
    shape = (session_F.max() + 1, len(CATALOG))
    return counts(session_F, feedback.item_F, feedback.weight_F, shape)


def test_similarity_equals_the_damped_and_shrunk_cosine_of_a_slow_loop():
    spec = ItemCFSpec(damping=0.7, neighbours=1000)
    seen = similarities(spec).toarray()
    common = np.sqrt(seen).T @ np.sqrt(seen)
    size = common.diagonal()
    fast = similarity(similarities(spec), spec).toarray()
    for i in range(0, 60, 7):
        for j in range(60):
            c = common[i, j]
            slow = c / (size[i] ** 0.3 * size[j] ** 0.7) * c / (c + 2.0) if c and i != j else 0.0
            assert fast[i, j] == pytest.approx(slow, rel=1e-9)


def test_only_the_strongest_neighbours_are_kept():
    spec = ItemCFSpec(neighbours=4)
    kept = similarity(similarities(spec), spec).toarray()
    full = similarity(similarities(spec), ItemCFSpec(neighbours=1000)).toarray()
    for row, all_of_row in zip(kept, full, strict=True):
        assert sorted(row[row > 0]) == sorted(all_of_row[all_of_row > 0])[-4:]


def test_recall_sums_seeds_as_a_dictionary_would():
    channel = fitted(damping=0.5)
    spec, history = ItemCFSpec(), [3, 17, 40, -1]
    text = HISTORY.texts[5]
    feedback = Feedback.of(HISTORY, spec.order_weight)
    asked = counts(feedback.text_F, feedback.item_F, feedback.weight_F, (len(HISTORY.texts), 60))
    share_I = normalised_rows(asked).toarray()[5]
    similar = similarity(similarities(spec), spec).toarray()
    share_of = defaultdict(float)
    for item, share in enumerate(share_I):
        share_of[CATALOG.category_I[item]] += share
    expected = share_I + share_I @ similar
    for age, seed in enumerate(history[:3]):
        weight = spec.history_weight * spec.recency**age * share_of[CATALOG.category_I[seed]]
        expected = expected + weight * similar[seed]
    found = channel.recall(requests(text, history), 60)
    items = found.items_BN[0][found.items_BN[0] >= 0]
    assert sorted(items) == np.flatnonzero(expected).tolist()
    assert found.scores_BN[0, : len(items)] == pytest.approx(expected[items], rel=1e-6)


def test_a_history_of_another_category_does_not_answer_the_query():
    lamp_only = replace(
        HISTORY,
        texts=("lamp", "x"),
        text_R=np.where(HISTORY.row_X.reshape(-1, 4)[:, 0] % 2, 0, 1).astype(np.int32),
        item_X=np.where(HISTORY.row_X % 2, 2, HISTORY.item_X).astype(np.int32),
        order_row_O=HISTORY.order_row_O[:0],
        order_item_O=HISTORY.order_item_O[:0],
    )
    channel = fitted(lamp_only)
    without = channel.recall(requests("lamp", [-1, -1]), 60)
    laptop_seed = channel.recall(requests("lamp", [3, 9]), 60)
    np.testing.assert_array_equal(without.items_BN, laptop_seed.items_BN)
    unknown_text = channel.recall(requests("never asked", [3, 9]), 60)
    assert unknown_text.items_BN[0, 0] >= 0


def test_a_newer_click_weighs_more_than_an_older_one():
    channel = fitted(recency=0.1)
    first, second = (channel.recall(requests("new text", seeds), 60) for seeds in ([4, 8], [8, 4]))
    alone = channel.recall(requests("new text", [4]), 1).items_BN[0, 0]
    rank = [row.items_BN[0].tolist().index(alone) for row in (first, second)]
    assert rank[0] <= rank[1]
    assert first.scores_BN[0].sum() != second.scores_BN[0].sum()


def test_nothing_known_finds_nothing():
    assert (fitted().recall(requests("never asked", [-1]), 10).items_BN == -1).all()
    empty = fitted(sample_history(CATALOG, 0))
    assert (empty.recall(requests("lamp", [1, 2]), 10).items_BN == -1).all()


def test_strongest_keeps_the_lower_column_of_equal_entries():
    matrix = counts(
        np.array([0, 0, 0, 1]), np.array([2, 0, 1, 1]), np.array([1.0, 1.0, 2.0, 5.0]), (3, 3)
    )
    assert strongest(matrix, 2).toarray().tolist() == [[1, 2, 0], [0, 5, 0], [0, 0, 0]]


def test_the_chunk_in_which_texts_are_spread_changes_nothing(monkeypatch):
    asked = sample_requests(CATALOG, 30)
    whole = fitted().recall(asked, 20)
    monkeypatch.setattr("recall.classic.itemcf._CHUNK", 3)
    np.testing.assert_array_equal(fitted().recall(asked, 20).scores_BN, whole.scores_BN)
