import numpy as np

from cqsid.rewards.fixtures import sample_groups, sample_logged, sample_shop
from cqsid.rewards.of_log import columns_of
from cqsid.rewards.of_shop import ExclusivityReward
from tests.cqsid.rewards.shops import everything, hand_logged, hand_shop


def test_the_share_that_nobody_else_finds_counts():
    # Others find items 0, 3 and 5. Id 0 holds 0 and 1, id 2 holds 4 and 3.
    values_BG = ExclusivityReward()(hand_logged(), everything(), hand_shop())
    assert values_BG.tolist() == [[0.5, 1, 0.5, 0, 0, 0]] * 3


def test_only_the_first_items_are_looked_at():
    values_BG = ExclusivityReward(items=1)(hand_logged(), everything(), hand_shop())
    assert values_BG[0].tolist() == [0, 1, 1, 0, 0, 0]


def test_it_agrees_with_looking_items_up_one_by_one():
    shop, logged = sample_shop(), sample_logged()
    samples = sample_groups(logged, shop)
    pool_BN, items_BGK = (
        shop.elsewhere.pool_of(logged.requests).items_BN,
        shop.items(samples.sid_BG, 5),
    )
    wanted = [
        [
            np.mean([i not in set(pool.tolist()) for i in items if i >= 0] or [0])
            for items in items_GK
        ]
        for pool, items_GK in zip(pool_BN, items_BGK, strict=True)
    ]
    values_BG = ExclusivityReward()(logged, samples, shop)
    np.testing.assert_allclose(values_BG, wanted, atol=1e-6)
    assert 0 < values_BG.mean() < 1
    assert (columns_of(items_BGK.reshape(len(logged), -1), pool_BN) >= 0).any()
