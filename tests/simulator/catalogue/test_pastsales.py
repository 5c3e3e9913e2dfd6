"""What sales before day 0 tell of demand, against integrals."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import norm, poisson

from simulator.catalogue.pastsales import demand_given, poisson_log_normal
from simulator.catalogue.settings import TraitsSpec
from simulator.randomness import Draws


def chance_below(x, count, rate, centre, sigma):
    """That the log of the intensity is below x, given the count."""
    grid = np.linspace(-12, 12, 200_001)
    z = grid * sigma + centre
    log = poisson.logpmf(count, rate * np.exp(z)) + norm.logpdf(grid)
    weight = np.exp(log - log.max())
    return weight[z < x].sum() / weight.sum()


@pytest.mark.parametrize("count", [0, 1, 40, 5_000])
@pytest.mark.parametrize("uniform", [0.001, 0.3, 0.5, 0.98])
def test_a_log_intensity_is_drawn_from_its_law_given_the_count(count, uniform):
    told = float(count), 2.5, -0.3, 0.87
    (x,) = poisson_log_normal(np.array([told[0]]), 2.5, np.array([-0.3]), 0.87, np.array([uniform]))
    assert chance_below(x, *told) == pytest.approx(uniform, abs=2e-3)


@given(
    count=st.floats(0, 1e12),
    rate=st.floats(1e-9, 1e6),
    centre=st.floats(-20, 20),
    sigma=st.floats(0, 3),
    uniform=st.floats(1e-15, 1 - 1e-15),
)
def test_whatever_is_counted_there_is_a_finite_draw(count, rate, centre, sigma, uniform):
    drawn = poisson_log_normal(
        np.array([count]), rate, np.array([centre]), sigma, np.array([uniform])
    )
    assert np.isfinite(drawn).all()
    nothing = np.zeros(1), 0.0, np.array([centre]), sigma, np.array([uniform])  # was ever sold
    assert np.isfinite(poisson_log_normal(*nothing)).all()


def test_a_draw_rises_with_luck_and_with_the_count():
    luck = np.linspace(0.001, 0.999, 200)
    at = np.zeros(200)
    assert (np.diff(poisson_log_normal(at + 3, 1.0, at, 0.87, luck)) > 0).all()
    assert (np.diff(poisson_log_normal(np.arange(200.0), 1.0, at, 0.87, at + 0.5)) > 0).all()


def test_with_nothing_told_of_any_item_or_no_spread_demand_is_as_before():
    spec = TraitsSpec(demand_sigma=0.0, demand_quality=0.25)
    quality_I = np.linspace(-2, 2, 5).astype(np.float32)
    told = demand_given(np.array([0.0, 1, 2, 3, np.nan]), quality_I, spec, Draws(1))
    np.testing.assert_allclose(told[:4], np.exp(0.25 * quality_I[:4] - 0.25**2 / 2), rtol=1e-6)
    assert np.isnan(told[4])
    assert np.isnan(demand_given(np.full(5, np.nan), quality_I, TraitsSpec(), Draws(1))).all()
