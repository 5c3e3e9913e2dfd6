"""Shadow prices tell the total effect in markets where what arms got does not."""

import numpy as np
import pytest
from scipy import stats

from experiments.inference.interference.matching import matched
from experiments.inference.interference.shadowprices import (
    corrected_difference,
    corrected_value,
    displacing,
    market_effect,
    naive_market_effect,
)
from simulator.errors import ConfigError, DataError

ARMS = np.array([False, True])
ONE_ITEM = np.array([0, 1]), np.array([0, 0]), np.array([5.0, 5.0])
"""Both arms want the only item, worth 5."""


def shared(demand_I: np.ndarray, supply: float) -> np.ndarray:
    """Served first come, first served, in a random order: all kinds in the same part."""
    return demand_I * min(1.0, supply / demand_I.sum())


@pytest.mark.parametrize(
    ("supply", "truth"), [(10.0, 0.0), (100.0, 40.0)], ids=["scarce", "plenty"]
)
def test_an_item_that_sells_out_has_no_effect_and_the_naive_one_says_it_has(
    supply: float, truth: float
) -> None:
    """Control asks for 16 in all, the treatment for 24; half of the shoppers are in each arm."""
    kind_E, item_E, value_E = ONE_ITEM
    demand_I = np.array([8.0, 12.0])
    naive = naive_market_effect(shared(demand_I, supply), kind_E, value_E, ARMS, share=0.5)
    found = market_effect(kind_E, item_E, value_E, demand_I, np.array([supply]), ARMS, share=0.5)
    assert found.shadow == pytest.approx(truth)
    assert found.two_markets == pytest.approx(truth)
    assert naive == pytest.approx(20.0 if truth == 0 else truth)


def market(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Thirty kinds in two arms and eight items; the treated ask for some kinds more."""
    kinds, items = 30, 8
    kind_E, item_E = (each.ravel() for each in np.indices((2 * kinds, items)))
    value_E = np.tile(rng.uniform(2, 10, (kinds, items)), (2, 1)).ravel()
    control_K = rng.uniform(1, 5, kinds)
    demand_I = np.concatenate([control_K, control_K * rng.uniform(0.9, 1.4, kinds)]) / 2
    supply_J = rng.uniform(0.5, 1.0, items) * control_K.sum() / items
    treated_I = np.arange(2 * kinds) >= kinds
    return {
        **{"kind_E": kind_E, "item_E": item_E, "value_E": value_E, "demand_I": demand_I},
        **{"supply_J": supply_J, "treated_I": treated_I},
    }


def test_in_markets_of_many_items_shadow_prices_are_less_biased() -> None:
    off = []
    for seed in range(20):
        made = market(np.random.default_rng(seed))
        treated_I, share = made["treated_I"], 0.5
        blown_I = made["demand_I"] / share
        fixed = made["kind_E"], made["item_E"], made["value_E"]
        on, none = (
            matched(*fixed, np.where(inside_I, blown_I, 0.0), made["supply_J"]).worth
            for inside_I in (treated_I, ~treated_I)
        )
        together = matched(*fixed, made["demand_I"], made["supply_J"])
        naive = naive_market_effect(together.served_E, fixed[0], fixed[2], treated_I, share=share)
        found = market_effect(**made, share=share)
        assert found.two_markets == pytest.approx(on - none, rel=1e-9)
        off.append((abs(naive - (on - none)), abs(found.shadow - (on - none))))
    naive_off, shadow_off = np.array(off).mean(axis=0)
    assert shadow_off < naive_off / 3


def test_shadow_prices_of_demand_are_what_orders_are_worth_less_the_stock_they_take() -> None:
    made = market(np.random.default_rng(4))
    fixed = made["kind_E"], made["item_E"], made["value_E"]
    together = matched(*fixed, made["demand_I"], made["supply_J"])
    worth_E = made["value_E"] - together.supply_price_J[made["item_E"]]
    by_orders = naive_market_effect(
        together.served_E, made["kind_E"], worth_E, made["treated_I"], share=0.5
    )
    assert by_orders == pytest.approx(market_effect(**made, share=0.5).shadow, rel=1e-9)


def test_an_order_displaces_if_the_shelf_is_empty_before_it_is_filled() -> None:
    item_N = np.array([0, 0, 0, 0, 1, 2])
    at_N = np.array([1.0, 3.0, 5.0, 9.0, 2.0, 0.0])
    item_M = np.array([0, 0, 0, 1, 1])
    at_M = np.array([6.0, 3.0, 4.0, 4.0, 3.0])
    empty_M = np.array([False, True, False, True, False])
    found_N = displacing(item_N, at_N, item_M, at_M, empty_M)
    # Item 0 is emptied at 3 by an order, filled at 4 and 6; item 1 is filled at 3; item 2 is still.
    assert found_N.tolist() == [True, True, False, False, False, False]
    none = np.zeros(0, np.int64)
    assert not displacing(item_N, at_N, none, np.zeros(0), np.zeros(0, bool)).any()
    with pytest.raises(DataError, match="finite"):
        displacing(item_N, np.full(6, np.nan), item_M, at_M, empty_M)


def test_what_displaces_is_worth_what_would_not_have_been_bought_elsewhere() -> None:
    taken_N = np.array([True, False])
    value_N = np.array([10.0, 10.0])
    assert corrected_value(value_N, taken_N).tolist() == [0.0, 10.0]
    assert corrected_value(value_N, taken_N, recaptured=0.4).tolist() == [4.0, 10.0]
    with pytest.raises(ConfigError, match=r"recaptured == 1\.1"):
        corrected_value(value_N, taken_N, recaptured=1.1)


def test_the_interval_is_welchs() -> None:
    rng = np.random.default_rng(5)
    worth_U, treated_U = rng.exponential(2.0, 500), rng.random(500) < 0.3
    found = corrected_difference(worth_U, treated_U, confidence=0.9)
    test = stats.ttest_ind(worth_U[treated_U], worth_U[~treated_U], equal_var=False)
    interval = test.confidence_interval(0.9)
    assert found.numbers == pytest.approx(
        (worth_U[treated_U].mean() - worth_U[~treated_U].mean(), *interval), rel=1e-10
    )


def test_arms_that_cannot_vary_and_settings_that_cannot_be() -> None:
    assert corrected_difference(np.ones(3), np.array([True, False, False])).estimate is None
    same = corrected_difference(np.zeros(4), np.array([True, True, False, False]))
    assert same.numbers == (0.0, 0.0, 0.0)
    with pytest.raises(ConfigError, match="confidence == 0"):
        corrected_difference(np.ones(4), np.ones(4, bool), confidence=0)
    with pytest.raises(ConfigError, match="share == 1"):
        naive_market_effect(np.ones(2), ONE_ITEM[0], ONE_ITEM[2], ARMS, share=1)
