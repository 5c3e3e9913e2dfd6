"""The prices of a market are those of a market that can be solved by hand."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from experiments.inference.interference.matching import Matching, matched
from simulator.errors import DataError

# Kinds 0 and 1 want item 0 (worth 10 and 6); kind 1 takes item 1 (worth 4), too.
KIND, ITEM, VALUE = np.array([0, 1, 1]), np.array([0, 0, 1]), np.array([10.0, 6.0, 4.0])


def solved(demand: list[float], supply: list[float]) -> Matching:
    return matched(KIND, ITEM, VALUE, np.array(demand), np.array(supply))


def test_a_market_by_hand() -> None:
    """Three of kind 0 get item 0, two of kind 1, too, and its other two item 1."""
    found = solved([3, 4], [5, 9])
    assert found.worth == pytest.approx(3 * 10 + 2 * 6 + 2 * 4)
    np.testing.assert_allclose(found.served_E, [3, 2, 2])
    # One more of item 0 moves one of kind 1 from item 1: 6 - 4. One more of kind 0 is worth 10 - 2.
    np.testing.assert_allclose(found.supply_price_J, [2, 0])
    np.testing.assert_allclose(found.demand_price_I, [8, 4])


def test_where_nothing_is_scarce_stock_is_worth_nothing() -> None:
    found = solved([3, 4], [50, 9])
    np.testing.assert_allclose(found.supply_price_J, [0, 0])
    np.testing.assert_allclose(found.demand_price_I, [10, 6])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_prices_are_what_one_more_unit_adds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds, items = 4, 3
    kind_E, item_E = (each.ravel() for each in np.indices((kinds, items)))
    value_E = rng.uniform(1, 10, kinds * items)
    demand_I, supply_J = rng.uniform(1, 5, kinds), rng.uniform(1, 5, items)

    def worth(demand_I: np.ndarray, supply_J: np.ndarray) -> float:
        return matched(kind_E, item_E, value_E, demand_I, supply_J).worth

    found, step = matched(kind_E, item_E, value_E, demand_I, supply_J), 1e-5
    assert found.worth == pytest.approx(
        found.demand_price_I @ demand_I + found.supply_price_J @ supply_J
    )
    for place in range(kinds):
        more_I = demand_I + step * (np.arange(kinds) == place)
        slope = (worth(more_I, supply_J) - found.worth) / step
        assert slope == pytest.approx(found.demand_price_I[place], abs=1e-4)
    for place in range(items):
        more_J = supply_J + step * (np.arange(items) == place)
        slope = (worth(demand_I, more_J) - found.worth) / step
        assert slope == pytest.approx(found.supply_price_J[place], abs=1e-4)


def test_a_market_without_pairs_is_worth_nothing() -> None:
    none = np.zeros(0, np.int64)
    found = matched(none, none, np.zeros(0), np.ones(2), np.ones(3))
    assert found.worth == 0.0
    assert found.supply_price_J.shape == (3,)


def test_amounts_and_pairs_that_cannot_be_are_refused() -> None:
    with pytest.raises(DataError, match="demand_I == -1"):
        solved([-1, 4], [5, 9])
    with pytest.raises(DataError, match="supply_J"):
        solved([3, 4], [np.nan, 9])
    with pytest.raises(DataError, match="item_E == 0 to 1, must be < 1"):
        solved([3, 4], [5])
    with pytest.raises(DataError, match="value_E"):
        matched(KIND, ITEM, np.array([1, np.inf, 1]), np.ones(2), np.ones(2))
