import numpy as np
import pytest

from ranking.facts.itemfacts import (
    ItemFacts,
    blank_index,
    popularity,
    relative_rates,
    smoothed_rates,
)
from simulator.protocols import ItemStatistics


def test_items_without_trials_get_the_rate_of_the_shop():
    rates = smoothed_rates(np.array([5.0, 0.0, 15.0]), np.array([100.0, 0.0, 100.0]))
    assert rates[1] == pytest.approx(0.1)
    assert relative_rates(np.array([5.0, 0.0, 15.0]), np.array([100.0, 0.0, 100.0]))[1] == 0


def test_smoothing_pulls_towards_the_shop_and_less_with_more_trials():
    events, trials = np.array([2.0, 200.0, 100.0]), np.array([10.0, 1000.0, 2000.0])
    rates = smoothed_rates(events, trials)
    assert rates[0] < rates[1] < 0.2
    assert rates[2] > 0.05


def test_smoothing_recovers_the_rates_better_than_the_raw_ratios():
    rng = np.random.default_rng(1)
    true = rng.beta(2, 38, 4000)
    trials = rng.integers(1, 60, 4000).astype(np.float64)
    events = rng.binomial(trials.astype(int), true)
    raw = np.mean((events / trials - true) ** 2)
    constant = np.mean((events.sum() / trials.sum() - true) ** 2)
    smoothed = np.mean((smoothed_rates(events, trials) - true) ** 2)
    assert smoothed < 0.85 * constant < raw


def test_facts_of_a_shop_that_has_just_opened_are_neutral(catalog):
    facts = ItemFacts.of(blank_index(catalog), 0)
    for column in (facts.popularity_I, facts.click_through_I, facts.conversion_I):
        assert not column.any()
    np.testing.assert_allclose(facts.log_price_I, np.log(catalog.price_I), rtol=1e-6)


def test_popularity_does_not_change_when_all_counts_double():
    orders = np.array([0, 1, 5, 20], np.float32)
    once = ItemStatistics(orders, orders, orders)
    twice = ItemStatistics(orders, orders, 2 * orders)
    np.testing.assert_allclose(popularity(once), popularity(twice), rtol=1e-6)
