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


@pytest.mark.parametrize(
    "parameters", [{"max_depth": 5}, {"max_depth": 3, "num_leaves": 5}, {"max_depth": 2}]
)
def test_sums_equal_those_of_lightgbm_to_the_bit(log, parameters):
    booster = grown(log, **parameters)
    trees = Trees.of_dump(booster.dump_model())
    expected = booster.predict(log[0].astype(np.float64), raw_score=True, num_threads=1)
    np.testing.assert_array_equal(trees.sums(log[0]), expected)
    assert len(trees.leaf_TL) == 20


def test_the_first_trees_are_those_of_a_shorter_training():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 2)).astype(np.float32)
    clicked = features[:, 0] + 0.2 * features[:, 1] > 0
    booster = grown((features, clicked), max_depth=4, min_data_in_leaf=60)
    everything = Trees.of_dump(booster.dump_model())
    for count in (1, 7, 20):
        alone = Trees.of_dump(booster.dump_model(num_iteration=count))
        for name, column in vars(everything.first(count)).items():
            np.testing.assert_array_equal(column, getattr(alone, name))


def test_deep_trees_that_are_left_out_leave_the_first_ones_shallow():
    nothing = np.float32(np.inf)
    threshold = np.array([[0, nothing, nothing], [0, 1, nothing]], np.float32)
    leaf = np.array([[1.0, 1, 2, 2], [1, 2, 3, 3]])
    first = Trees(np.zeros((2, 3), np.int32), threshold, leaf).first(1)
    assert first.threshold_TN.tolist() == [[0]]
    assert first.leaf_TL.tolist() == [[1, 2]]


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
