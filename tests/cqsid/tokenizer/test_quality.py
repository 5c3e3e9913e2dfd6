from math import exp, isnan, log

import numpy as np
import pytest

from cqsid.tokenizer.ids import SemanticIds
from cqsid.tokenizer.quality import (
    IdQuality,
    conditional_perplexity_L,
    embedding_hit_rate,
    gini,
    items_per_id,
    largest,
    p99,
    perplexity_L,
    purity,
)
from simulator.errors import DataError
from tests.cqsid.shop import tiny_signals


def ints(*values):
    return np.array(values, np.int32)


def test_perplexity_is_the_size_of_an_even_level_and_one_of_a_single_code():
    codes_NL = np.stack([np.arange(12) % 4, np.zeros(12), np.arange(12) % 3], axis=1).astype(int)
    np.testing.assert_allclose(perplexity_L(codes_NL, (4, 5, 9)), [4, 1, 3])


def test_a_level_that_uses_all_codes_unevenly_has_a_low_perplexity():
    codes_NL = np.concatenate([np.arange(10), np.zeros(990, int)])[:, None]
    expected = exp(-(0.991 * log(0.991) + 9 * 0.001 * log(0.001)))
    np.testing.assert_allclose(perplexity_L(codes_NL, (10,)), [expected])


def test_conditional_perplexities_multiply_to_that_of_whole_ids():
    codes_NL = np.random.default_rng(0).integers(0, 4, (300, 3)) ** 2 // 3
    whole = perplexity_L((codes_NL @ [16, 4, 1])[:, None], (64,))
    np.testing.assert_allclose(conditional_perplexity_L(codes_NL, (4, 4, 4)).prod(), whole[0])
    copied_NL = codes_NL[:, [0, 0]]
    np.testing.assert_allclose(conditional_perplexity_L(copied_NL, (4, 4))[1], 1.0)


def test_gini_equals_the_mean_difference_over_twice_the_mean():
    counts = np.random.default_rng(1).zipf(1.6, 200) % 50 + 1
    differences = np.abs(counts[:, None] - counts).mean()
    assert gini(counts) == pytest.approx(differences / (2 * counts.mean()))
    assert gini(np.full(7, 3)) == 0.0


def test_items_per_id_leave_out_items_without_one():
    counts = items_per_id(ints(2, -1, 0, 2, 2))
    assert sorted(counts) == [1, 3]
    assert largest(counts) == 3
    assert p99(counts) == pytest.approx(2.98)


def test_purity_is_the_share_in_the_majority_category():
    sid_I, category_I = ints(0, 0, 0, 1, 1, 2, -1, 2), ints(4, 4, 5, 5, -1, 6, 4, 7)
    assert purity(sid_I, category_I) == pytest.approx((2 + 1 + 1) / 6)


def test_the_hit_rate_equals_brute_force():
    rng = np.random.default_rng(0)
    vectors_ID = rng.normal(size=(600, 12)).astype(np.float32)
    sid_I = (np.arange(600) % 3 - 1).astype(np.int32)
    held_N = np.flatnonzero(sid_I >= 0)
    unit_ND = vectors_ID[held_N] / np.linalg.norm(vectors_ID[held_N], axis=1, keepdims=True)
    cosine_NN = unit_ND @ unit_ND.T
    np.fill_diagonal(cosine_NN, -2)
    hits_N = sid_I[held_N][cosine_NN.argmax(axis=1)] == sid_I[held_N]
    assert embedding_hit_rate(vectors_ID, sid_I) == pytest.approx(hits_N.mean(), abs=0.02)
    assert embedding_hit_rate(vectors_ID, sid_I, most=100) == pytest.approx(hits_N.mean(), abs=0.2)


def test_the_hit_rate_asks_for_direction_and_not_for_length():
    vectors_ID = np.array([[1, 0], [9, 0.1], [0, 1], [0.1, 7]], np.float32)
    assert embedding_hit_rate(vectors_ID, ints(0, 0, 1, 1)) == 1.0
    assert embedding_hit_rate(vectors_ID, ints(0, 1, 0, 1)) == 0.0


def test_an_item_is_not_its_own_neighbour():
    assert embedding_hit_rate(np.ones((3, 2), np.float32), ints(0, 1, 2)) == 0.0


def test_quality_is_of_the_items_that_have_an_id():
    signals = tiny_signals(40)
    codes_IL = np.stack([np.arange(40) // 10, np.arange(40) % 5], axis=1).astype(np.int32)
    ids = SemanticIds(codes_IL, (4, 5)).among(np.arange(40) < 30)
    quality = IdQuality.of(ids, signals)
    assert (quality.items, quality.ids, quality.largest) == (30, 15, 2)
    assert quality.perplexity_L == pytest.approx((3.0, 5.0))
    assert quality.gini == pytest.approx(0.0)
    assert quality.purity == purity(ids.sid_I, signals.category_I)
    assert quality.hit_rate == embedding_hit_rate(signals.item_ID, ids.sid_I)


def test_ids_of_nobody_have_no_quality_but_do_not_fail():
    quality = IdQuality.of(SemanticIds(np.full((40, 2), -1, np.int32), (4, 5)), tiny_signals(40))
    assert (quality.items, quality.ids, quality.largest) == (0, 0, 0)
    for value in (*quality.perplexity_L, quality.gini, quality.p99, quality.purity):
        assert isnan(value)
    assert isnan(quality.hit_rate)


def test_ids_of_another_catalogue_are_refused():
    with pytest.raises(DataError, match="39 items, must be 40"):
        IdQuality.of(SemanticIds(np.zeros((39, 1), np.int32), (1,)), tiny_signals(40))
