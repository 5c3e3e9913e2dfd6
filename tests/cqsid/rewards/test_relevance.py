import numpy as np

from cqsid.rewards.of_shop import RelevanceReward
from tests.cqsid.rewards.shops import everything, groups, hand_logged, hand_shop

HALF = np.sqrt(0.5)


def test_the_mean_cosine_of_the_items_counts():
    values_BG = RelevanceReward()(hand_logged(), everything(), hand_shop())
    wanted = [
        [(1 + 0.6) / 2, 0, (HALF - 1) / 2, 0, 0, 0],
        [(0 + 0.8) / 2, 1, (HALF + 0) / 2, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ]
    np.testing.assert_allclose(values_BG, wanted, atol=1e-6)


def test_only_the_first_items_are_looked_at():
    one, two = (
        RelevanceReward(items=n)(hand_logged(), everything(), hand_shop())[0, [0, 2]]
        for n in (1, 2)
    )
    np.testing.assert_allclose(one, [1, HALF], atol=1e-6)
    np.testing.assert_allclose(two, [0.8, (HALF - 1) / 2], atol=1e-6)


def test_the_greatest_cosine_can_count_instead():
    values_BG = RelevanceReward(aggregate="max")(hand_logged(), everything(), hand_shop())
    np.testing.assert_allclose(values_BG[0, [0, 2]], [1, HALF], atol=1e-6)


def test_the_greatest_cosine_may_be_negative():
    left = np.tile(np.float32([-1, 0]), (8, 1))
    shop = hand_shop(item_ID=left)
    values_BG = RelevanceReward(aggregate="max")(hand_logged(), groups([0], [0], [0]), shop)
    np.testing.assert_allclose(values_BG, [[-1], [0], [0]], atol=1e-6)
