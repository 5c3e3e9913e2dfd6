"""The confidence sequence: its bar, its p-value, and its promise over all looks together."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import integrate, optimize, stats

from experiments.inference.sequential.confidencesequence import bar, confidence_sequence, rho
from experiments.inference.sequential.paths import gaussian_paths
from experiments.inference.sequential.peeking import first_decision
from simulator.errors import ConfigError, DataError

SIGMAS = 4  # of Monte Carlo error
RUNS = 4_000


def test_the_bar_is_the_published_formula():
    """Waudby-Smith et al., theorem 2.2, at n = 500, rho = 0.1, alpha = 0.1, worked by hand."""
    planned = (rho(1.0, alpha=0.1) / 0.1) ** 2  # so that rho is 0.1
    wanted = math.sqrt(2 * (500 * 0.01 + 1) / (500**2 * 0.01) * math.log(math.sqrt(6) / 0.1))
    assert bar(500, planned=planned, alpha=0.1) / math.sqrt(500) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("alpha", [0.001, 0.05, 0.2, 0.9])
def test_the_bar_is_least_at_the_planned_size(alpha):
    found = optimize.minimize_scalar(
        lambda log_n: float(bar(math.exp(log_n), planned=7_000.0, alpha=alpha)),
        bounds=(math.log(7.0), math.log(7e6)),
        method="bounded",
        options={"xatol": 1e-7},
    )
    assert math.exp(found.x) == pytest.approx(7_000.0, rel=1e-3)


def test_at_five_per_cent_the_planned_bar_is_three_standard_errors():
    assert float(bar(900, planned=900, alpha=0.05)) == pytest.approx(3.0351, abs=5e-5)
    assert rho(900, alpha=0.05) ** 2 * 900 == pytest.approx(8.2120, abs=5e-5)


@pytest.mark.parametrize("z", [0.0, 1.5, 3.2])
def test_the_p_value_is_one_over_the_mixture_of_likelihood_ratios(z):
    """Robbins' mixture, integrated: of N(mu, 1) against N(0, 1), n units, mu from N(0, rho^2)."""
    n, planned = 400.0, 1_000.0
    spread = rho(planned, alpha=0.05)
    mixture, _ = integrate.quad(
        lambda mu: (
            math.exp(mu * z * math.sqrt(n) - n * mu * mu / 2) * stats.norm.pdf(mu, scale=spread)
        ),
        *(-10 * spread, 10 * spread),
        epsabs=0,
        epsrel=1e-12,
        limit=200,
    )
    found = confidence_sequence(z / math.sqrt(n), 1 / math.sqrt(n), n, planned=planned, alpha=0.05)
    assert float(found.p_value_K) == pytest.approx(min(1.0, 1 / mixture), rel=1e-9)


looks = st.integers(1, 12).flatmap(
    lambda count: st.tuples(
        st.lists(st.floats(-5, 5), min_size=count, max_size=count),
        st.lists(st.floats(0.01, 3), min_size=count, max_size=count),
        st.lists(st.floats(1, 1e4), min_size=count, max_size=count),
    )
)


@given(looks, st.floats(1, 1e4), st.sampled_from([0.01, 0.05, 0.3]))
def test_interval_and_p_value_leave_out_no_effect_together(columns, planned, alpha):
    found = confidence_sequence(*columns, planned=planned, alpha=alpha)
    for each in (found, found.running):
        tie = np.abs(each.p_value_K - alpha) < 1e-12
        left_out = (each.low_K > 0) | (each.high_K < 0)
        assert np.array_equal(left_out[~tie], (each.p_value_K < alpha)[~tie])


@given(looks, st.floats(1, 1e4))
def test_the_running_intersection_never_widens_and_takes_nothing_back(columns, planned):
    found = confidence_sequence(*columns, planned=planned, alpha=0.05).running
    assert (np.diff(found.low_K) >= 0).all()
    assert (np.diff(found.high_K) <= 0).all()
    assert (np.diff(found.p_value_K) <= 0).all()
    left_out = (found.low_K > 0) | (found.high_K < 0)
    assert (np.diff(left_out.astype(int)) >= 0).all()


