import numpy as np

from cqsid.rewards.of_shop import joint_pool
from tests.cqsid.rewards.shops import everything, groups, hand_logged, hand_shop


def _pool(samples, items=5):
    shop, logged = hand_shop(), hand_logged().rows(np.arange(len(samples.sid_BG)))
    found = shop.elsewhere.pool_of(logged.requests)
    return joint_pool(shop.items(samples.sid_BG, items), found, shop.elsewhere)


def test_each_item_has_the_ranks_of_those_who_find_it_and_of_the_generator():
    # Channel 0 finds 3, 0; channel 2 finds 0, 5; ids hold 0 1 | 2 | 4 3 | 5.
    pool = _pool(everything())
    items, ranks = pool.items_BN[0], pool.ranks_BNC[0]
    told = {int(item): rank.tolist() for item, rank in zip(items, ranks, strict=True) if item >= 0}
    assert told == {
        0: [1, 0, 0],
        1: [-1, 1, -1],
        2: [-1, 0, -1],
        3: [0, 1, -1],
        4: [-1, 0, -1],
        5: [-1, 0, 1],
    }


def test_sources_and_scores_go_with_the_ranks():
    pool = _pool(everything())
    bits_BN = ((pool.ranks_BNC >= 0) << np.arange(3)).sum(axis=2)
    np.testing.assert_array_equal(pool.sources_BN, bits_BN)
    np.testing.assert_array_equal(np.isnan(pool.scores_BNC), pool.ranks_BNC < 0)
    place = pool.items_BN[0].tolist().index(0)
    np.testing.assert_array_equal(pool.scores_BNC[0, place], np.float32([8, 0, 0.5]))
    types = (pool.items_BN, pool.sources_BN, pool.ranks_BNC, pool.scores_BNC)
    assert [each.dtype.name for each in types] == ["int32", "int32", "int16", "float32"]


def test_items_come_once_in_the_order_of_a_merge_with_padding_at_the_end():
    pool = _pool(groups([0, 2, 0, 2], [3, -1, 3, 4], [-1, -1, -1, -1]), items=2)
    # Two ranks beat one; 3 is found elsewhere at rank 0, 0 by two channels.
    assert pool.items_BN.tolist() == [
        [0, 3, 4, 1, -1, -1, -1, -1],
        [5, -1, -1, -1, -1, -1, -1, -1],
        [-1] * 8,
    ]
    assert (pool.sources_BN[pool.items_BN < 0] == 0).all()


def test_the_order_of_a_group_does_not_matter():
    one, other = _pool(groups([0, 2, 3])), _pool(groups([3, 0, 2]))
    for name in ("items_BN", "sources_BN", "ranks_BNC", "scores_BNC"):
        np.testing.assert_array_equal(getattr(one, name)[0], getattr(other, name)[0])
