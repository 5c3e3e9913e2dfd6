import numpy as np
import pytest

from experiments.inference.offpolicy.directmodel import (
    BINS,
    PRIOR_SLOTS,
    UNRANKED,
    bins,
    cross_fitted,
    fitted,
    folds,
    two_way,
)


def test_places_are_in_bins_of_powers_of_two():
    places = np.array([-1, 0, 1, 2, 3, 4, 7, 8, 100, 2**31 - 1])
    assert bins(places).tolist() == [UNRANKED, 0, 1, 2, 2, 3, 3, 4, 7, UNRANKED - 1]


def test_a_product_of_rates_is_found_again():
    """Also where places and slots go together, as in a log that seldom explores."""
    rate_KD = np.array([[0.3, 0.2], [0.2, 0.1], [0.1, 0.05]])
    rank_R = np.linspace(1.5, 0.5, BINS)
    slots_KDR = np.full((3, 2, BINS), 1e5)
    for k in range(3):
        slots_KDR[k, :, k] = 1e7
    slots_KDR[:, :, UNRANKED] = 0
    found_KDR = fitted(slots_KDR, slots_KDR * rate_KD[:, :, None] * rank_R)
    known = slice(0, UNRANKED)
    expected_KDR = rate_KD[:, :, None] * rank_R
    np.testing.assert_allclose(found_KDR[..., known], expected_KDR[..., known], rtol=0.02)


def test_items_that_the_logging_arm_did_not_rank_count_like_its_worst():
    slots_KDR = np.zeros((1, 2, BINS))
    outcomes_KDR = np.zeros((1, 2, BINS))
    slots_KDR[..., :3] = 1_000
    outcomes_KDR[..., :3] = [300, 100, 200]
    found_KDR = fitted(slots_KDR, outcomes_KDR)
    np.testing.assert_array_equal(found_KDR[..., UNRANKED], found_KDR[..., 1])


def test_slots_that_the_log_does_not_have_are_smoothed_to_its_mean():
    slots_KDR = np.zeros((2, 2, BINS))
    slots_KDR[0, 0, 0] = 40
    outcomes_KDR = np.zeros((2, 2, BINS))
    outcomes_KDR[0, 0, 0] = 20
    found_KDR = fitted(slots_KDR, outcomes_KDR)
    assert found_KDR[1, 1, 0] == pytest.approx(0.5)
    assert found_KDR[0, 0, 0] == pytest.approx((20 + PRIOR_SLOTS / 2) / (40 + PRIOR_SLOTS))


def test_a_log_without_outcomes_predicts_none():
    nothing = np.zeros((2, 2, BINS))
    assert not fitted(nothing, nothing).any()
    assert not fitted(nothing + 5, nothing).any()


def test_no_shoppers_own_half_is_in_what_is_predicted_of_them():
    rng = np.random.default_rng(1)
    slots = rng.integers(50, 100, (2, 3, 2, BINS)).astype(float)
    outcomes = rng.random((2, 2, 3, 2, BINS)) * slots
    before = cross_fitted(slots, outcomes)
    assert before.shape == (2, 2, 3, 2, BINS)
    slots[0], outcomes[:, 0] = 7.0, 3.0
    after = cross_fitted(slots, outcomes)
    np.testing.assert_array_equal(after[:, 0], before[:, 0])
    assert (after[:, 1] != before[:, 1]).all()
    assert folds(np.array([4, 7])).tolist() == [0, 1]


def test_rates_of_a_bandit_are_a_place_times_an_action():
    rate_X, relative_A = np.array([0.2, 0.1]), np.array([1.5, 1.0, 0.5])
    slots_XA = np.array([[4e6, 2e6, 1e6], [1e6, 2e6, 4e6]])
    found_X, found_A = two_way(slots_XA, slots_XA * rate_X[:, None] * relative_A)
    product_XA = found_X[:, None] * found_A
    np.testing.assert_allclose(product_XA, rate_X[:, None] * relative_A, rtol=1e-3)


def test_a_bandit_without_rewards_predicts_none():
    rate_X, relative_A = two_way(np.ones((2, 3)), np.zeros((2, 3)))
    assert not rate_X.any()
    assert relative_A.tolist() == [1.0] * 3
