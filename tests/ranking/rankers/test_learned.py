import logging
from dataclasses import replace

import numpy as np
import pytest

from ranking.examples import build_examples
from ranking.features import FeatureSet
from ranking.rankers.learned import LearnedRanker
from ranking.rankers.ranker import MergeOrderRanker
from ranking.rankers.settings import LearnedSpec
from ranking.recallstage import RecallStage
from ranking.settings import ExamplesSpec
from recall.sampleshop import sample_history
from recall.settings import MergeSpec
from recall.storage import saved_copy

SPEC = LearnedSpec(hidden=(8, 4), epochs=3, batch=256)


@pytest.fixture
def examples(catalog, channel):
    channels = {"a": channel("a", 1), "b": channel("b", 3), "c": channel("c", 7)}
    limits = dict.fromkeys(channels, 15)
    stage = RecallStage(60, channels, ("a", "b", "c"), limits, MergeSpec(limit=25))
    history = sample_history(catalog, 400)
    return build_examples(
        history, catalog, stage.pool, ExamplesSpec(), rng=np.random.default_rng(0)
    )


@pytest.fixture
def features(catalog, scorer):
    return FeatureSet(catalog, ("a", "b", "c"), scorer)


@pytest.fixture
def blind_features(catalog, scorer):
    """Those that do not tell which channels found an item."""
    return FeatureSet(catalog, (), scorer)


@pytest.fixture
def ranker(features, examples):
    made = LearnedRanker(features, SPEC)
    made.fit(examples, rng=np.random.default_rng(0))
    return made


def test_merge_order_scores_fall_along_the_pool(requests_, pool):
    scores = MergeOrderRanker().score(requests_, pool)
    held = pool.items_BN >= 0
    assert np.isneginf(scores[~held]).all()
    assert (np.diff(scores[0]) < 0).all()


def test_scores_are_click_chance_times_purchase_chance_times_a_power_of_the_price(
    ranker, features, requests_, pool, catalog
):
    held = pool.items_BN >= 0
    chances = np.exp(ranker.network.log_probabilities(features(requests_, pool)[held]))
    price = catalog.price_I[pool.items_BN[held]]
    for power in (0.0, 0.5, 1.0):
        ranker.spec = SPEC.model_copy(update={"price_power": power})
        values = np.exp(ranker.score(requests_, pool)[held])
        np.testing.assert_allclose(values, chances.prod(axis=1) * price**power, rtol=1e-3)


def other_provenance(pool):
    """The pool as if other channels had found its items, at other ranks."""
    found_BNC = pool.ranks_BNC[..., ::-1]
    return replace(
        pool,
        ranks_BNC=np.where(found_BNC >= 0, 40 - found_BNC, -1).astype(np.int16),
        scores_BNC=pool.scores_BNC[..., ::-1],
        sources_BN=((found_BNC >= 0) @ np.array([1, 2, 4])).astype(np.int32),
    )


def test_without_provenance_scores_do_not_change_with_who_found_an_item(
    ranker, blind_features, examples, requests_, pool
):
    blind = LearnedRanker(blind_features, SPEC)
    blind.fit(examples, rng=np.random.default_rng(0))
    moved = other_provenance(pool)
    scores = blind.score(requests_, pool)
    np.testing.assert_array_equal(blind.score(requests_, moved), scores)
    assert np.ptp(scores[pool.items_BN >= 0]) > 0
    assert (ranker.score(requests_, moved) != ranker.score(requests_, pool)).any()


def test_without_provenance_a_ranker_learns_nothing_from_who_found_an_item(
    blind_features, examples, requests_, pool
):
    blind, other = (LearnedRanker(blind_features, SPEC) for _ in range(2))
    blind.fit(examples, rng=np.random.default_rng(0))
    told = replace(examples, pool=other_provenance(examples.pool))
    other.fit(told, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(other.score(requests_, pool), blind.score(requests_, pool))


def test_scores_are_the_same_bits_for_any_batch_and_order(ranker, requests_, pool, permuted):
    scores = ranker.score(requests_, pool)
    for row in range(len(scores)):
        alone = type(pool)(*(getattr(pool, f)[[row]] for f in pool.__dataclass_fields__))
        single = ranker.score(requests_.rows(np.array([row])), alone)
        np.testing.assert_array_equal(single[0], scores[row])
    columns = np.random.default_rng(0).permutation(scores.shape[1])
    moved = ranker.score(requests_, permuted(pool, columns))
    np.testing.assert_array_equal(moved, scores[:, columns])


def test_fitting_repeats_bit_for_bit_and_survives_pickling(features, examples, requests_, pool):
    one, two = (LearnedRanker(features, SPEC) for _ in range(2))
    one.fit(examples, rng=np.random.default_rng(5))
    two.fit(examples, rng=np.random.default_rng(5))
    scores = one.score(requests_, pool)
    np.testing.assert_array_equal(two.score(requests_, pool), scores)
    np.testing.assert_array_equal(saved_copy(one, ["tests"]).score(requests_, pool), scores)


def test_the_report_counts_the_examples_and_judges_the_held_out_ones(ranker, examples):
    report = ranker.report
    assert report.requests == len(examples.requests)
    assert report.clicks == examples.clicked_BN.sum()
    assert report.purchases == (examples.bought_BN & examples.clicked_BN).sum()
    assert report.carts == (examples.carted_BN & examples.clicked_BN).sum()
    assert report.click_loss < report.base_click_loss + 0.05
    assert 0 < report.ndcg <= 1
    assert 0 < report.shown_ndcg <= 1


def test_a_log_without_clicks_warns_and_keeps_the_order_of_the_merge(
    features, examples, requests_, pool, caplog
):
    examples.clicked_BN[:] = False
    ranker = LearnedRanker(features, SPEC)
    with caplog.at_level(logging.WARNING):
        ranker.fit(examples, rng=np.random.default_rng(0))
    assert "clicks == 0 to learn from and 0 held out, must be > 0" in caplog.text
    np.testing.assert_array_equal(
        ranker.score(requests_, pool), MergeOrderRanker().score(requests_, pool)
    )
    assert ranker.report is None
