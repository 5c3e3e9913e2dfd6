"""Shelves that are split over arms hold what the whole one held, and an arm empties its own."""

import numpy as np
import pytest

from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.errors import ConfigError
from simulator.living.market import Market
from simulator.living.settings import MarketSpec, WorldSpec
from simulator.living.shelves.shelf import parts_of
from simulator.protocols import DAY
from simulator.randomness import Draws
from tests.simulator.stubs import TableService
from tests.simulator.worlds import population, simulate, table_of

SHARES = (0.2, 0.5, 0.3)


def test_parts_are_whole_units_that_add_up_and_are_as_large_as_their_shares() -> None:
    units_N = np.arange(40)
    parts_DPN = np.stack(
        [parts_of(units_N, SHARES, np.full(40, luck)) for luck in (np.arange(1_000) + 0.5) / 1_000]
    )
    np.testing.assert_array_equal(parts_DPN.sum(axis=1), np.tile(units_N, (1_000, 1)))
    exact_PN = np.outer(SHARES, units_N)
    assert (np.abs(parts_DPN - exact_PN) < 1).all()
    np.testing.assert_allclose(parts_DPN.mean(axis=0), exact_PN, atol=2e-3)


def test_one_unit_belongs_to_one_part() -> None:
    luck_N = Draws(1).uniform("a test", slot=np.arange(4_000))
    parts_PN = parts_of(np.ones(4_000, np.int64), SHARES, luck_N)
    np.testing.assert_array_equal(parts_PN.sum(axis=0), 1)
    for part, share in zip(parts_PN, SHARES, strict=True):
        assert abs(part.mean() - share) < 4.5 * np.sqrt(share * (1 - share) / 4_000)


@pytest.mark.parametrize("units", [0, 7])
def test_a_share_of_all_is_all(units: int) -> None:
    whole = parts_of(np.array([units]), (1.0,), np.array([0.99]))
    np.testing.assert_array_equal(whole, [[units]])


def market_of(units: int = 10, **settings: object) -> Market:
    catalog = CatalogSpec(items=30, least_stock=units, stock_days=1e-9, new_items_per_day=0.0)
    spec = MarketSpec(restock="plan", restock_at=0.5, price_changes=0.0, **settings)
    return Market.opening(generate_supply(catalog, Draws(1)), spec)


def test_what_is_there_and_under_way_is_divided() -> None:
    market = market_of()
    for item in range(20):
        assert market.take(item, 4 + item % 5, 5.0, arm=0, session=1) == 4 + item % 5
        market.reorder(item, 5.0)
    stock_I, on_order_I = market.stock_I.copy(), market.on_order_I.copy()
    orders = {order.item: order.units for order in market.restocks}
    rate_I = market.shelves[0].restocking.rate_I.copy()
    assert orders
    market.separate_stock(SHARES, Draws(3))
    np.testing.assert_array_equal(market.stock_I, stock_I)
    np.testing.assert_array_equal(market.on_order_I, on_order_I)
    parted = dict.fromkeys(orders, 0)
    for order in market.restocks:
        parted[order.item] += order.units
        assert order.units > 0
    assert parted == orders
    for shelf, share in zip(market.shelves, SHARES, strict=True):
        assert (np.abs(shelf.stock_I - share * stock_I) < 1).all()
        assert (np.abs(shelf.restocking.supply.stock_I - share * 10) < 1).all()
        np.testing.assert_allclose(shelf.restocking.rate_I, share * rate_I)
        own = [order.units for order in shelf.restocks if order.item == 7]
        assert shelf.on_order_I[7] == sum(own)


def test_one_arm_cannot_empty_the_shelf_of_another() -> None:
    market = market_of()
    market.separate_stock((0.5, 0.5), Draws(3))
    assert market.take(3, 99, 1.0, arm=0, session=1) == 5
    assert market.take(3, 99, 1.0, arm=0, session=1) == 0
    assert market.take(3, 2, 1.0, arm=1, session=2) == 2
    index = market.index(1.0, market.statistics())
    assert [bool(index.of_arm(arm).available_I[3]) for arm in (0, 1)] == [False, True]
    assert index.available_I[3]
    order = market.reorder(3, 1.0, arm=0)
    assert order is not None
    assert (order.units, order.part) == (5, 0)
    market.receive(order)
    assert market.take(3, 99, order.at, arm=0, session=1) == 5
    assert market.take(3, 99, order.at, arm=1, session=1) == 3
    other = market.reorder(3, order.at, arm=1)
    assert other is not None
    assert (other.units, other.part) == (5, 1)
    market.receive(other)
    assert market.take(3, 99, other.at, arm=1, session=1) == 5
    market.take_back(3, 1, order.at, arm=1)
    assert market.take(3, 1, order.at, arm=0, session=1) == 0
    assert market.take(3, 1, order.at, arm=1, session=1) == 1


def test_what_is_out_of_stock_may_be_shown() -> None:
    for said, there in (("hidden", False), ("shown", True)):
        market = market_of(sold_out=said)
        market.supply.catalog.retired_at_I[4] = 0.5
        market.take(3, 99, 0.0, arm=0, session=1)
        index = market.index(1.0, market.statistics())
        assert bool(index.available_I[3]) is there
        assert index.available_I[5]
        assert not index.available_I[4]  # it has left


def test_an_index_of_one_shelf_is_every_arms() -> None:
    market = market_of()
    index = market.index(0.0, market.statistics())
    assert index.of_arm(1) is index


def test_a_world_with_split_shelves_sells_no_more_than_each_part_has(tmp_path) -> None:
    """The service of the test serves all in the first arm, so its part alone sells."""
    people = population(least_stock=4, stock_days=1e-9, lead_time_days=1e3)
    spec = WorldSpec(days=2, market=MarketSpec(restock="plan"))
    spec = spec.model_copy(update={"behavior": spec.behavior.model_copy(update={"outside": 5.0})})
    options = {"spec": spec, "arms": ("one", "other")}
    _, whole = simulate(tmp_path / "whole", people, **options)
    _, parted = simulate(tmp_path / "parted", people, stock_shares=(0.5, 0.5), **options)
    sold = [int((people.supply.stock_I - state["stock_I"]).max()) for state in (whole, parted)]
    assert sold == [4, 2]


def test_a_world_with_split_shelves_cannot_be_followed(tmp_path) -> None:
    from simulator.living.world import World
    from simulator.log.eventlog import EventLog

    people = population()
    service = TableService(table_of(people))
    log = EventLog(tmp_path / "log", channels=service.channels, arms=("one", "other"))
    world = World(WorldSpec(), people, service, log, Draws(1), arms=2, stock_shares=(0.5, 0.5))
    with pytest.raises(ConfigError, match="shelves == 2 parts, must be whole"):
        world.follow(None)  # type: ignore[arg-type]


def test_lead_times_may_be_alike() -> None:
    for spread in (0.0, 0.1, 0.5):
        spec = CatalogSpec(items=20_000, sellers=3_000, lead_time_days=3.0, lead_time_spread=spread)
        days_I = generate_supply(spec, Draws(1)).lead_time_I / DAY
        assert days_I.mean() == pytest.approx(3.0, rel=0.05)
        assert days_I.std() == pytest.approx(3.0 * spread, rel=0.1, abs=1e-12)
