import numpy as np
import pytest

from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.living.settings import MarketSpec
from simulator.living.shelves.restocking import Restocking
from simulator.protocols import DAY
from simulator.randomness import Draws


def restocking(full, lead_days, **settings):
    supply = generate_supply(CatalogSpec(items=1), Draws(1))
    supply.stock_I[:], supply.lead_time_I[:] = full, lead_days * DAY
    return Restocking(supply, MarketSpec(**settings))


def test_the_rate_is_the_average_of_past_sales_whose_weight_halves():
    policy = restocking(full=5, lead_days=1, forecast_half_life=3.0)
    rng = np.random.default_rng(0)
    days = np.sort(rng.uniform(0, 40, 25))
    units = rng.integers(1, 4, 25)
    for day, count in zip(days, units, strict=True):
        policy.sold(0, int(count), day * DAY)
    per_day = np.log(2) / 3.0
    expected = np.sum(units * per_day * 0.5 ** ((days[-1] - days) / 3.0))
    assert policy.rate_I[0] == pytest.approx(expected, rel=1e-12)


def test_a_steady_rate_is_found():
    policy = restocking(full=5, lead_days=1)
    for sale in range(200):
        policy.sold(0, 1, sale * DAY / 4)
    assert policy.rate_I[0] == pytest.approx(4, rel=0.03)  # four units a day


@pytest.mark.parametrize("position", range(6))
def test_without_past_sales_both_policies_keep_to_the_full_shelf(position):
    by_sales, by_plan = (
        restocking(full=5, lead_days=3, restock=policy) for policy in ("sales", "plan")
    )
    order = by_plan.order(0, position, at=7.0)
    assert by_sales.order(0, position, at=7.0) == order
    assert (order is not None) == (position <= 0.25 * 5)
    assert order is None or (order.at, order.units) == (7.0 + 3 * DAY, 5 - position)


def test_what_sells_more_than_planned_is_ordered_earlier_and_more():
    policy = restocking(full=2, lead_days=16, cover_days=10.0, service_level=0.95)
    policy.rate_I[0] = 0.25  # four units in the lead time
    assert policy.order(0, 8, at=0.0) is None
    order = policy.order(0, 7, at=0.0)  # 4 + 1.645 * 2 = 7.29
    assert order.units == 10 - 7  # and 2.5 more: 9.79


def live(policy, rate, lead, days, seed):
    """Share of Poisson demand that meets stock, on a shelf of one item that is restocked so."""
    rng = np.random.default_rng(seed)
    at_D = np.cumsum(rng.exponential(1 / rate, int(rate * days)))
    stock, due, met = 2, [], []
    for at in at_D * DAY:
        while due and due[0].at <= at:
            stock += due.pop(0).units
        met.append(stock > 0)
        if stock:
            stock -= 1
            policy.sold(0, 1, at)
            order = policy.order(0, stock + sum(order.units for order in due), at)
            if order is not None:
                due.append(order)
    return np.mean(met[len(met) // 4 :])


@pytest.mark.parametrize(("rate", "lead"), [(0.5, 10), (2.0, 3), (5.0, 8)])
def test_what_sells_many_times_the_plan_seldom_runs_out(rate, lead):
    """A full shelf of two units: by plan it is mostly empty, by sales the service level holds."""
    by_sales = live(restocking(2, lead), rate, lead, days=2_000, seed=1)
    by_plan = live(restocking(2, lead, restock="plan"), rate, lead, days=2_000, seed=1)
    assert by_plan < 0.5
    assert by_sales > 0.95


def test_what_was_learned_is_kept():
    policy, other = (restocking(full=5, lead_days=1) for _ in range(2))
    policy.sold(0, 3, 5 * DAY)
    other.restore(policy.state())
    for each in (policy, other):
        each.sold(0, 1, 9 * DAY)
    assert other.rate_I[0] == policy.rate_I[0]


def test_an_order_that_would_never_come_is_bounded():
    policy = restocking(full=5, lead_days=1e12)
    policy.rate_I[0] = 1e6
    assert policy.order(0, 0, at=0.0).units == 2**31 - 1
