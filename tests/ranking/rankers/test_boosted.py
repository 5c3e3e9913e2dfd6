from dataclasses import replace

import numpy as np
import pytest

from ranking.examples import build_examples
from ranking.features import Feature, FeatureSet
from ranking.rankers.boosted import BoostedRanker
from ranking.rankers.learned import LearnedRanker
from ranking.rankers.settings import BoostedSpec, LearnedSpec
from ranking.settings import ExamplesSpec
from recall.channel import Watchable
from recall.sampleshop import sample_history
from recall.storage import saved_copy
from tests.ranking.rankers.test_training import examined, position_biased_log

SPEC = BoostedSpec(trees=60, depth=3)


@pytest.fixture(scope="module")
def log():
    """The log of a mediocre ranker; features that nothing depends on fill up the columns."""
    features, labels, held_out, attractive = position_biased_log(8000)
    wide = np.zeros((len(features), len(Feature)), np.float32)
    wide[:, : features.shape[1]] = features
    return wide, labels, held_out, attractive


@pytest.fixture
def features(catalog, scorer):
    return FeatureSet(catalog, (), scorer)


@pytest.fixture
def examples(catalog):
    history = sample_history(catalog, 400)
    return build_examples(history, catalog, None, ExamplesSpec(), rng=np.random.default_rng(0))


def trained(features, log, spec=SPEC, seed=0):
    ranker = BoostedRanker(features, spec)
    ranker.train(*log[:3], np.random.default_rng(seed))
    return ranker


def test_chances_are_closer_to_the_true_attractiveness_than_without_the_places(features, log):
    wide, _, _, attractive = log
    errors = []
    for spec in (SPEC, SPEC.model_copy(update={"position_bias": False})):
        chance = np.exp(trained(features, log, spec).log_chances(wide)[:, 0])
        errors.append(np.mean((np.log(chance) - np.log(attractive)) ** 2))
        assert np.corrcoef(np.log(chance), np.log(attractive))[0, 1] > 0.9
    assert errors[0] < 0.5 * errors[1]


def test_the_effect_of_places_is_recovered_for_each_device(features, log):
    effect = trained(features, log).examination_VP[:, :10]
    chance_P11 = log[3][:, None, None]  # the effect on the logit depends on what it acts upon
    seen_P = chance_P11 * examined(np.array([[0], [1]]), np.arange(10))
    true = np.log(seen_P / (1 - seen_P)).mean(axis=0)
    assert (effect[:, 0] == 0).all()
    np.testing.assert_allclose(effect[:, :6], (true - true[:, :1])[:, :6], atol=0.5)
    assert (effect[0, 1:] < effect[1, 1:]).all()


def test_training_repeats_bit_for_bit_on_any_number_of_threads(features, log):
    one, two = (trained(features, log) for _ in range(2))
    np.testing.assert_array_equal(one.trees.leaf_TL, two.trees.leaf_TL)
    np.testing.assert_array_equal(one.log_chances(log[0]), two.log_chances(log[0]))
    assert SPEC.parameters()["num_threads"] == 1


