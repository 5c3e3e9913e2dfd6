import numpy as np
import pytest

from cqsid.rewards.of_log import PrefixReward
from simulator.errors import ConfigError
from tests.cqsid.rewards.shops import everything, hand_logged, hand_shop


def test_levels_that_agree_with_a_click_add_up():
    # Clicked: items 0 (codes 0 0) and 2 (codes 0 1).
    values_BG = PrefixReward()(hand_logged(), everything(), hand_shop())
    assert values_BG.tolist() == [[1, 1, 0, 0, 0, 0], [0] * 6, [0] * 6]


@pytest.mark.parametrize(
    ("targets", "wanted"),
    [
        ("clicked", [[1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]),
        ("bought", [[0.5, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]),
        ("exposed", [[1, 1, 1, 0.5, 0, 0], [0, 0, 0.5, 1, 0, 0]]),
    ],
)
def test_the_targets_can_be_chosen(targets, wanted):
    values_BG = PrefixReward(targets=targets)(hand_logged(), everything(), hand_shop())
    assert values_BG[:2].tolist() == wanted


def test_each_level_has_its_weight():
    reward = PrefixReward(targets="bought", level_weights=(2, 5))
    arguments = hand_logged(), everything(), hand_shop()
    assert reward(*arguments)[0].tolist() == [2, 7, 0, 0, 0, 0]
    assert reward.levels(*arguments)[0].tolist() == [[2, 0], [2, 5]] + [[0, 0]] * 4


def test_the_levels_sum_to_the_reward():
    reward, arguments = PrefixReward(targets="exposed"), (hand_logged(), everything(), hand_shop())
    np.testing.assert_allclose(reward.levels(*arguments).sum(axis=2), reward(*arguments))


def test_weights_of_another_number_of_levels_are_refused():
    with pytest.raises(ConfigError, match=r"here\.level_weights == 3 numbers, must be 2 or none"):
        PrefixReward(level_weights=(1, 1, 1)).check_shop(hand_shop(), "here")
    PrefixReward().check_shop(hand_shop(), "here")
    PrefixReward(level_weights=(1, 0)).check_shop(hand_shop(), "here")
