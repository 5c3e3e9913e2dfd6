import numpy as np
import pytest

from ranking.ndcg import ndcg


def test_ndcg_equals_its_formula_on_a_worked_example():
    scores = np.array([[3.0, 2.0, 1.0, 9.0]], np.float32)
    items = np.array([[7, 8, 9, -1]], np.int32)
    gains = np.array([[0, 1, 1, 1]])
    discounts = 1 / np.log2([2, 3, 4])
    expected = (discounts[1] + discounts[2]) / (discounts[0] + discounts[1])
    assert ndcg(scores, items, gains) == pytest.approx(expected)


def test_rows_count_by_what_there_is_to_gain():
    scores = np.array([[3.0, 2.0], [3.0, 2.0]], np.float32)
    items, gains = np.array([[7, 8], [7, 8]], np.int32), np.array([[0, 3], [1, 0]])
    assert ndcg(scores, items, gains) == pytest.approx((3 / np.log2(3) + 1) / 4)


def test_rows_without_a_gain_do_not_count():
    scores, items = np.zeros((2, 3), np.float32), np.tile(np.arange(3, dtype=np.int32), (2, 1))
    assert ndcg(scores, items, np.array([[1, 0, 0], [0, 0, 0]])) == 1.0
    assert np.isnan(ndcg(scores, items, np.zeros((2, 3))))
