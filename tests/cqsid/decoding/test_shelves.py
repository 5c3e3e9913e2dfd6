"""From ids to items."""

import numpy as np
import pytest

from cqsid.decoding.settings import ShelfSpec
from cqsid.decoding.shelves import Shelves, item_values
from cqsid.tokenizer.ids import SemanticIds
from simulator.protocols import ItemStatistics

IDS = SemanticIds(np.array([[0, 0], [1, 1], [0, 0], [-1, -1], [0, 0], [1, 0]], np.int32), (2, 2))
VALUE = np.array([1.0, 1.0, 3.0, 9.0, 1.0, 0.0])
SCORES = np.array([[-0.5, -1.0, -2.0]], np.float32)


def test_items_stand_by_falling_value_then_by_number():
    shelves = Shelves.of(IDS, VALUE)
    np.testing.assert_array_equal(shelves.items, [2, 0, 4, 5, 1])
    np.testing.assert_array_equal(shelves.pointer_S, [0, 3, 4, 5])


def test_the_best_id_comes_first_and_gives_its_score_to_its_items():
    found = Shelves.of(IDS, VALUE).expand(np.array([[1, 0, -1]], np.int32), SCORES, 10, 50)
    np.testing.assert_array_equal(found.items_BN[0], [5, 2, 0, 4, *[-1] * 6])
    np.testing.assert_array_equal(found.scores_BN[0, :4], np.float32([-0.5, -1, -1, -1]))


@pytest.mark.parametrize(("limit", "cap", "items"), [(2, 50, [2, 0]), (4, 1, [2, 5, 1, -1])])
def test_limit_and_cap_hold(limit, cap, items):
    found = Shelves.of(IDS, VALUE).expand(np.array([[0, 1, 2]], np.int32), SCORES, limit, cap)
    np.testing.assert_array_equal(found.items_BN[0], items)


def test_items_that_are_sold_out_are_passed_over():
    available = np.array([True, True, False, True, True, False])
    shelves = Shelves.of(IDS, VALUE).on_sale(available)
    found = shelves.expand(np.array([[0, 1, 2]], np.int32), SCORES, 4, 50)
    np.testing.assert_array_equal(found.items_BN[0], [0, 4, 1, -1])


def test_value_is_a_rate_shrunk_to_the_shops_mean():
    shown, clicked, bought = np.float32([[100, 0, 100], [10, 0, 0], [0, 0, 10]])
    statistics = ItemStatistics(shown, clicked, bought)
    value = item_values(ShelfSpec(), statistics, np.zeros(3))
    mean = (10 + 3 * 10) / 200
    np.testing.assert_allclose(
        value, [(10 + 100 * mean) / 200, mean, (30 + 100 * mean) / 200], rtol=1e-6
    )


def test_other_orders_are_by_number_and_by_age():
    statistics = ItemStatistics(*np.float32([[9, 9], [3, 1], [0, 1]]))
    age = np.array([5.0, 7.0])
    popularity = item_values(ShelfSpec(order="popularity"), statistics, age)
    np.testing.assert_array_equal(popularity, [3.0, 4.0])
    np.testing.assert_array_equal(item_values(ShelfSpec(order="newest"), statistics, age), age)
