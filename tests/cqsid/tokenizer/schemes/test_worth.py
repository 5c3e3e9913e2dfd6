from dataclasses import replace

import numpy as np
import pytest

from cqsid.tokenizer.schemes.finish import BetaPrior, conversion_rate, conversions
from tests.cqsid.shop import tiny_signals

SIGNALS = tiny_signals(60, 300)


def test_the_prior_equals_moments_worked_out_by_hand():
    # rates .1 .5 0 of 10, 20, 10 clicks: p0 = 11/40, S = 10 (.175)^2 + 20 (.225)^2 + 10 (.275)^2
    # = 2.075, S / (p0 q0) = 10.4075, N - 1 = 2, spread = 40 - 600/40 - 2 = 23
    # r = 8.4075 / 23 = .36554, a = 1/r - 1 = 1.73564; (1 + .47730) / 11.73564 = .12588
    prior = BetaPrior.of(np.array([1.0, 10, 0, 0]), np.array([10.0, 20, 10, 0]))
    assert prior.rate == pytest.approx(0.275)
    assert prior.strength == pytest.approx(1.735642, abs=1e-5)
    values = prior.mean(np.array([1.0, 10, 0, 0]), np.array([10.0, 20, 10, 0]))
    np.testing.assert_allclose(values, [0.1258817, 0.4820332, 0.0406712, 0.275], atol=1e-6)


@pytest.mark.parametrize(("rate", "strength"), [(0.1, 20.0), (0.3, 5.0)])
def test_the_prior_finds_the_beta_distribution_behind_the_log(rate, strength):
    rng = np.random.default_rng(6)
    clicks_I = rng.geometric(0.05, 40_000).astype(float)
    rate_I = rng.beta(rate * strength, (1 - rate) * strength, len(clicks_I))
    orders_I = rng.binomial(clicks_I.astype(int), rate_I).astype(float)
    prior = BetaPrior.of(orders_I, clicks_I)
    assert prior.rate == pytest.approx(rate, rel=0.03)
    assert prior.strength == pytest.approx(strength, rel=0.1)


def test_items_that_differ_by_chance_alone_shrink_almost_fully():
    clicks_I = np.full(1000, 20.0)
    orders_I = np.where(np.arange(1000) % 2, 4.0, 6.0)  # less spread than a binomial
    assert BetaPrior.of(orders_I, clicks_I).strength == 1e6


@pytest.mark.parametrize(
    ("orders", "clicks", "rate"),
    [([], [], 0), ([0, 0], [0, 0], 0), ([0], [5], 0), ([3, 3], [3, 3], 1), ([1, 0], [1, 1], 0.5)],
)
def test_a_log_that_cannot_tell_items_apart_gives_the_strongest_prior(orders, clicks, rate):
    prior = BetaPrior.of(np.array(orders, float), np.array(clicks, float))
    assert (prior.rate, prior.strength) == (rate, 1e6)


def test_items_all_or_nothing_keep_a_prior_of_one_click():
    clicks_I = np.full(10, 50.0)
    orders_I = np.where(np.arange(10) < 5, 50.0, 0.0)
    assert BetaPrior.of(orders_I, clicks_I).strength == 1.0


def test_one_lucky_click_is_worth_less_than_a_proven_rate():
    clicks_I, orders_I = SIGNALS.clicks_I.copy(), SIGNALS.orders_I.copy()
    clicks_I[:2], orders_I[:2] = (1, 200), (1, 140)
    value_I = conversion_rate(replace(SIGNALS, clicks_I=clicks_I, orders_I=orders_I))
    assert value_I[1] > value_I[0]


def test_more_orders_than_clicks_still_give_a_rate():
    value_I = conversion_rate(replace(SIGNALS, orders_I=SIGNALS.clicks_I + 3))
    assert ((value_I > 0) & (value_I <= 1)).all()


def test_an_empty_log_makes_all_items_equal():
    quiet = tiny_signals(20, 0)
    assert np.ptp(conversion_rate(quiet)) == np.ptp(conversions(quiet)) == 0
