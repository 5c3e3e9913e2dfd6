"""Distances of samples: those of other implementations, with a law that holds whole shoppers."""

import numpy as np
import pytest
from scipy import stats

from experiments.validate.ownlog import distances
from experiments.validate.ownlog.distances import (
    Sample,
    apart,
    concentration_apart,
    share_of_top,
)


@pytest.fixture(autouse=True)
def _fewer_draws(monkeypatch):
    """The law of a test does not hang on them, its time does."""
    monkeypatch.setattr(distances, "DRAWS", 199)
    monkeypatch.setattr(distances, "_CONCENTRATIONS", 60)


def compared(own, simulated, seed=0, **options):
    rng = np.random.default_rng(seed)
    return apart(own, simulated, confidence=0.95, rng=rng, **options)


def alone(values):
    return Sample(np.asarray(values, float), np.arange(len(values)))


def test_the_distance_is_that_of_kolmogorov_and_smirnov_ties_included():
    rng = np.random.default_rng(1)
    own, simulated = rng.poisson(2.0, 80), rng.poisson(2.6, 130)
    told = compared(alone(own), alone(simulated))
    assert told.distance.estimate == pytest.approx(stats.ks_2samp(own, simulated).statistic)
    assert told.distance.low <= told.distance.estimate <= told.distance.high


def test_kuipers_distance_does_not_depend_on_where_the_day_begins():
    rng = np.random.default_rng(2)
    own, simulated = rng.normal(14, 3, 200) % 24, rng.normal(16, 3, 300) % 24
    sizes = [
        compared(
            alone((own + shift) % 24), alone((simulated + shift) % 24), circular=True
        ).distance.estimate
        for shift in (0.0, 7.3, 15.0)
    ]
    assert sizes[1:] == pytest.approx([sizes[0], sizes[0]])
    assert compared(alone(own), alone(own), circular=True).distance.estimate == 0


def clustered(rng, shoppers, shift=0.0):
    """Values of which those of one shopper are nearly the same, some with many."""
    count_U = 1 + rng.poisson(4, shoppers)
    level_U = rng.normal(shift, 1, shoppers)
    shopper_N = np.repeat(np.arange(shoppers), count_U)
    return Sample(level_U[shopper_N] + rng.normal(0, 0.1, len(shopper_N)), shopper_N)


def test_alike_logs_are_called_different_at_the_level_of_the_test_although_shoppers_hang_together():
    rng = np.random.default_rng(3)
    told = [
        (one, other, compared(one, other, seed))
        for seed in range(150)
        for one, other in ((clustered(rng, 60), clustered(rng, 90)),)
    ]
    called = np.mean([each.p_value < 0.05 for _, _, each in told])
    naive = np.mean(
        [stats.ks_2samp(one.value_N, other.value_N).pvalue < 0.05 for one, other, _ in told]
    )
    error = np.sqrt(0.05 * 0.95 / 150)
    assert called < 0.05 + 4 * error
    assert naive > 0.4  # of a test that takes values for independent
    assert np.mean([each.distance.low == 0.0 for _, _, each in told]) > 0.95 - 4 * error


def test_a_shift_is_found_and_its_interval_holds_the_true_distance():
    rng = np.random.default_rng(4)
    true = 2 * stats.norm.cdf(0.5) - 1  # of two normal laws whose means are one apart
    told = [compared(clustered(rng, 150), clustered(rng, 200, 1.0), seed) for seed in range(40)]
    assert max(each.p_value for each in told) < 0.01
    assert np.mean([each.distance.holds(true) for each in told]) >= 0.9


def lives(rng, items=150, orders=1_500):
    """Values that are the prices of items, of which each life sells some more."""
    price_I = np.random.default_rng(7).normal(size=items)
    weight_I = rng.exponential(size=items)
    item_N = rng.choice(items, orders, p=weight_I / weight_I.sum())
    return Sample(price_I[item_N], rng.integers(500, size=orders), item_N)


def test_two_lives_of_one_shop_are_alike_although_they_sell_other_items_more():
    rng = np.random.default_rng(8)
    pairs = [(lives(rng), lives(rng)) for _ in range(60)]
    called, naive = (
        np.mean([compared(*each, seed).p_value < 0.05 for seed, each in enumerate(several)])
        for several in (
            pairs,
            [[Sample(one.value_N, one.shopper_N) for one in pair] for pair in pairs],
        )
    )
    assert called < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 60)
    assert naive > 0.4  # of shoppers alone


def test_of_one_shopper_nothing_can_be_told():
    told = compared(Sample(np.arange(5.0), np.zeros(5, int)), alone(np.arange(9.0)))
    assert (told.distance.estimate, told.p_value) == (None, None)


def test_the_top_items_hold_what_they_sold():
    item_L = np.repeat(np.arange(10), [30, 10, 1, 1, 1, 1, 1, 1, 1, 1])
    shopper_L = np.arange(len(item_L))
    assert share_of_top(item_L, shopper_L, 0.1) == pytest.approx(30 / 48)
    assert share_of_top(item_L, shopper_L, 0.2) == pytest.approx(40 / 48)


def bought(rng, shoppers, exponent):
    """Purchases of 500 items by a power law."""
    weight_I = (np.arange(500) + 10.0) ** -exponent
    count_U = 1 + rng.poisson(1.0, shoppers)
    shopper_L = np.repeat(np.arange(shoppers), count_U)
    return rng.choice(500, len(shopper_L), p=weight_I / weight_I.sum()), shopper_L


def test_a_log_with_more_purchases_is_no_less_concentrated_for_that():
    rng = np.random.default_rng(5)
    told = [
        concentration_apart(
            bought(rng, 300, 1.0), bought(rng, 1500, 1.0), 0.1, confidence=0.95, rng=rng
        )
        for _ in range(30)
    ]
    assert np.mean([size.holds(0.0) for size, _, _ in told]) >= 0.8
    apart_shares = [
        share_of_top(*bought(rng, 300, 1.0), 0.1) - share_of_top(*bought(rng, 1500, 1.0), 0.1)
        for _ in range(30)
    ]
    drift = abs(np.mean([size.estimate for size, _, _ in told]))
    assert drift < 0.25 * abs(np.mean(apart_shares))


def test_a_more_concentrated_log_is_found():
    rng = np.random.default_rng(6)
    size, p_value, shares = concentration_apart(
        bought(rng, 600, 0.4), bought(rng, 600, 1.2), 0.1, confidence=0.95, rng=rng
    )
    assert size.low > 0.1
    assert p_value < 1e-4
    assert size.estimate == pytest.approx(shares[1] - shares[0])
