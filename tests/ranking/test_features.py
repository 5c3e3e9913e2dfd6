from dataclasses import replace

import numpy as np
import pytest

from ranking.facts.memory import QueryMemory
from ranking.features import FACTS, FeatureSet
from ranking.preranker import take
from recall.storage import load, save
from simulator.errors import ConfigError
from simulator.log.history import History
from simulator.protocols import ItemStatistics

CHANNELS = ("a", "b", "c")


@pytest.fixture
def features(catalog, scorer, index):
    made = FeatureSet(catalog, CHANNELS, scorer)
    made.refresh(index, 0)
    return made


def column(features, values, name):
    return values[..., features.names.index(name)]


def oracle(catalog, index, requests, pool, row, place):
    """The features of one pair that need no model, written out."""
    item = pool.items_BN[row, place]
    clicked = requests.history_BH[row][requests.history_BH[row] >= 0]
    ranks = pool.ranks_BNC[row, place]
    log_price = np.log(index.price_I)
    brand, category = catalog.brand_I[item], catalog.category_I[item]
    share = 1 / max(len(clicked), 1)
    listed = np.log(catalog.price_I)
    usual = [
        listed[catalog.category_I == c].mean() if c >= 0 else np.nan for c in catalog.category_I
    ]
    relative = log_price - np.where(np.isnan(usual), listed, usual)
    age = (requests.at_B[row] - catalog.created_at_I[item]) / 86_400
    return {
        "log_price": log_price[item],
        "price_gap": log_price[item] - log_price[clicked].mean() if len(clicked) else 0.0,
        "age": np.log1p(age),
        "rating": catalog.rating_I[item],
        "relative_price": relative[item],
        "relative_gap": relative[item] - relative[clicked].mean() if len(clicked) else 0.0,
        "same_brand": share * sum(brand >= 0 and catalog.brand_I[c] == brand for c in clicked),
        "same_category": share
        * sum(category >= 0 and catalog.category_I[c] == category for c in clicked),
        "channels": sum(rank >= 0 for rank in ranks),
        **{f"rank_{c}": 1 / (1 + rank) if rank >= 0 else 0 for c, rank in zip("abc", ranks)},  # noqa: B905
    }


def test_features_equal_their_definitions_pair_by_pair(catalog, index, features, requests_, pool):
    values = features(requests_, pool)
    assert values.shape == (*pool.items_BN.shape, len(features.names))
    for row, place in np.argwhere(pool.items_BN >= 0)[::7]:
        expected = oracle(catalog, index, requests_, pool, row, place)
        for name, value in expected.items():
            assert column(features, values, name)[row, place] == pytest.approx(value, abs=1e-5)


def test_text_and_dense_scores_are_passed_on_and_padding_is_zero(catalog, scorer, requests_, pool):
    features = FeatureSet(catalog, CHANNELS, scorer, dense=scorer)
    values = features(requests_, pool)
    expected = scorer.pair_scores(requests_, pool.items_BN)
    np.testing.assert_array_equal(column(features, values, "text_match"), expected)
    np.testing.assert_array_equal(column(features, values, "dense_match"), expected)
    assert not values[pool.items_BN < 0].any()


class Judge:
    """Grades by the item's number alone."""

    def pair_scores(self, requests, items_BN):
        return (items_BN % 4 / 3).astype(np.float32)


@pytest.mark.parametrize("with_dense", [True, False])
def test_a_judge_gives_one_column_more_and_changes_no_other(
    catalog, scorer, requests_, pool, with_dense
):
    dense = scorer if with_dense else None
    plain = FeatureSet(catalog, CHANNELS, scorer, dense)
    judged = FeatureSet(catalog, CHANNELS, scorer, dense, judge=Judge())
    assert judged.names == (*plain.names, "judge_match")
    values = judged(requests_, pool)
    np.testing.assert_array_equal(values[..., :-1], plain(requests_, pool))
    wanted_BN = np.where(pool.items_BN >= 0, pool.items_BN % 4 / 3, 0).astype(np.float32)
    np.testing.assert_array_equal(values[..., -1], wanted_BN)


def test_a_judge_can_be_replaced_but_not_come_or_go(catalog, scorer, requests_, pool):
    features = FeatureSet(catalog, (), scorer, judge=Judge())
    features.use_scorers(scorer, None, judge=scorer)
    wanted_BN = scorer.pair_scores(requests_, pool.items_BN)
    np.testing.assert_array_equal(features(requests_, pool)[..., -1], wanted_BN)
    with pytest.raises(ConfigError, match="judge given == False, must be True as in training"):
        features.use_scorers(scorer, None)


def test_without_a_dense_channel_there_is_no_dense_feature(features):
    assert "dense_match" not in features.names