def test_the_luck_of_a_training_is_in_the_number_of_trees_alone(features, log):
    """Which exposures are held out decides when to stop; then all of them teach."""
    wide, labels, _, _ = log
    found = []
    for seed in (1, 2):
        ranker = BoostedRanker(features, SPEC)
        held_out = np.repeat(np.random.default_rng(seed).random(len(wide) // 10) < 0.2, 10)
        ranker.train(wide, labels, held_out, np.random.default_rng(seed))
        before = ranker.trees.leaf_TL[0].copy()
        ranker.settle(wide, labels)
        assert (ranker.trees.leaf_TL[0] != before).any()
        found.append(ranker.trees)
    common = min(len(trees.leaf_TL) for trees in found)
    assert common > 10
    for name in ("feature_TN", "threshold_TN", "leaf_TL"):
        one, other = (getattr(trees, name)[:common] for trees in found)
        np.testing.assert_array_equal(one, other)


def test_a_kept_ranker_scores_the_same_and_holds_arrays_alone(
    features, examples, requests_, pool, index
):
    ranker = BoostedRanker(features, BoostedSpec(trees=5, leaf_exposures=5))
    ranker.fit(examples, rng=np.random.default_rng(0))
    ranker.refresh(index, 0)
    scores = ranker.score(requests_, pool)
    copy = saved_copy(ranker, ["tests"])
    copy.refresh(index, 0)
    np.testing.assert_array_equal(copy.score(requests_, pool), scores)
    assert np.ptp(scores[pool.items_BN >= 0]) > 0


def test_scores_follow_the_candidates_in_any_order(features, examples, requests_, pool, permuted):
    ranker = BoostedRanker(features, BoostedSpec(trees=5, leaf_exposures=5))
    ranker.fit(examples, rng=np.random.default_rng(0))
    scores = ranker.score(requests_, pool)
    columns = np.random.default_rng(0).permutation(scores.shape[1])
    np.testing.assert_array_equal(
        ranker.score(requests_, permuted(pool, columns)), scores[:, columns]
    )


def test_the_report_judges_held_out_exposures(features, examples):
    ranker = BoostedRanker(features, BoostedSpec(trees=5, leaf_exposures=5))
    ranker.fit(examples, rng=np.random.default_rng(0))
    assert 1 <= ranker.report.rounds <= 5
    assert 0 < ranker.report.ndcg <= 1
    assert ranker.report.clicks == examples.clicked_BN.sum()


@pytest.mark.parametrize("made", [BoostedRanker, LearnedRanker])
def test_a_training_tells_how_much_of_it_is_done_and_is_the_same_unwatched(
    features, examples, requests_, pool, index, made
):
    shares, scores = [], []
    specs = {BoostedRanker: SPEC, LearnedRanker: LearnedSpec(hidden=(8, 4), epochs=3, batch=64)}
    for watched in (True, False):
        ranker = made(features, specs[made])
        if watched:
            assert isinstance(ranker, Watchable)
            ranker.watch(shares.append)
        ranker.fit(examples, rng=np.random.default_rng(1))
        assert not [name for name in vars(ranker) if "tell" in name]  # nobody is kept
        ranker.refresh(index, 0)
        scores.append(ranker.score(requests_, pool))
    assert len(set(shares)) > 20  # steps and trees, not models
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.2
    assert shares[-1] == pytest.approx(1) or made is LearnedRanker
    assert max(shares) <= 1 + 1e-9
    np.testing.assert_array_equal(*scores)


def test_trainings_that_settle_by_one_are_as_if_each_had_settled_alone(features, examples):
    spec = BoostedSpec(trees=30, leaf_exposures=5, patience=2)
    settled = saved_copy(BoostedRanker(features, spec).settled(examples))
    rounds = set()
    for seed in range(4):
        alone, shared = (BoostedRanker(features, spec) for _ in range(2))
        shared.settle_by(settled)
        for ranker in (alone, shared):
            ranker.fit(examples, rng=np.random.default_rng(seed))
        rounds.add(alone.report.rounds)
        assert vars(alone).keys() == vars(shared).keys()
        for name in ("feature_TN", "threshold_TN", "leaf_TL"):
            np.testing.assert_array_equal(*(getattr(r.trees, name) for r in (alone, shared)))
        np.testing.assert_array_equal(alone.examination_VP, shared.examination_VP)
        np.testing.assert_array_equal(alone.wants.weight_X, shared.wants.weight_X)
        assert (alone.top, alone.wants.bias) == (shared.top, shared.wants.bias)
    assert len(rounds) > 1


def test_nothing_is_settled_where_nobody_clicked(features, examples):
    nobody = replace(examples, clicked_BN=np.zeros_like(examples.clicked_BN))
    assert BoostedRanker(features, SPEC).settled(nobody) is None
