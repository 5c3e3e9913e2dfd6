from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, strategies as st
from scipy.special import expit

from simulator.behaviour.choices import Basket, choice_chances, known_taste
from tests.simulator.behaviour.clickpatterns import known_logit_of, logit_of

EXACT = 1e-10
BASKET = Basket(margin=0.9, second=0.2)
BASKETS = (Basket(0.0, 0.0), BASKET, Basket(2.0, 3.0), Basket(1.2, -4.0), Basket(0.5, -300.0))


def chances(clicks, gains, basket=BASKET):
    """(3, K) of being first, second and in the cart."""
    found = choice_chances(np.array([clicks], np.float64), np.array([gains], np.float64), basket)
    return np.array([found.first_BK[0], found.second_BK[0], found.carted_BK[0]])


def enumerated(clicks, gains, basket):
    """The mean of the logit over every set of clicks."""
    clicks_K, gains_K = np.array(clicks, np.float64), np.array(gains, np.float64)
    sums_3K = np.zeros((3, len(clicks_K)))
    for pattern in product([False, True], repeat=len(clicks_K)):
        clicked_K = np.array(pattern)
        weight = np.where(clicked_K, clicks_K, 1 - clicks_K).prod()
        if weight > 0 and clicked_K.any():
            sums_3K[:, clicked_K] += weight * np.array(logit_of(gains_K[clicked_K], basket))
    return sums_3K


def pages(reach, most=6):
    chance = st.sampled_from([0.0, 0.5, 1.0]) | st.floats(0, 1)
    gain = st.sampled_from([0.0, 1.5]) | st.floats(-reach, reach)  # sampled ones tie
    return st.lists(st.tuples(chance, gain), min_size=1, max_size=most)


@given(page=pages(12), basket=st.sampled_from(BASKETS))
@example(page=[(0.9, 12.0 * (-1) ** k) for k in range(8)], basket=BASKET)
@example(page=[(0.9, 12.0 * (-1) ** k) for k in range(8)], basket=BASKETS[3])
@example(page=[(0.3 + 0.1 * k, k / 3) for k in range(8)], basket=BASKETS[0])
@example(page=[(0.3 + 0.1 * k, k / 3 - 5) for k in range(8)], basket=BASKETS[3])
@example(page=[(1.0, 12.0)] * 8, basket=BASKET)
@example(page=[(0.5, -12.0)] * 8, basket=BASKETS[4])
def test_chances_are_those_of_all_sets_of_clicks_together(page, basket):
    clicks, gains = zip(*page, strict=True)
    found_3K = chances(clicks, gains, basket)
    np.testing.assert_allclose(found_3K, enumerated(clicks, gains, basket), atol=EXACT, rtol=0)


@given(page=pages(80))
@example(page=[(0.5, 40.0), (0.5, -40.0)])  # a clock that has surely rung must count as rung
@example(page=[(0.5, 40.0), (0.5, 10.0), (1.0, -3.0)])
def test_gains_far_apart_lose_no_digits(page):
    clicks, gains = zip(*page, strict=True)
    found_3K = chances(clicks, gains)
    np.testing.assert_allclose(found_3K, enumerated(clicks, gains, BASKET), atol=EXACT, rtol=0)


@pytest.mark.parametrize("spread", [0.0, 3.0, 12.0])
def test_a_page_of_which_everything_is_clicked_is_a_plain_logit(spread):
    gains_K = spread * np.random.default_rng(3).uniform(-1, 1, 63)
    found_3K = chances(np.ones(63), gains_K)
    np.testing.assert_allclose(found_3K, logit_of(gains_K, BASKET), atol=EXACT, rtol=0)


def test_two_hand_checked_items():
    """Clicked for sure, as good as buying nothing: a third each, and an eighth in second place,
    since one of four clocks must ring, and then one of two."""
    first_K, second_K, carted_K = chances([1.0, 1.0], [0.0, 0.0], Basket(0.0, 0.0))
    np.testing.assert_allclose(first_K, 1 / 3, atol=EXACT)
    np.testing.assert_allclose(second_K, 1 / 8, atol=EXACT)
    np.testing.assert_allclose(carted_K, 1 / 3 + 1 / 8, atol=EXACT)


def test_where_a_second_item_costs_nothing_it_is_bought_whenever_it_was_clicked():
    _, second_K, _ = chances([1.0, 0.5], [3.0, -2.0], Basket(0.0, -200.0))
    worth = np.exp(3.0) + np.exp(-2.0)
    assert second_K.sum() == pytest.approx(0.5 * worth / (1 + worth), abs=EXACT)


def test_an_item_alone_is_bought_as_a_logit_says_and_is_never_second():
    first_K, second_K, carted_K = chances([0.25], [0.7])
    assert first_K[0] == pytest.approx(0.25 * expit(0.7), abs=EXACT)
    assert carted_K[0] == pytest.approx(0.25 * expit(0.7 + BASKET.margin), abs=EXACT)
    assert second_K[0] == pytest.approx(0.0, abs=1e-15)


@given(page=pages(12, most=20))
def test_there_is_one_first_choice_and_the_second_comes_after_it(page):
    first_K, second_K, carted_K = chances(*zip(*page, strict=True))
    assert (carted_K >= first_K + second_K - EXACT).all()
    assert (first_K >= 0).all()
    assert (second_K >= 0).all()
    assert second_K.sum() <= first_K.sum() + 20 * EXACT
    assert first_K.sum() <= 1 + 20 * EXACT


@given(page=pages(12))
def test_what_nobody_clicks_changes_nothing(page):
    clicks, gains = zip(*page, strict=True)
    alone_3K = chances(clicks, gains)
    beside_3K = chances((0.0, *clicks, 0.0), (30.0, *gains, np.nan))
    np.testing.assert_array_equal(beside_3K[:, 1:-1], alone_3K)
    np.testing.assert_array_equal(beside_3K[:, [0, -1]], 0.0)


