import numpy as np
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from ranking.ordering import best_first, on_grid

SCORES = arrays(np.float32, (3, 9), elements=st.floats(-1e6, 1e6, width=32))


def test_ties_go_to_the_lower_item_id_and_padding_comes_last():
    scores = np.array([[1.0, 2.0, 2.0, 9.0, -np.inf]], np.float32)
    items = np.array([[4, 8, 3, -1, 1]], np.int32)
    assert best_first(scores, items).tolist() == [[2, 1, 0, 4, 3]]
    assert best_first(scores, items, 2).tolist() == [[2, 1]]


def test_zero_has_one_sign_and_nan_is_the_lowest_score():
    scores = np.array([[-0.0, 0.0, np.nan, -1e30, -1e-30]], np.float32)
    items = np.array([[9, 5, 1, 2, 3]], np.int32)
    assert best_first(scores, items).tolist() == [[1, 0, 4, 3, 2]]


@given(SCORES)
def test_the_order_is_that_of_the_rounded_scores(scores_BN):
    items_BN = np.tile(np.arange(9, dtype=np.int32)[::-1], (3, 1))
    order_BN = best_first(scores_BN, items_BN)
    rounded_BN = on_grid(scores_BN)
    expected_BN = np.lexsort((items_BN, -rounded_BN), axis=-1)
    np.testing.assert_array_equal(order_BN, expected_BN)


@given(SCORES)
def test_the_grid_is_fine_and_rounding_twice_changes_nothing(scores_BN):
    rounded_BN = on_grid(scores_BN)
    np.testing.assert_allclose(rounded_BN, scores_BN, rtol=1e-5, atol=1e-36)
    np.testing.assert_array_equal(on_grid(rounded_BN), rounded_BN)


def test_noise_in_the_last_bits_does_not_change_the_order():
    rng = np.random.default_rng(0)
    grid_BN = on_grid(rng.normal(size=(200, 50)).astype(np.float32))
    items_BN = np.tile(rng.permutation(50).astype(np.int32), (200, 1))
    noisy_BN = np.nextafter(grid_BN, np.float32(np.inf))
    np.testing.assert_array_equal(best_first(noisy_BN, items_BN), best_first(grid_BN, items_BN))