def test_series_are_treated_alike_alone_and_together():
    rng = np.random.default_rng(3)
    effect, error = rng.normal(size=(5, 7)), rng.uniform(0.1, 1, (5, 7))
    n = np.cumsum(rng.integers(1, 50, (5, 7)), axis=1)
    together = confidence_sequence(effect, error, n, planned=100, alpha=0.05).running
    for row in range(5):
        alone = confidence_sequence(effect[row], error[row], n[row], planned=100, alpha=0.05)
        assert np.array_equal(alone.running.low_K, together.low_K[row])
        assert np.array_equal(alone.running.p_value_K, together.p_value_K[row])


@pytest.mark.parametrize("count", [14, 200])
@pytest.mark.parametrize("planned", [0.2, 1.0, 5.0])
def test_over_all_looks_together_it_is_wrong_no_more_often_than_alpha(count, planned):
    """Whatever the size it is tuned for: 0.1 to 1.8 % of 4,000 paths, at alpha = 5 %."""
    fraction = np.arange(1, count + 1) / count
    paths = gaussian_paths(fraction, paths=RUNS, rng=np.random.default_rng(20))
    ever = (first_decision(paths.z_NK, bar(fraction, planned=planned, alpha=0.05)) < count).mean()
    assert ever < 0.05 + SIGMAS * math.sqrt(0.05 * 0.95 / RUNS)


def test_with_very_many_looks_its_false_alarms_come_near_alpha():
    """4,000 looks over four orders of magnitude: were the bar much too high, this would fail."""
    fraction = np.geomspace(1e-2, 1e2, 4_000)
    paths = gaussian_paths(fraction, paths=2_000, rng=np.random.default_rng(21))
    ever = (first_decision(paths.z_NK, bar(fraction, planned=1.0, alpha=0.05)) < 4_000).mean()
    assert 0.022 < ever < 0.05 + SIGMAS * math.sqrt(0.05 * 0.95 / 2_000)


@pytest.mark.parametrize("drift", [0.0, 3.0])
def test_it_covers_the_effect_at_all_looks_at_once(drift):
    fraction = np.arange(1, 51) / 50
    paths = gaussian_paths(fraction, paths=2_000, drift=drift, rng=np.random.default_rng(22))
    error = 1 / np.sqrt(fraction)
    found = confidence_sequence(paths.z_NK * error, error, fraction, planned=1.0, alpha=0.05)
    covered = ((found.low_K <= drift) & (drift <= found.high_K)).all(axis=1).mean()
    assert covered > 0.95 - SIGMAS * math.sqrt(0.05 * 0.95 / 2_000)
    assert covered < 1.0


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"alpha": 0.0}, ConfigError, "alpha == 0.0, must be >= 1e-09 and < 1"),
        ({"alpha": 1.0}, ConfigError, "alpha == 1.0, must be"),
        ({"alpha": math.nan}, ConfigError, "alpha == nan, must be"),
        ({"planned": 0.0}, ConfigError, "planned == 0.0, must be > 0"),
        ({"effect": [0.0, math.nan]}, DataError, "effect == nan, must be a number"),
        ({"error": [1.0, 0.0]}, DataError, "error == 0.0, must be > 0"),
        ({"error": [1.0, math.nan]}, DataError, "error == nan, must be > 0"),
        ({"units": [0, 5]}, DataError, "units == 0.0, must be > 0"),
    ],
)
def test_numbers_out_of_range_are_refused(change, error, told):
    given_ = {"effect": [0.0, 1.0], "error": [1.0, 1.0], "units": [1, 2], "planned": 5.0}
    with pytest.raises(error, match=told):
        confidence_sequence(**{**given_, "alpha": 0.05, **change})
