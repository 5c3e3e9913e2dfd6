import numpy as np
import pytest

from ranking.recallstage import RecallStage
from ranking.union import UnionRecall, united
from recall.settings import MergeSpec

UNIVERSE = ("a", "b", "c")


def stage(channels, *names, limit=15):
    chosen = {name: channels[name] for name in names}
    return RecallStage(60, chosen, UNIVERSE, dict.fromkeys(names, limit), MergeSpec(limit=25))


@pytest.fixture
def channels(channel):
    return {"a": channel("a", 1), "b": channel("b", 3), "c": channel("c", 7)}


def found(pool, row):
    """Item: (sources, ranks) of one request."""
    return {
        int(item): (int(pool.sources_BN[row, n]), pool.ranks_BNC[row, n].tolist())
        for n, item in enumerate(pool.items_BN[row])
        if item >= 0
    }


def test_an_item_is_found_where_any_arm_finds_it_and_stands_there_once(channels, requests_):
    arms = [stage(channels, "a", "b"), stage(channels, "a", "c")]
    pool = UnionRecall(arms).pool(requests_)
    for row in range(len(requests_)):
        one, other = (found(arm.pool(requests_), row) for arm in arms)
        union = found(pool, row)
        assert union.keys() == one.keys() | other.keys()
        held = pool.items_BN[row][pool.items_BN[row] >= 0]
        assert len(held) == len(union)
        for item, (sources, ranks) in union.items():
            parts = [each[item] for each in (one, other) if item in each]
            assert sources == np.bitwise_or.reduce([part[0] for part in parts])
            for c, rank in enumerate(ranks):
                known = [part[1][c] for part in parts if part[1][c] >= 0]
                assert rank == min(known, default=-1)


def test_items_come_in_the_order_of_their_best_place_in_any_arm(channels, requests_):
    arms = [stage(channels, "a"), stage(channels, "c")]
    pool = UnionRecall(arms).pool(requests_)
    one, other = (arm.pool(requests_) for arm in arms)
    for row in range(len(requests_)):
        woven = np.stack([one.items_BN[row], other.items_BN[row]], axis=1).ravel()
        woven = list(dict.fromkeys(woven[woven >= 0].tolist()))
        assert pool.items_BN[row][: len(woven)].tolist() == woven
        assert (pool.items_BN[row][len(woven) :] == -1).all()


def test_the_union_of_one_arm_or_of_twins_is_the_arms_pool(channels, requests_):
    arm = stage(channels, "a", "b")
    pool = arm.pool(requests_)
    for arms in ([arm], [arm, stage(channels, "a", "b")]):
        union = UnionRecall(arms).pool(requests_)
        for name in pool.__dataclass_fields__:
            width = pool.items_BN.shape[1]
            np.testing.assert_array_equal(getattr(union, name)[:, :width], getattr(pool, name))


def test_a_channel_that_arms_share_is_asked_once_for_each_limit(channels, requests_):
    arms = [
        stage(channels, "a", "b"),
        stage(channels, "a", "c"),
        stage(channels, "a", limit=5),
    ]
    UnionRecall(arms).pool(requests_)
    assert {name: each.calls for name, each in channels.items()} == {"a": 2, "b": 1, "c": 1}


def test_a_score_is_that_of_the_best_rank(channels, requests_):
    wide, narrow = stage(channels, "a"), stage(channels, "a", limit=3)
    pools = [arm.pool(requests_) for arm in (narrow, wide)]
    union = united(pools, 60)
    scores = {
        int(i): s for i, s in zip(pools[1].items_BN[0], pools[1].scores_BNC[0, :, 0], strict=True)
    }
    narrow_scores = dict(
        zip(pools[0].items_BN[0].tolist(), pools[0].scores_BNC[0, :, 0], strict=True)
    )
    for n, item in enumerate(union.items_BN[0]):
        expected = narrow_scores.get(int(item), scores.get(int(item)))
        assert item < 0 or union.scores_BNC[0, n, 0] == expected
