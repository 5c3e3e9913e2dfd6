import numpy as np
import pytest

from ranking.features import FACTS, Feature, FeatureSet
from ranking.rankers.boosted import BoostedRanker
from ranking.rankers.labels import Labels
from ranking.rankers.light import fit_light, light_scores
from ranking.rankers.ranker import Prescoring
from ranking.rankers.settings import BoostedSpec


def test_weights_are_of_the_click_at_the_top_and_not_of_the_place():
    """The better items stand lower, where nobody looks."""
    rng, n = np.random.default_rng(0), 40_000
    features = np.zeros((n, len(Feature)), np.float32)
    features[:, Feature.RATING] = rng.normal(size=n)
    slot = (features[:, Feature.RATING] > 0).astype(np.int64)
    effect = np.array([[0.0, -2.0]] * 2, np.float32)
    logits = -1 + 0.7 * features[:, Feature.RATING] + effect[0, slot]
    clicked = rng.random(n) < 1 / (1 + np.exp(-logits))
    labels = Labels(np.zeros(n, np.int64), slot, clicked, clicked & False)
    weights = fit_light(features, labels, effect)
    assert weights[FACTS.index(Feature.RATING)] == pytest.approx(0.7, abs=0.07)
    blind = fit_light(features, labels, np.zeros((2, 2), np.float32))
    assert blind[FACTS.index(Feature.RATING)] < 0


def test_scores_are_weighted_sums_in_any_batch_alike():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(5, 8, len(FACTS))).astype(np.float32)
    weights = rng.normal(size=len(FACTS)).astype(np.float32)
    items = np.where(rng.random((5, 8)) < 0.8, rng.integers(0, 9, (5, 8)), -1).astype(np.int32)
    scores = light_scores(features, weights, items)
    assert np.isneginf(scores[items < 0]).all()
    expected = features @ weights
    np.testing.assert_allclose(scores[items >= 0], expected[items >= 0], rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(light_scores(features[2:3], weights, items[2:3]), scores[2:3])


def test_no_weight_is_on_who_found_an_item(catalog, scorer):
    names = FeatureSet(catalog, ("a", "b"), scorer).names
    assert not {names[column] for column in FACTS} & {"channels", "rank_a", "rank_b"}


def test_a_ranker_that_learned_nothing_has_no_light_score(catalog, scorer, requests_, pool):
    ranker = BoostedRanker(FeatureSet(catalog, (), scorer), BoostedSpec())
    assert isinstance(ranker, Prescoring)
    assert ranker.prescore(requests_, pool) is None
