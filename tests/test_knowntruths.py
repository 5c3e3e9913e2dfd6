"""The closed forms themselves: their limits are those that the papers prove."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from tests.benchmarks.balance import shares
from tests.knowntruths import ChoiceMarket, ErlangMarket, erlang_b

SCARCE_DEMAND, SCARCE_SUPPLY = 1e-5, 1e5
NEARLY = 1 - 1e-9
"""All, but for some that must be left to compare with."""


@pytest.mark.parametrize(("units", "load"), [(1, 0.5), (3, 2.7), (10, 9.0), (40, 60.0)])
def test_blocking_is_the_last_term_of_a_truncated_poisson_law(units: int, load: float) -> None:
    terms = [load**n / math.factorial(n) for n in range(units + 1)]
    assert erlang_b(units, load) == pytest.approx(terms[-1] / sum(terms), rel=1e-12)


def test_an_erlang_test_of_shoppers_is_right_where_demand_is_scarce() -> None:
    market = ErlangMarket(units=3, demand=1e-3, control=0.3, treatment=0.6)
    assert market.naive() / market.effect == pytest.approx(1, rel=1e-6)


def test_an_erlang_test_of_shoppers_never_ends_where_supply_is_scarce() -> None:
    """Everything is sold by either arm, and the test tells who gets it: N (p1 - p0) / mean p."""
    market = ErlangMarket(units=3, demand=1e6, control=0.3, treatment=0.6)
    assert market.effect == pytest.approx(0, abs=1e-4)
    assert market.naive() == pytest.approx(3 * 0.3 / 0.45, rel=1e-5)


def test_split_shelves_come_near_the_truth_as_they_hold_more() -> None:
    """What is left of the bias is what a smaller shelf loses: less, the more units it holds."""
    biases = []
    for units in (2, 8, 32, 128):
        market = ErlangMarket(units=units, demand=2.0 * units, control=0.3, treatment=0.6)
        biases.append(abs(market.split() - market.effect) / market.effect)
        assert biases[-1] < abs(market.naive() - market.effect) / market.effect
    assert biases == sorted(biases, reverse=True)
    assert biases[-1] < 0.06


def sold_when_all_is_there(count: int, weight: float = 0.05) -> float:
    return weight * count / (1 + weight * count)


def test_where_demand_is_scarce_shoppers_are_right_and_listings_are_not() -> None:
    told = ChoiceMarket(SCARCE_DEMAND).told()
    effect = sold_when_all_is_there(10) - sold_when_all_is_there(5)
    assert told.effect / SCARCE_DEMAND == pytest.approx(effect, rel=1e-4)
    assert told.shoppers / told.effect == pytest.approx(1, rel=1e-4)
    # Treated listings are considered twice as often, beside all others: they only take their sales.
    k = np.arange(6)
    shown = binom.pmf(k, 5, 0.5)
    listings = sum(
        shown[c] * shown[m] * 0.05 * ((5 - c + m) - c) / (1 + 0.05 * (5 + m))
        for c in range(6)
        for m in range(6)
    )
    assert told.listings / SCARCE_DEMAND == pytest.approx(2 * listings, rel=1e-4)
    assert told.listings > 1.3 * told.effect


def test_where_supply_is_scarce_listings_are_right_and_shoppers_are_not() -> None:
    told = ChoiceMarket(SCARCE_SUPPLY).told()
    assert told.control == pytest.approx(1, rel=1e-4)
    assert told.effect == pytest.approx(0, abs=1e-4)
    assert told.listings == pytest.approx(0, abs=1e-4)
    # Who comes next takes what has come back: sales are shared as listings are considered.
    assert told.shoppers == pytest.approx(2 * (10 - 5) / (10 + 5), rel=1e-4)


@pytest.mark.parametrize("demand", [SCARCE_DEMAND, SCARCE_SUPPLY])
def test_a_test_of_both_sides_lies_between_them_at_both_ends(demand: float) -> None:
    told = ChoiceMarket(demand).told()
    low, high = sorted((told.shoppers, told.listings))
    for size in (told.naive, told.tsri_1, told.tsri_2):
        assert low < size < high


@pytest.mark.parametrize(
    ("demand", "a", "b"), [(SCARCE_DEMAND, 0.5, NEARLY), (SCARCE_SUPPLY, NEARLY, 0.5)]
)
def test_a_test_of_both_sides_by_balance_is_right_at_both_ends(
    demand: float, a: float, b: float
) -> None:
    """Equation 26: nearly all listings are treated where demand is scarce, else all shoppers."""
    told = ChoiceMarket(demand, shoppers=a, items=b).told()
    for size in (told.naive, told.tsri_1, told.tsri_2):
        assert size == pytest.approx(told.effect, rel=1e-3, abs=1e-4 * told.control)


def test_between_the_ends_every_split_errs_and_both_by_balance_least() -> None:
    told = ChoiceMarket(1.0).told()
    a, b = shares(1.0)
    by_balance = ChoiceMarket(1.0, shoppers=a, items=b).told()
    for size in (told.shoppers, told.listings, told.naive, by_balance.naive):
        assert size > 1.2 * told.effect
    assert by_balance.tsri_2 < min(told.shoppers, told.listings)
