from dataclasses import replace

import numpy as np
import pytest

from cqsid.rewards.fixtures import sample_groups, sample_logged, sample_shop
from cqsid.rewards.of_shop import RankerReward
from ranking.examples import build_examples
from ranking.features import FeatureSet
from ranking.rankers.learned import LearnedRanker
from ranking.rankers.settings import LearnedSpec
from ranking.settings import ExamplesSpec
from recall.classic.lexical import LexicalChannel
from recall.sampleshop import sample_history
from simulator.errors import ConfigError
from tests.cqsid.rewards.shops import NumberRanker, everything, groups, hand_logged, hand_shop


def _values(reward, samples=None, **parts):
    return reward(hand_logged(), samples or everything(), hand_shop(**parts))


class Shy(NumberRanker):
    """Likes items that few channels find, whatever their number."""

    def score(self, requests, pool):
        held_BN = pool.items_BN >= 0
        found_BN = (pool.ranks_BNC >= 0).sum(axis=2)
        bits_BN = np.bitwise_count(pool.sources_BN)
        assert (found_BN[held_BN] == bits_BN[held_BN]).all()
        return np.where(held_BN, -found_BN, -np.inf).astype(np.float32)


def test_the_best_of_the_first_items_counts():
    # The ranker scores items by their numbers; ids hold 0 1 | 2 | 4 3 | 5 | none.
    assert _values(RankerReward()).tolist() == [[1, 2, 4, 5, 1, 1]] * 3


def test_the_mean_can_count_and_fewer_items():
    assert _values(RankerReward(aggregate="mean"))[0, :4].tolist() == [0.5, 2, 3.5, 5]
    assert _values(RankerReward(items=1))[0, :4].tolist() == [0, 2, 4, 5]


def test_the_ranker_is_told_who_else_finds_an_item():
    values_BG = _values(RankerReward(aggregate="mean", empty=0), ranker=Shy())
    # 0 is found by three, 3 and 5 by two, the others by the generator alone.
    assert values_BG[0].tolist() == [-2, -1, -1.5, -2, 0, 0]


def test_the_ranker_is_asked_once_about_a_batch():
    ranker = NumberRanker()
    _values(RankerReward(), ranker=ranker)
    (pool,) = ranker.pools
    assert pool.items_BN.shape == (3, 6 * 5)
    assert [sorted(row[row >= 0].tolist()) for row in pool.items_BN] == [[0, 1, 2, 3, 4, 5]] * 3


def test_an_id_without_items_is_as_bad_as_the_worst_of_its_group():
    samples = groups([3, -1, 1], [-1, 4, -1], [4, 2, 0])
    assert _values(RankerReward(), samples).tolist() == [[5, 2, 2], [0, 0, 0], [1, 4, 1]]


def test_an_id_without_items_can_have_a_value_of_its_own():
    samples = groups([3, -1, 1], [-1, 4, -1], [4, 2, 0])
    values_BG = _values(RankerReward(empty=-7, squash="tanh"), samples)
    assert (values_BG[[0, 1, 1, 1, 2], [1, 0, 1, 2, 0]] == -7).all()


def test_squashed_scores_stay_within_the_limit():
    plain = _values(RankerReward())
    squashed = _values(RankerReward(squash="tanh", limit=0.2))
    np.testing.assert_allclose(squashed, 0.2 * np.tanh(plain), rtol=1e-6)


def test_the_spread_is_the_unit_under_tanh():
    squashed = _values(RankerReward(squash="tanh", spread=10))
    np.testing.assert_allclose(squashed, np.tanh(_values(RankerReward()) / 10), rtol=1e-6)


def test_scores_can_be_told_from_what_the_others_find():
    # Others find 3, 0 and 5, scored 3, 0 and 5.
    others = np.array([3.0, 0.0, 5.0])
    values_BG = _values(RankerReward(relative="pool"))
    wanted = (np.array([1, 2, 4, 5, 1, 1]) - others.mean()) / others.std()
    np.testing.assert_allclose(values_BG[0], wanted, rtol=1e-6)


def test_where_the_others_score_alike_relative_scores_are_zero():
    class Flat(NumberRanker):
        def score(self, requests, pool):
            return np.where(pool.items_BN >= 0, 3, -np.inf).astype(np.float32)

    assert not _values(RankerReward(relative="pool"), ranker=Flat()).any()


def test_the_learned_ranker_takes_generated_items_as_candidates():
    shop, logged = sample_shop(), sample_logged()
    lexical = LexicalChannel()
    lexical.fit(shop.catalog, sample_history(shop.catalog), rng=np.random.default_rng(0))
    features = FeatureSet(shop.catalog, ("lexical", "popular", "generative"), lexical)
    ranker = LearnedRanker(features, LearnedSpec(epochs=1))
    examples = build_examples(
        sample_history(shop.catalog, 400),
        shop.catalog,
        shop.elsewhere.pool_of,
        ExamplesSpec(),
        rng=np.random.default_rng(0),
    )
    ranker.fit(examples, rng=np.random.default_rng(0))
    assert ranker.network is not None
    ranker.refresh(shop.index, 0)
    samples = sample_groups(logged, shop)
    values_BG = RankerReward()(logged, samples, replace(shop, ranker=ranker))
    assert (values_BG < 0).all()  # logarithms of chances
    assert values_BG.std() > 0


@pytest.mark.parametrize("need", ["ranker", "elsewhere"])
def test_what_is_missing_is_named(need):
    with pytest.raises(ConfigError, match=f"here: {need} == None, must be there"):
        RankerReward().check_shop(hand_shop(**{need: None}), "here")
