import numpy as np
import pytest

from cqsid.rewards.of_log import ValueReward
from recall.arrays import Ragged
from tests.cqsid.rewards.shops import everything, groups, hand_logged, hand_shop

MEAN = 45.0


def _values(reward, **parts):
    return reward(hand_logged(**parts), everything(), hand_shop())


def test_purchases_and_other_clicks_count_by_price():
    values_BG = _values(ValueReward())
    # Item 2 was bought twice at 30; item 0 was clicked only, at 10.
    wanted = [[0.1 * 10 / MEAN, 2 * 30 / MEAN, 0, 0, 0, 0], [0] * 6, [0] * 6]
    np.testing.assert_allclose(values_BG, wanted, rtol=1e-6)


def test_values_of_all_ids_sum_to_what_was_spent_in_mean_prices():
    bought = Ragged.of([[2, 5, 3], [0, 1], []])
    spent_B = np.array([500.0, 25.0, 0.0])
    values_BG = _values(ValueReward(clicked=0), bought=bought, spent_B=spent_B)
    np.testing.assert_allclose(values_BG.sum(axis=1), spent_B / MEAN, rtol=1e-6)


def test_items_of_one_id_add_up():
    bought = Ragged.of([[0, 1], [], []])
    values_BG = _values(ValueReward(clicked=0), bought=bought, spent_B=np.array([30.0, 0, 0]))
    np.testing.assert_allclose(values_BG[0], [30 / MEAN, 0, 0, 0, 0, 0], rtol=1e-6)


def test_a_power_of_zero_counts_units():
    values_BG = _values(ValueReward(power=0))
    np.testing.assert_allclose(values_BG[0], [0.1, 2, 0, 0, 0, 0], rtol=1e-6)


def test_a_power_bends_the_price():
    values_BG = _values(ValueReward(power=2))
    wanted = [0.1 * (10 / MEAN) ** 2, 2 * (30 / MEAN) ** 2, 0, 0, 0, 0]
    np.testing.assert_allclose(values_BG[0], wanted, rtol=1e-6)


@pytest.mark.parametrize(("setting", "column"), [("bought", 1), ("clicked", 0)])
def test_each_event_has_its_weight(setting, column):
    usual, doubled = {"bought": 1.0, "clicked": 0.1}, {}
    doubled[setting] = 2 * usual[setting]
    factor = np.ones(6)
    factor[column] = 2
    values_BG = _values(ValueReward(**usual | doubled))
    np.testing.assert_allclose(values_BG[0], _values(ValueReward(**usual))[0] * factor, rtol=1e-6)


def test_money_without_a_bought_item_and_an_item_without_an_id_are_worth_nothing():
    logged = hand_logged(bought=Ragged.of([[7], [], []]), spent_B=np.array([80.0, 5.0, 0.0]))
    values_BG = ValueReward(clicked=0)(logged, groups([-1, 0], [-1, 1], [2, 3]), hand_shop())
    assert not values_BG.any()


def test_what_another_request_bought_still_counts_as_clicked_here():
    clicked = Ragged.of([[0, 2], [2], []])
    values_BG = _values(ValueReward(), clicked=clicked)
    np.testing.assert_allclose(values_BG[1], [0, 0.1 * 30 / MEAN, 0, 0, 0, 0], rtol=1e-6)