def test_a_page_does_not_depend_on_the_pages_beside_it():
    rng = np.random.default_rng(1)
    clicks_BK, gains_BK = rng.random((30, 7)), rng.normal(0, 3, (30, 7))
    together = np.array(choice_chances(clicks_BK, gains_BK, BASKET)[:3])
    for row in range(30):
        np.testing.assert_array_equal(together[:, row], chances(clicks_BK[row], gains_BK[row]))


@pytest.mark.parametrize("slots", [0, 4])
def test_pages_without_clicks_sell_nothing(slots):
    found = choice_chances(np.zeros((3, slots)), np.zeros((3, slots)), BASKET)
    for chance_BK in (found.first_BK, found.second_BK, found.carted_BK):
        assert chance_BK.shape == (3, slots)
        assert not chance_BK.any()


def test_hostile_gains_leave_chances_chances():
    gains = [np.inf, 1e30, -np.inf, -1e30, np.nan, 0.0]
    first_K, second_K, carted_K = chances([0.5, 1.0, 1.0, 1.0, 1.0, 1.0], gains, Basket(1e9, 1e9))
    assert first_K[:2].sum() == pytest.approx(1.0, abs=EXACT)
    np.testing.assert_allclose(first_K[2:], 0.0, atol=EXACT)
    assert np.isfinite(second_K).all()
    assert np.isfinite(carted_K).all()
    assert second_K.sum() <= 1


def enumerated_open(clicks, gains, discontent, *, better):
    """The chance that a need stays open, over every set of clicks.

    `better` gives the chance that the outside option beats all of a set.
    """
    total = 0.0
    for pattern in product([False, True], repeat=len(clicks)):
        clicked_K = np.array(pattern)
        weight = np.where(clicked_K, clicks, 1 - clicks).prod()
        if weight > 0:
            best = np.argmax(np.where(clicked_K, gains, -np.inf))
            stays = discontent[best] * better(clicked_K) if clicked_K.any() else 1.0
            total += weight * stays
    return total


def discontent_of(gains_K, threshold=0.4):
    return expit(threshold - gains_K)


@given(page=pages(12))
@example(page=[(0.9, 12.0 * (-1) ** k) for k in range(8)])
@example(page=[(1.0, 0.3)] * 4)
def test_a_need_stays_open_as_over_all_sets_of_clicks(page):
    clicks_K, gains_K = (np.array(column, np.float64) for column in zip(*page, strict=True))
    discontent_K = discontent_of(gains_K)
    wanted = enumerated_open(
        clicks_K,
        gains_K,
        discontent_K,
        better=lambda clicked_K: 1 / (1 + np.exp(gains_K[clicked_K]).sum()),
    )
    found = choice_chances(clicks_K[None], gains_K[None], BASKET, discontent_K[None])
    assert found.open_B[0] == pytest.approx(wanted, abs=EXACT)


def test_a_need_of_which_nobody_is_ever_content_stays_open_where_nothing_is_bought():
    rng = np.random.default_rng(2)
    found = choice_chances(rng.random((20, 9)), rng.normal(0, 3, (20, 9)), BASKET)
    np.testing.assert_allclose(found.open_B, 1 - found.first_BK.sum(axis=1), atol=EXACT)


@given(page=pages(8), luck=st.integers(0, 2**32 - 1), basket=st.sampled_from(BASKETS))
def test_with_known_tastes_chances_are_those_of_all_sets_of_clicks(page, luck, basket):
    clicks_K, gains_K = (np.array(column, np.float64) for column in zip(*page, strict=True))
    discontent_K = discontent_of(gains_K)
    taste_K = np.random.default_rng(luck).gumbel(size=len(clicks_K))
    value_K = gains_K + taste_K
    wanted_3K = np.zeros((3, len(clicks_K)))
    for pattern in product([False, True], repeat=len(clicks_K)):
        clicked_K = np.array(pattern)
        weight = np.where(clicked_K, clicks_K, 1 - clicks_K).prod()
        wanted_3K[:, clicked_K] += weight * np.array(known_logit_of(value_K[clicked_K], basket))
    wanted_open = enumerated_open(
        clicks_K,
        gains_K,
        discontent_K,
        better=lambda clicked_K: -np.expm1(-np.exp(-value_K[clicked_K].max())),
    )
    found = known_taste(
        clicks_K[None], gains_K[None], basket, discontent_K[None], taste_K[None, None]
    )
    found_3K = [found.first_BMK[0, 0], found.second_BMK[0, 0], found.carted_BMK[0, 0]]
    np.testing.assert_allclose(found_3K, wanted_3K, atol=1e-12)
    assert found.open_BM[0, 0] == pytest.approx(wanted_open, abs=1e-12)


def test_chances_with_known_tastes_average_to_those_over_all_tastes():
    rng = np.random.default_rng(5)
    clicks_BK, gains_BK = rng.random((3, 6)), rng.normal(0, 2, (3, 6))
    discontent_BK = discontent_of(gains_BK)
    sets = 60_000
    taste_BMK = rng.gumbel(size=(3, sets, 6))
    exact = choice_chances(clicks_BK, gains_BK, BASKET, discontent_BK)
    known = known_taste(clicks_BK, gains_BK, BASKET, discontent_BK, taste_BMK)
    for found, wanted in zip(known, exact, strict=True):
        error = found.std(axis=1) / np.sqrt(sets) + 1e-12
        assert (np.abs(found.mean(axis=1) - wanted) < 4.5 * error).all()