def test_without_channels_no_feature_tells_who_found_an_item(
    catalog, scorer, index, features, requests_, pool
):
    blind = FeatureSet(catalog, (), scorer)
    blind.refresh(index, 0)
    assert features.names == (*blind.names, "channels", "rank_a", "rank_b", "rank_c")
    values = features(requests_, pool)[..., : len(blind.names)]
    np.testing.assert_array_equal(blind(requests_, pool), values)


def test_a_query_that_names_a_category_matches_its_items(catalog, features, requests_, pool):
    values = column(features, features(requests_, pool), "category_match")
    categories_BN = np.where(pool.items_BN >= 0, catalog.category_I[pool.items_BN], -1)
    row = requests_.texts.index("lamp")
    lamp = categories_BN[row] == 2
    assert lamp.any()
    assert values[row, lamp].min() > 0.9
    assert values[row, ~lamp].max() < 0.1


def test_features_do_not_depend_on_the_batch_or_the_order_of_candidates(
    features, requests_, pool, permuted
):
    values = features(requests_, pool)
    for row in (0, 7, 20):
        alone = type(pool)(*(getattr(pool, f)[[row]] for f in pool.__dataclass_fields__))
        rows = np.array([row])
        np.testing.assert_array_equal(features(requests_.rows(rows), alone)[0], values[row])
    columns = np.random.default_rng(0).permutation(values.shape[1])
    np.testing.assert_array_equal(features(requests_, permuted(pool, columns)), values[:, columns])


def test_an_arm_reads_its_own_statistics(catalog, scorer, index, requests_, pool):
    zeros = np.zeros(len(catalog), np.float32)
    both = (index.statistics[0], ItemStatistics(zeros, zeros, zeros))
    features = FeatureSet(catalog, CHANNELS, scorer)
    features.refresh(replace(index, statistics=both), 1)
    assert not column(features, features(requests_, pool), "popularity").any()
    features.refresh(replace(index, statistics=both), 0)
    assert column(features, features(requests_, pool), "popularity").any()


def test_features_can_be_kept_and_leave_the_texts_behind(tmp_path, features, requests_, pool):
    values = features(requests_, pool)
    save(tmp_path / "features", features, trusted=["tests"])
    assert b"lap top blu" not in (tmp_path / "features").read_bytes()
    copy = load(tmp_path / "features", ["tests"])
    np.testing.assert_array_equal(copy(requests_, pool), values)


def test_memory_is_read_and_can_be_replaced(catalog, scorer, index, history, requests_, pool):
    memory = QueryMemory(catalog, history)
    features = FeatureSet(catalog, (), scorer, memory=memory)
    item_BN, category_BN, _ = memory(requests_, pool.items_BN)
    values = features(requests_, pool)
    np.testing.assert_array_equal(column(features, values, "query_item"), item_BN)
    np.testing.assert_array_equal(column(features, values, "query_category"), category_BN)
    assert item_BN.any()
    assert not values[pool.items_BN < 0].any()
    features.use_scorers(scorer, None, QueryMemory(catalog, History.empty()))
    assert not column(features, features(requests_, pool), "query_item").any()


def test_scorers_can_be_replaced_as_long_as_the_names_stay(features, scorer, requests_, pool):
    class Doubled:
        def pair_scores(self, requests, items_BN):
            return 2 * scorer.pair_scores(requests, items_BN)

    values = features(requests_, pool)
    features.use_scorers(Doubled(), None)
    replaced = features(requests_, pool)
    np.testing.assert_array_equal(replaced[..., 0], 2 * values[..., 0])
    np.testing.assert_array_equal(replaced[..., 1:], values[..., 1:])
    with pytest.raises(ConfigError, match="dense scorer given == True, must be False"):
        features.use_scorers(scorer, scorer)


def test_facts_are_the_features_of_the_same_names_and_zeros_on_padding(features, requests_, pool):
    plain = features.plain(requests_, pool)
    np.testing.assert_array_equal(
        features.facts(requests_, pool.items_BN),
        np.where((pool.items_BN >= 0)[..., None], plain[..., FACTS], 0),
    )


def test_what_the_cut_has_read_is_not_read_again_and_is_the_same(
    features, requests_, pool, monkeypatch
):
    columns = np.arange(1, pool.items_BN.shape[1], 2)
    kept = take(pool, np.tile(columns, (len(pool.items_BN), 1)))
    alone = features.plain(requests_, kept)
    features.facts(requests_, pool.items_BN)
    with monkeypatch.context() as patched:
        patched.setattr(features, "_words", None)
        np.testing.assert_array_equal(features.plain(requests_, kept), alone)
    for some, other in ((kept, pool), (take(pool, np.argsort(-kept.items_BN)), kept)):
        expected = features.plain(requests_, other)  # of others, or in another order: read anew
        features.facts(requests_, some.items_BN)
        np.testing.assert_array_equal(features.plain(requests_, other), expected)
    assert "_told" not in vars(features)
