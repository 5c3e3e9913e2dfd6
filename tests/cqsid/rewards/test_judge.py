import numpy as np
import pytest

from cqsid.rewards.of_shop import JudgeReward
from cqsid.rewards.registry import RewardMix, build_mix, judges_of
from simulator.errors import ConfigError
from tests.cqsid.rewards.shops import everything, hand_logged, hand_shop


class ByNumber:
    """Half an item's number in grades over 3; it also keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def pair_scores(self, requests, items_BN):
        self.asked.append(items_BN)
        return (items_BN / 8).astype(np.float32)


def shop_of(**judges):
    return hand_shop(judges=judges)


def test_the_mean_expected_grade_of_the_items_counts():
    shop = shop_of(mine=ByNumber())
    values_BG = JudgeReward(judge="mine")(hand_logged(), everything(), shop)
    items_BGK = shop.items(everything().sid_BG, 5)
    for row, column in np.ndindex(values_BG.shape):
        items = items_BGK[row, column][items_BGK[row, column] >= 0]
        assert values_BG[row, column] == pytest.approx(items.mean() / 8 if len(items) else 0)
    assert (values_BG > 0).any()


def test_only_the_first_items_are_looked_at_and_the_greatest_can_count():
    shop = shop_of(mine=ByNumber())
    one = JudgeReward(judge="mine", items=1)(hand_logged(), everything(), shop)[0, 0]
    most = JudgeReward(judge="mine", aggregate="max")(hand_logged(), everything(), shop)[0, 0]
    first, *_ = items = shop.items(everything().sid_BG, 5)[0, 0]
    assert (one, most) == pytest.approx((first / 8, items.max() / 8))


def test_each_component_asks_the_judge_that_it_names():
    one, other = ByNumber(), ByNumber()
    mix = RewardMix(components=[{"type": "judge", "judge": "b"}, {"type": "log"}])
    assert judges_of([mix, mix]) == ["b"]
    built = build_mix(mix, shop_of(a=one, b=other), "mine")
    built(hand_logged(), everything())
    assert (len(one.asked), len(other.asked)) == (0, 1)


def test_a_judge_that_the_shop_has_not_is_refused():
    mix = RewardMix(components=[{"type": "judge", "judge": "grader"}])
    with pytest.raises(ConfigError, match=r"judge == 'grader', must be one of the shop's: a"):
        build_mix(mix, shop_of(a=ByNumber()), "mine")
    with pytest.raises(ConfigError, match=r"must be one of the shop's: none is there"):
        build_mix(mix, hand_shop(), "mine")
