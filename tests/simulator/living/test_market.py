import numpy as np
import pytest

from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.living.market import Market
from simulator.living.settings import MarketSpec, Promotion
from simulator.protocols import DAY
from simulator.randomness import Draws


@pytest.fixture
def market():
    return Market.opening(generate_supply(CatalogSpec(items=40), Draws(1)), MarketSpec())


def on_sale_at(market, at):
    return int(np.flatnonzero(market.on_sale(at))[0])


def test_nobody_buys_more_than_the_shelf_holds(market):
    item = on_sale_at(market, 0.0)
    market.stock_I[item] = 3
    assert [market.take(item, 2, 0.0, arm=0, session=1) for _ in range(3)] == [2, 1, 0]
    assert market.stock_I[item] == 0


def test_an_item_that_has_not_come_or_has_left_is_not_sold(market):
    catalog = market.supply.catalog
    item = on_sale_at(market, 0.0)
    catalog.retired_at_I[item] = 100.0
    catalog.created_at_I[item] = 50.0
    assert [market.take(item, 1, at, arm=0, session=1) for at in (49.0, 50.0, 100.0)] == [0, 1, 0]


def test_a_restock_fills_the_shelf_after_its_lead_time(market):
    item = on_sale_at(market, 0.0)
    full = int(market.supply.stock_I[item])
    market.stock_I[item] = 0
    order = market.reorder(item, at=10.0)
    assert order[:3] == (10.0 + market.supply.lead_time_I[item], item, full)
    assert market.reorder(item, at=20.0) is None  # one order is under way already
    market.receive(order)
    assert market.stock_I[item] == full
    assert market.on_order_I[item] == 0
    assert not market.restocks


def test_a_full_shelf_is_not_restocked(market):
    assert market.reorder(on_sale_at(market, 0.0), at=0.0) is None


def test_the_index_tells_what_can_be_bought(market):
    item = on_sale_at(market, 0.0)
    market.stock_I[item] = 0
    index = market.index(0.0, market.statistics())
    assert not index.available_I[item]
    assert not (index.available_I & ~market.on_sale(0.0)).any()


def test_pages_are_counted_for_the_arm_that_showed_them(market):
    market.separate_statistics(2)
    arm_X = np.array([0, 1, 1], np.int8)
    market.count_exposures(arm_X, np.array([4, 4, 5], np.int32), np.array([True, False, True]))
    first, second = market.statistics()
    assert (first.exposures_I[4], first.clicks_I[4], first.exposures_I[5]) == (1, 1, 0)
    assert (second.exposures_I[4], second.clicks_I[4], second.clicks_I[5]) == (1, 0, 1)


def test_shared_statistics_count_all_arms_together(market):
    market.count_exposures(
        np.array([0, 1], np.int8), np.array([4, 4], np.int32), np.array([True, True])
    )
    (shared,) = market.statistics()
    assert shared.clicks_I[4] == 2


def test_old_counts_fade_with_their_half_life():
    spec = MarketSpec(statistics_half_life=1.0, price_changes=0.0)
    market = Market.opening(generate_supply(CatalogSpec(items=5), Draws(1)), spec)
    market.count_exposures(np.zeros(1, np.int8), np.array([2], np.int32), np.array([True]))
    market.new_day(1, Draws(1))
    assert market.clicks_AI[0, 2] == pytest.approx(0.5)


def test_about_the_configured_share_of_prices_changes():
    spec = MarketSpec(price_changes=0.3)
    market = Market.opening(generate_supply(CatalogSpec(items=4_000), Draws(1)), spec)
    before = market.price_I.copy()
    market.new_day(0, Draws(1))
    changed = (market.price_I != before).mean()
    assert abs(changed - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 4_000)
    assert (market.price_I > 0).all()


def test_promoted_items_cost_less_on_their_day_and_as_before_on_the_next():
    spec = MarketSpec(price_changes=0.0)
    market = Market.opening(generate_supply(CatalogSpec(items=4_000), Draws(1)), spec)
    usual_I = market.price_I.copy()
    days = (
        Promotion(day=1, discount=0.2, items=0.25),
        Promotion(day=1, discount=0.5, items=0.5),
        Promotion(day=2, factor=3.0),
    )
    market.new_day(1, Draws(1), days)
    paid_I = np.round(market.price_I / usual_I, 9)
    shares = {value: (paid_I == value).mean() for value in (1.0, 0.8, 0.5, 0.4)}
    assert sum(shares.values()) == pytest.approx(1)
    expected = {1.0: 0.375, 0.8: 0.125, 0.5: 0.375, 0.4: 0.125}  # both by luck of their own
    for value, share in expected.items():
        assert abs(shares[value] - share) < 4 * np.sqrt(share * (1 - share) / 4_000)
    market.new_day(2, Draws(1), days)
    np.testing.assert_array_equal(market.price_I, usual_I)


def test_prices_go_on_from_the_usual_ones_after_a_promotion():
    supply = generate_supply(CatalogSpec(items=400), Draws(1))
    with_day, without = (Market.opening(supply, MarketSpec(price_changes=0.5)) for _ in range(2))
    for day in range(3):
        with_day.new_day(day, Draws(1), (Promotion(day=1, discount=0.3),))
        without.new_day(day, Draws(1))
    np.testing.assert_array_equal(with_day.price_I, without.price_I)


def test_a_restored_market_equals_the_saved_one(market):
    item = on_sale_at(market, 0.0)
    market.stock_I[item] = 0
    market.reorder(item, at=3 * DAY)
    later = Market.opening(market.supply, market.spec)
    later.restore(market.state())
    assert later.restocks == market.restocks
    for name, array in market.state().items():
        np.testing.assert_array_equal(later.state()[name], array)
