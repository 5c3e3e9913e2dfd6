import numpy as np
import pytest

from cqsid.tokenizer.quantize.lloyd import sinkhorn_prices
from simulator.errors import DataError

RNG = np.random.default_rng(0)


def skewed(n=600, k=8):
    """Distances under which most items want the first codes."""
    return (RNG.uniform(size=(n, k)) + np.linspace(0, 0.6, k)).astype(np.float32)


def use(distance_NK, price_K):
    return np.bincount((distance_NK + price_K).argmin(axis=1), minlength=len(price_K))


def test_prices_balance_a_skewed_assignment():
    distance_NK = skewed()
    price_K = sinkhorn_prices(distance_NK, temperature=0.05, iterations=50)
    assert use(distance_NK, 0 * price_K).max() > 200
    assert use(distance_NK, price_K).max() <= 1.2 * 600 / 8
    assert use(distance_NK, price_K).min() >= 0.8 * 600 / 8


def test_the_soft_assignment_under_the_prices_is_exactly_balanced():
    distance_NK = skewed(200, 5)
    price_K = sinkhorn_prices(distance_NK, temperature=0.1, iterations=400)
    plan_NK = np.exp(-(distance_NK.astype(float) + price_K) / 0.1)
    plan_NK /= plan_NK.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(plan_NK.sum(axis=0), 200 / 5, rtol=1e-3)


def test_a_finite_strength_prices_popularity_by_its_logarithm():
    distance_NK, strength = skewed(400, 6), 0.2
    price_K = sinkhorn_prices(distance_NK, temperature=0.1, iterations=400, strength=strength)
    plan_NK = np.exp(-(distance_NK.astype(float) + price_K) / 0.1)
    log_K = np.log((plan_NK / plan_NK.sum(axis=1, keepdims=True)).sum(axis=0))
    np.testing.assert_allclose(price_K, strength * (log_K - log_K.mean()), atol=1e-3)
    assert price_K[0] > 0.05


def test_a_code_that_no_item_wants_gets_cheap_enough_to_be_used():
    distance_NK = skewed(400, 6)
    distance_NK[:, 5] += 50  # its kernel entries vanish in float32
    price_K = sinkhorn_prices(distance_NK, temperature=0.05, iterations=200)
    assert use(distance_NK, price_K)[5] > 30


def test_prices_follow_their_codes_and_do_not_depend_on_the_order_of_items():
    distance_NK = skewed()
    price_K = sinkhorn_prices(distance_NK, temperature=0.1, iterations=20)
    order_K, order_N = RNG.permutation(8), RNG.permutation(600)
    moved_K = sinkhorn_prices(distance_NK[order_N][:, order_K], temperature=0.1, iterations=20)
    np.testing.assert_allclose(moved_K, price_K[order_K], atol=1e-4)


@pytest.mark.parametrize("shape", [(0, 4), (1, 4), (5, 1), (5, 0)])
def test_nothing_to_balance_costs_nothing(shape):
    price_K = sinkhorn_prices(np.ones(shape, np.float32), temperature=1.0, iterations=9)
    assert price_K.shape == shape[1:]
    assert not price_K.any()


def test_hostile_values_are_refused_with_their_place():
    distance_NK = skewed(5, 3)
    distance_NK[2, 1] = np.nan
    with pytest.raises(DataError, match=r"distance_NK\[2, 1\] == nan"):
        sinkhorn_prices(distance_NK, temperature=1.0, iterations=3)
    for wrong in ({"temperature": 0.0}, {"temperature": np.nan}, {"strength": -1.0}):
        with pytest.raises(DataError, match="must be > 0"):
            sinkhorn_prices(skewed(5, 3), **{"temperature": 1.0, "iterations": 3, **wrong})
