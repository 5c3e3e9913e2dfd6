import lightgbm
import numpy as np
import pytest

from ranking.rankers.trees import Trees


@pytest.fixture(scope="module")
def log():
    """Features with ties at round values, so that thresholds fall on and beside them."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(3000, 6)).astype(np.float32)
    features[:, 1] = np.round(features[:, 1], 1)
    features[:, 2] = rng.integers(-1, 2, 3000)
    worth = features[:, 0] + features[:, 1] * features[:, 2]
    return features, rng.random(3000) < 1 / (1 + np.exp(-worth))


def grown(log, **parameters):
    fixed = {"objective": "binary", "verbosity": -1, "use_missing": False, "num_threads": 1}
    return lightgbm.train(fixed | parameters, lightgbm.Dataset(*log), 20)


@pytest.mark.parametrize("parameters", [{"max_depth": 5}, {"max_depth": 3, "num_leaves": 5}])
def test_sums_equal_those_of_lightgbm_to_the_bit(log, parameters):
    booster = grown(log, **parameters)
    trees = Trees.of_dump(booster.dump_model())
    expected = booster.predict(log[0].astype(np.float64), raw_score=True, num_threads=1)
    np.testing.assert_array_equal(trees.sums(log[0]), expected)
    assert len(trees.leaf_TL) == 20


def test_candidates_on_a_threshold_and_beside_it_go_where_lightgbm_sends_them(log):
    booster = grown(log, max_depth=4)
    thresholds = Trees.of_dump(booster.dump_model()).threshold_TN
    found = np.unique(thresholds[np.isfinite(thresholds)])
    beside = np.concatenate([found, np.nextafter(found, np.float32(np.inf))])
    features = np.repeat(beside[:, None], 6, axis=1)
    expected = booster.predict(features.astype(np.float64), raw_score=True, num_threads=1)
    np.testing.assert_array_equal(Trees.of_dump(booster.dump_model()).sums(features), expected)


@pytest.mark.parametrize("size", [1, 5, 64, 65])
def test_sums_are_the_same_bits_in_any_batch(log, size):
    trees = Trees.of_dump(grown(log).dump_model())
    features = log[0][:200]
    parts = [trees.sums(features[i : i + size]) for i in range(0, 200, size)]
    np.testing.assert_array_equal(np.concatenate(parts), trees.sums(features))


def test_trees_that_found_nothing_to_ask_are_their_only_leaf():
    features, clicked = np.zeros((200, 3), np.float32), np.arange(200) % 4 == 0
    booster = grown((features, clicked))
    trees = Trees.of_dump(booster.dump_model())
    expected = booster.predict(features.astype(np.float64), raw_score=True)
    np.testing.assert_allclose(trees.sums(features), expected)
