import numpy as np
import pytest

from cqsid.rewards.of_log import LogReward
from recall.arrays import Ragged
from tests.cqsid.rewards.shops import everything, groups, hand_logged, hand_shop

TIERS = {"bought": 30, "clicked": 10, "exposed": 5, "empty": -1, "existing": 2, "invalid": -2}


def test_the_first_tier_that_fits_counts():
    values_BG = LogReward(**TIERS)(hand_logged(), everything(), hand_shop())
    assert values_BG.tolist() == [
        [10, 30, 5, 2, -1, -2],
        [2, 2, 2, 5, -1, -2],
        [2, 2, 2, 2, -1, -2],
    ]


def test_the_defaults_are_those_of_eg_grpo():
    values_BG = LogReward()(hand_logged(), everything(), hand_shop())
    wanted = [[1, 1, 0.5, 0.1, 0.1, 0], [0.1, 0.1, 0.1, 0.5, 0.1, 0], [0.1] * 5 + [0]]
    np.testing.assert_array_equal(values_BG, np.array(wanted, np.float32))
    assert values_BG.dtype == np.float32


def test_the_tiers_of_varg_can_be_said():
    varg = LogReward(bought=3, clicked=1, exposed=0.1, existing=0, empty=-1, invalid=-2)
    values_BG = varg(hand_logged(), everything(), hand_shop())
    np.testing.assert_array_equal(values_BG[0], np.float32([1, 3, 0.1, 0, -1, -2]))


@pytest.mark.parametrize("tier", TIERS)
def test_each_tier_has_ids_of_its_own(tier):
    plain, other = LogReward(**TIERS), LogReward(**TIERS | {tier: 99})
    arguments = hand_logged(), everything(), hand_shop()
    changed_BG = plain(*arguments) != other(*arguments)
    assert (changed_BG == (plain(*arguments) == TIERS[tier])).all()
    assert changed_BG.any()


def test_any_item_with_the_id_will_do():
    logged = hand_logged(clicked=Ragged.of([[4], [], []]), bought=Ragged.of([[], [], []]))
    assert LogReward(clicked=7)(logged, groups([2], [2], [2]), hand_shop())[0] == 7


def test_what_was_clicked_and_is_sold_out_since_was_clicked():
    logged = hand_logged(clicked=Ragged.of([[6], [], []]))
    assert LogReward(**TIERS)(logged, groups([4], [4], [4]), hand_shop()).tolist() == [
        [10],
        [-1],
        [-1],
    ]


def test_an_item_without_an_id_makes_no_id_of_minus_one_right():
    logged = hand_logged(bought=Ragged.of([[7], [7], [7]]))
    assert (LogReward(**TIERS)(logged, groups([-1], [-1], [-1]), hand_shop()) == -2).all()
