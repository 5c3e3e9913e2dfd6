"""Group-sequential tests: boundaries, chances and power against tables, peers and brute force."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import integrate, optimize, stats

from experiments.inference.sequential.groupsequential import (
    crossing_chances,
    group_bars,
    group_sequential,
)
from experiments.inference.sequential.paths import gaussian_paths
from experiments.inference.sequential.peeking import first_decision
from experiments.inference.sequential.spending import OBRIEN_FLEMING, POCOCK, power_family
from simulator.errors import ConfigError


def even(looks):
    return np.arange(1, looks + 1) / looks


def crossed(boundary, fractions, drift=0.0):
    return float(np.sum(crossing_chances(boundary, fractions, drift=drift)))


# Jennison and Turnbull (2000), tables 2.1 and 2.3, alpha = 0.05: K looks, Pocock, O'Brien-Fleming.
CONSTANTS = [
    *((1, 1.960, 1.960), (2, 2.178, 1.977), (3, 2.289, 2.004), (4, 2.361, 2.024)),
    *((5, 2.413, 2.040), (6, 2.453, 2.053), (7, 2.485, 2.063), (8, 2.512, 2.072)),
    *((9, 2.535, 2.080), (10, 2.555, 2.087), (15, 2.626, 2.110), (20, 2.672, 2.126)),
]
SHARPER = [(0.01, (2.576, 2.772, 2.873, 2.939, 2.986)), (0.1, (1.645, 1.875, 1.992, 2.067, 2.122))]


@pytest.mark.parametrize(("looks", "pocock", "obrien_fleming"), CONSTANTS)
def test_classical_constants_are_those_of_jennison_and_turnbull(looks, pocock, obrien_fleming):
    for shape, published in (
        (np.ones(looks), pocock),
        (1 / np.sqrt(even(looks)), obrien_fleming),
    ):
        found = optimize.brentq(lambda c: crossed(c * shape, even(looks)) - 0.05, 1, 4)  # noqa: B023
        assert round(found, 3) == published


@pytest.mark.parametrize(("alpha", "published"), SHARPER)
def test_pococks_constants_at_other_levels(alpha, published):
    for looks, wanted in enumerate(published, start=1):
        found = optimize.brentq(lambda c: crossed([c] * looks, even(looks)) - alpha, 1, 4)  # noqa: B023
        assert round(found, 3) == wanted


def test_repeated_fixed_tests_err_as_armitage_mcpherson_and_rowe_found():
    """Their table 2 (1969), level 5 %: 1, 2, 3, 4, 5, 10 and 20 looks."""
    published = {1: 0.050, 2: 0.083, 3: 0.107, 4: 0.126, 5: 0.142, 10: 0.193, 20: 0.248}
    for looks, wanted in published.items():
        assert round(crossed([1.959964] * looks, even(looks)), 3) == wanted


# What gsDesign's sfLDOF and SAS's errfuncobf print, two-sided 5 %: shares of the information, z.
PRINTED = [
    ((1 / 3, 2 / 3, 1.0), (3.710, 2.511, 1.993)),
    ((0.25, 0.5, 0.75, 1.0), (4.333, 2.963, 2.359, 2.014)),
    ((0.2, 0.4, 0.6, 0.8, 1.0), (4.877, 3.357, 2.680, 2.290, 2.031)),
]


@pytest.mark.parametrize(("fractions", "printed"), PRINTED)
def test_boundaries_are_those_that_gsdesign_and_sas_print(fractions, printed):
    found = group_sequential(fractions, alpha=0.05).boundary_K
    assert found.round(3).tolist() == list(printed)


def test_information_for_a_power_is_what_gsdesign_and_sas_print():
    """89.07847 events find a hazard ratio of 1/2 with 90 %, four looks (their example 14)."""
    drift = group_sequential(even(4), alpha=0.05).drift_for(0.9)
    assert drift**2 * 4 / math.log(2) ** 2 == pytest.approx(89.07847, rel=1e-6)


# Two-sided designs in the tests of rpact (its stageLevels and power come with 8 digits).
RPACT = [
    (
        *((0.3, 0.8, 1.0), (3.2029374, 2.4819703, 2.3420706)),
        *((0.0013603353, 0.013978861, 0.02499999), None),
    ),
    (
        *((0.3, 0.6, 0.8, 1.0), (2.6416137, 2.6052458, 2.5902992, 2.5787648)),
        *((0.0082512101, 0.015455479, 0.020598238, 0.025), (0.27985915, 0.63939135, 0.80444921)),
    ),
    (
        *((0.3, 0.6, 0.8, 1.0), (3.4563925, 2.7688119, 2.5253005, 2.3512665)),
        *((0.00054745752, 0.0059439465, 0.014151805, 0.02499999), (0.067932398, 0.50628745)),
    ),
]


@pytest.mark.parametrize(("fractions", "boundary", "spent", "power"), RPACT)
def test_crossing_chances_and_power_are_those_of_rpact(fractions, boundary, spent, power):
    both = np.sum(crossing_chances(boundary, fractions, drift=0.0), axis=0)
    assert both.cumsum() == pytest.approx(spent, abs=2e-8)
    if power is None:
        return
    drift = optimize.brentq(
        lambda drift: crossing_chances(boundary, fractions, drift=drift)[0].sum() - 0.9, 0, 9
    )
    above = crossing_chances(boundary, fractions, drift=drift)[0].cumsum()
    assert above[: len(power)] == pytest.approx(power, abs=2e-7)


# Jennison and Turnbull's tables of 100 R and of the mean sample size at 0, 1/2, 1 and 3/2 of the
# effect, as the tests of gsDesign have them (alpha = 0.05 two-sided, 80 %): looks, power family.
SIZES = [
    (3, 1.0, 111.7, (109.9, 103.4, 81.2, 56.5)),
    (10, 2.0, 108.1, (106.6, 99.7, 76.2, 51.0)),
    (2, 3.0, 101.0, (100.7, 98.9, 89.5, 70.7)),
]


@pytest.mark.parametrize(("looks", "exponent", "inflation", "means"), SIZES)
def test_sample_sizes_are_those_of_jennison_and_turnbull(looks, exponent, inflation, means):
    test = group_sequential(even(looks), alpha=0.05, spending=power_family(exponent))
    found, drift = test.inflation(0.8), test.drift_for(0.8)
    assert round(100 * found, 1) == inflation
    spread = [test.expected_fraction(part * drift) for part in (0, 0.5, 1, 1.5)]
    assert [round(100 * found * each, 1) for each in spread] == list(means)


def two_looks(fractions, boundary, drift):
    """The chance of crossing at one of two looks; scipy has the bivariate law to 15 digits."""
    t = np.asarray(fractions)
    correlation = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
    law = stats.multivariate_normal(drift * np.sqrt(t), correlation)
    return 1 - law.cdf(boundary, lower_limit=-np.asarray(boundary))


def three_looks(fractions, boundary, drift):
    """The same for three: the last two given the first, by adaptive quadrature over it."""
    first, *later = fractions
    t, edge = np.array(later), np.array(boundary[1:]) * np.sqrt(later)
    shift = drift * (t - first)
    law = stats.multivariate_normal(shift, np.minimum.outer(t, t) - first)

    def inside(z):
        score = z * math.sqrt(first)
        return stats.norm.pdf(z - drift * math.sqrt(first)) * law.cdf(
            edge - score, lower_limit=-edge - score
        )

    kept, _ = integrate.quad(inside, -boundary[0], boundary[0], epsabs=1e-12, limit=200)
    return 1 - kept


@pytest.mark.parametrize("spending", [OBRIEN_FLEMING, POCOCK, power_family(2)])
@pytest.mark.parametrize("drift", [0.0, 2.0, -3.5])
def test_chances_equal_brute_force_at_two_and_three_uneven_looks(spending, drift):
    for fractions, oracle in (((0.35, 1.0), two_looks), ((0.3, 0.45, 0.9), three_looks)):
        test = group_sequential(fractions, alpha=0.05, spending=spending)
        wanted = oracle(fractions, test.boundary_K, drift)
        assert float(np.sum(test.chances(drift))) == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("drift", [0.0, 2.5])
def test_chances_equal_the_multivariate_normal_law_at_four_looks(drift):
    fractions = np.array([0.2, 0.5, 0.52, 1.0])
    test = group_sequential(fractions, alpha=0.05, spending=POCOCK)
    correlation = np.sqrt(
        np.minimum.outer(fractions, fractions) / np.maximum.outer(fractions, fractions)
    )
    inside = stats.multivariate_normal.cdf(
        test.boundary_K,
        mean=drift * np.sqrt(fractions),
        cov=correlation,
        lower_limit=-test.boundary_K,
        maxpts=200_000,
        abseps=1e-8,
        rng=np.random.default_rng(0),
    )
    assert float(np.sum(test.chances(drift))) == pytest.approx(1 - inside, abs=1e-5)


schedules = st.lists(st.floats(0.02, 1.0), min_size=1, max_size=8).map(
    lambda parts: np.cumsum(parts) / np.sum(parts)
)


@given(schedules, st.sampled_from([OBRIEN_FLEMING, POCOCK, power_family(3)]), st.floats(1e-3, 0.3))
def test_each_look_spends_what_the_function_allows_by_then(fractions, spending, alpha):
    test = group_sequential(fractions, alpha=alpha, spending=spending)
    assert test.spent_K == pytest.approx(spending.spent(fractions, alpha=alpha), abs=2e-13)
    assert float(np.sum(test.chances(0.0))) == pytest.approx(alpha, abs=1e-12)


@given(schedules, st.floats(0.0, 6.0))
def test_every_path_ends_somewhere(fractions, drift):
    """Bars at 0 from the second look on: all have crossed, one side or the other."""
    bars = np.where(np.arange(len(fractions)) == 0, 2.0, 0.0)
    wanted = 1.0 if len(fractions) > 1 else crossed([2.0], [fractions[0]], drift)
    assert crossed(bars, fractions, drift) == pytest.approx(wanted, abs=1e-11)


def test_an_earlier_boundary_hangs_on_no_later_look():
    """So looks may come unplanned."""
    whole = group_sequential([0.2, 0.5, 0.8, 1.0], alpha=0.05).boundary_K
    for more in ([0.2, 0.5], [0.2, 0.5, 0.7], [0.2, 0.5, 0.8]):
        begun = group_sequential(more, alpha=0.05).boundary_K
        assert begun[:2] == pytest.approx(whole[:2], abs=1e-10)


@pytest.mark.parametrize("spending", [OBRIEN_FLEMING, POCOCK])
def test_simulated_paths_cross_as_often_as_the_level_says(spending):
    fractions = np.array([0.1, 0.15, 0.4, 0.7, 0.75, 1.0])
    test = group_sequential(fractions, alpha=0.05, spending=spending)
    paths = gaussian_paths(fractions, paths=40_000, rng=np.random.default_rng(30))
    found = (first_decision(paths.z_NK, test.boundary_K) < 6).mean()
    assert abs(found - 0.05) < 4 * math.sqrt(0.05 * 0.95 / 40_000)


def test_simulated_paths_decide_at_the_looks_that_the_chances_say():
    fractions = np.array([0.25, 0.4, 0.8, 1.0])
    test = group_sequential(fractions, alpha=0.05)
    paths = gaussian_paths(fractions, paths=40_000, drift=2.8, rng=np.random.default_rng(31))
    first = first_decision(paths.z_NK, test.boundary_K)
    wanted = np.sum(test.chances(2.8), axis=0)
    found = np.bincount(first, minlength=5)[:4] / 40_000
    assert np.abs(found - wanted).max() < 4 * math.sqrt(0.25 / 40_000)
    used = np.append(fractions, 1.0)[first]
    assert used.mean() == pytest.approx(test.expected_fraction(2.8), abs=4 * used.std() / 200)


def test_repeated_intervals_hold_together_and_leave_out_0_where_the_test_decides():
    fractions = even(5)
    test = group_sequential(fractions, alpha=0.05, spending=POCOCK)
    paths = gaussian_paths(fractions, paths=10_000, drift=1.5, rng=np.random.default_rng(32))
    error = 1 / np.sqrt(fractions)
    low, high = test.repeated_interval(paths.z_NK * error, error)
    covered = ((low <= 1.5) & (high >= 1.5)).all(axis=1).mean()
    assert abs(covered - 0.95) < 4 * math.sqrt(0.05 * 0.95 / 10_000)
    assert np.array_equal((low > 0) | (high < 0), np.abs(paths.z_NK) > test.boundary_K)


def test_a_look_so_early_that_next_to_nothing_is_spent_decides_nothing():
    test = group_sequential([0.01, 0.5, 1.0], alpha=0.05)
    assert test.boundary_K[0] == math.inf
    assert test.repeated_interval(1.0, 1.0)[0][0] == -math.inf
    assert test.spent_K[-1] == pytest.approx(0.05, abs=1e-12)


def test_bars_of_a_running_experiment_leave_out_looks_that_tell_nothing_new():
    bars = group_bars([0.0, 0.3, 0.3, 0.301, 0.29, 0.6, 1.2, 1.3], alpha=0.05, spending=POCOCK)
    kept = group_sequential([0.3, 0.6, 1.2], alpha=0.05, spending=POCOCK)
    assert bars[[1, 5, 6]] == pytest.approx(kept.boundary_K)
    assert np.isinf(bars[[0, 2, 3, 4, 7]]).all()


def test_the_look_that_fulfils_the_plan_always_counts_and_spends_the_rest():
    bars = group_bars([0.5, 0.9999, 1.0], alpha=0.05, spending=OBRIEN_FLEMING)
    assert np.isfinite(bars).all()
    spent = crossed(bars, [0.5, 0.9999, 0.9999 * 1.001])
    assert spent == pytest.approx(0.05, abs=1e-9)


def test_bars_without_any_information_decide_nothing():
    assert np.isinf(group_bars([0.0, 0.0], alpha=0.05, spending=POCOCK)).all()


@pytest.mark.parametrize(
    ("fractions", "told"),
    [
        ([], r"fractions.shape == \(0,\), must be \(looks,\)"),
        ([0.0, 1.0], r"fractions\[0\] == 0.0, must be > 0"),
        ([0.5, 0.5], r"fractions\[1\] == 0.5, must be > 0 and at least 1.001 times"),
        ([0.5, math.nan], r"fractions\[1\] == nan, must be"),
        ([0.5, math.inf], r"fractions\[1\] == inf, must be"),
        ([0.5, 1.0, 1.2], r"fractions\[1\] == 1.0, must be < 1 before the last look"),
    ],
)
def test_looks_that_no_test_can_have_are_refused(fractions, told):
    with pytest.raises(ConfigError, match=told):
        group_sequential(fractions, alpha=0.05)


def test_powers_drifts_and_boundaries_out_of_range_are_refused():
    test = group_sequential(even(3), alpha=0.05)
    for power in (0.01, 1.0, math.nan):
        with pytest.raises(ConfigError, match=r"power == .*, must be > 0.025 and < 1"):
            test.inflation(power)
    with pytest.raises(ConfigError, match="drift == 50, must be within 20 of 0"):
        test.chances(50)
    with pytest.raises(ConfigError, match=r"boundary == .*, must be >= 0 at each of 2"):
        crossing_chances([1.0, -2.0], [0.5, 1.0], drift=0.0)
    with pytest.raises(ConfigError, match="alpha == 0, must be"):
        group_sequential([1.0], alpha=0)
    early = group_sequential([0.001], alpha=0.05, spending=POCOCK)
    with pytest.raises(ConfigError, match=r"power == 0.9, must be > .* and < 0.00"):
        early.drift_for(0.9)
