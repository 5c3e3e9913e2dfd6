"""Spending functions: their values, and that they spend all and never take back."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from experiments.inference.sequential.spending import (
    OBRIEN_FLEMING,
    POCOCK,
    Spending,
    power_family,
)
from simulator.errors import ConfigError

FAMILIES = (OBRIEN_FLEMING, POCOCK, power_family(0.5), power_family(3))
fractions = st.lists(st.floats(1e-3, 2.0), min_size=1, max_size=9)


@given(fractions, st.sampled_from(FAMILIES), st.floats(1e-6, 0.5))
def test_more_information_spends_more_and_never_more_than_alpha(shares, spending, alpha):
    spent = spending.spent(np.sort(shares), alpha=alpha)
    assert (np.diff(spent) >= 0).all()
    assert (spent >= 0).all()
    assert (spent <= alpha * (1 + 1e-12)).all()


@pytest.mark.parametrize("spending", FAMILIES, ids=lambda each: each.label)
def test_all_is_spent_at_the_planned_end_and_beyond(spending):
    assert spending.spent([1.0, 1.7], alpha=0.05) == pytest.approx([0.05, 0.05], rel=1e-12)


def test_values_are_those_of_the_definitions_for_two_sides():
    t = np.array([0.1, 0.5, 0.9])
    side = 2 - 2 * stats.norm.cdf(stats.norm.ppf(1 - 0.0125) / np.sqrt(t))  # gsDesign sfLDOF(0.025)
    assert OBRIEN_FLEMING.spent(t, alpha=0.05) == pytest.approx(2 * side, rel=1e-9)
    assert POCOCK.spent(t, alpha=0.05) == pytest.approx(0.05 * np.log(1 + (math.e - 1) * t))
    assert power_family(2).spent(t, alpha=0.05) == pytest.approx(0.05 * t**2)


def test_tiny_amounts_keep_their_digits():
    assert 0 < OBRIEN_FLEMING.spent(0.01, alpha=0.05) < 1e-100


def test_names_tell_family_and_exponent():
    assert [each.label for each in FAMILIES] == [
        *("obrien_fleming", "pocock", "power 0.5", "power 3"),
    ]


@pytest.mark.parametrize("exponent", [0.0, -1.0, math.inf, math.nan])
def test_an_exponent_that_spends_nothing_is_refused(exponent):
    with pytest.raises(ConfigError, match=r"exponent == .*, must be > 0"):
        power_family(exponent)


def test_a_family_without_its_exponent_or_with_one_too_many_is_refused():
    with pytest.raises(ConfigError, match=r"exponent == None, must be > 0"):
        Spending("power")
    with pytest.raises(ConfigError, match=r"exponent == 2, must be none of pocock"):
        Spending("pocock", 2)
