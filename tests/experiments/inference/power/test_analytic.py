"""The formula equals statsmodels and tea-tasting to ten digits, and published tables."""

import math

import numpy as np
import pytest
import tea_tasting as tt
from hypothesis import given, strategies as st
from statsmodels.stats.power import TTestIndPower
from tea_tasting.aggr import Aggregates

from experiments.inference.intervals.student import reach
from experiments.inference.power.aim import Aim
from experiments.inference.power.analytic import (
    detectable,
    error_of,
    freedom_of,
    power_at,
    power_of,
    units_needed,
)
from simulator.errors import ConfigError, DataError

DIGITS = 1e-10
SIZES = [(5, 5), (3, 30), (64, 64), (1_000, 9_000), (40_000, 200), (5_000_000, 5_000_000)]
AIMS = [Aim(), Aim(0.99, 0.9), Aim(0.9, 0.5), Aim(comparisons=3), Aim(power=0.06)]


def peer_power(distance, sd, sizes, aim):
    """statsmodels, told the degrees of freedom of our test; its own are of equal variances.

    Where SciPy has no number for the wrong sign, whose chance is below 1e-13, it is one-sided.
    """
    options = {"ratio": sizes[1] / sizes[0], "df": float(freedom_of(sizes))}
    peer = TTestIndPower()
    told = peer.power(distance / sd, sizes[0], 2 * aim.tail, **options)
    if aim.one_sided or math.isnan(told):
        told = peer.power(distance / sd, sizes[0], aim.tail, alternative="larger", **options)
    return told


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("aim", AIMS)
def test_power_and_the_least_effect_equal_statsmodels(sizes, aim):
    least = float(detectable(4.0, sizes, aim))
    assert peer_power(least, 2.0, sizes, aim) == pytest.approx(aim.power, rel=DIGITS)
    for part in (0.1, 0.7, 1.3):
        ours = float(power_of(part * least, 4.0, sizes, aim))
        assert ours == pytest.approx(peer_power(part * least, 2.0, sizes, aim), rel=DIGITS)


@pytest.mark.parametrize("sizes", SIZES)
def test_non_inferiority_equals_statsmodels_one_sided_at_half_the_level(sizes):
    aim = Aim(0.95, 0.8, one_sided=True)
    least = float(detectable(4.0, sizes, aim))
    assert peer_power(least, 2.0, sizes, aim) == pytest.approx(0.8, rel=DIGITS)


@pytest.mark.parametrize("ratio", [1, 0.25, 3])
def test_power_and_the_least_effect_equal_tea_tasting(ratio):
    pilot = Aggregates(12_000, {"x": 3.0}, {"x": 4.0})
    peer = tt.Mean("x", equal_var=False, use_t=True, ratio=ratio, power=0.9, rel_effect_size=0.02)
    sizes = (12_000 / (1 + ratio), 12_000 * ratio / (1 + ratio))
    (told,) = peer.solve_power_from_aggregates(pilot, "power")
    assert float(power_of(0.06, 4.0, sizes, Aim())) == pytest.approx(told.power, rel=DIGITS)
    (told,) = peer.solve_power_from_aggregates(pilot, "effect_size")
    ours = float(detectable(4.0, sizes, Aim(power=0.9)))
    assert ours == pytest.approx(told.effect_size, rel=DIGITS)


def test_the_units_needed_equal_tea_tasting_and_statsmodels():
    peer = tt.Mean("x", equal_var=False, use_t=True, power=0.9, rel_effect_size=0.02)
    (told,) = peer.solve_power_from_aggregates(Aggregates(100, {"x": 3.0}, {"x": 4.0}), "n_obs")
    ours = units_needed(0.06, 4.0, (0.5, 0.5), Aim(power=0.9))
    assert math.ceil(ours) == told.n_obs
    other = TTestIndPower().solve_power(effect_size=0.03, alpha=0.05, power=0.9)
    assert ours / 2 == pytest.approx(other, rel=1e-8)  # to which its solver goes


@pytest.mark.parametrize(("effect", "units"), [(0.2, 393), (0.5, 64), (0.8, 26)])
def test_the_units_needed_are_those_of_cohens_table(effect, units):
    """Cohen, Statistical Power Analysis, 1988, table 2.4.1: two-sided 0.05, power 0.80."""
    whole = units_needed(effect, 1.0, (0.5, 0.5), Aim())
    assert abs(whole / 2 - units) < 1
    assert float(power_of(effect, 1.0, (units, units), Aim())) == pytest.approx(0.8, abs=0.01)


@given(
    st.floats(0.01, 3),
    st.floats(0.1, 10),
    st.floats(0.05, 0.95),
    st.sampled_from([0.5, 0.8, 0.95]),
    st.sampled_from([False, True]),
)
def test_the_least_effect_of_the_units_needed_is_the_effect(effect, variance, share, power, one):
    aim = Aim(power=power, one_sided=one)
    units = units_needed(effect, variance, (share, 1 - share), aim)
    sizes = (units * share, units * (1 - share))
    if min(sizes) > 2.001:  # else the least test that there can be has more power than is wanted
        assert float(detectable(variance, sizes, aim)) == pytest.approx(effect, rel=1e-9)
    else:
        assert power_of(effect, variance, sizes, aim) >= power


def test_the_critical_value_is_that_of_the_interval_of_estimates():
    sizes, aim = (120, 700), Aim()
    freedom = freedom_of(sizes)
    assert float(power_at(0.0, freedom, aim)) == pytest.approx(0.05, rel=1e-12)
    error = float(error_of(2.0, sizes))
    half = float(reach(error, freedom, confidence=0.95))
    found = float(power_of(half, 2.0, sizes, aim))  # half of such tests are beyond the interval
    assert found == pytest.approx(0.5, abs=0.005)


def test_all_is_computed_for_many_tests_at_once():
    sizes = np.array([10.0, 100.0, 1_000.0])
    variances = np.array([1.0, 2.0, 3.0])
    at_once = detectable(variances, (sizes, 2 * sizes), Aim())
    singly = [
        float(detectable(v, (n, 2 * n), Aim())) for v, n in zip(variances, sizes, strict=True)
    ]
    np.testing.assert_allclose(at_once, singly, rtol=1e-13)
    assert detectable(np.zeros(0), (np.zeros(0), np.zeros(0)), Aim()).shape == (0,)


def test_a_huge_effect_has_power_1_though_its_wrong_sign_has_no_number_in_scipy():
    for distance in (6.0, 15.0, 60.0):
        found = float(power_at(distance, 8.0, Aim(0.99, 0.9)))
        assert 0.98 < found <= 1


@pytest.mark.parametrize(
    ("variance", "sizes", "wanted"),
    [
        (0.0, (10, 10), "variance == 0, must be > 0"),
        (-1.0, (10, 10), "variance == -1, must be > 0"),
        (math.nan, (10, 10), "variance == nan, must be > 0"),
        (1.0, (1, 10), "units of an arm == 1, must be >= 2"),
    ],
)
def test_arms_that_tell_nothing_are_refused(variance, sizes, wanted):
    with pytest.raises(DataError, match=wanted):
        detectable(variance, sizes, Aim())


def test_an_effect_of_nothing_needs_no_number_of_units():
    with pytest.raises(ConfigError, match="distance == 0, must be > 0"):
        units_needed(0.0, 1.0, (0.5, 0.5), Aim())
    with pytest.raises(DataError, match="units == more than 1e"):
        units_needed(1e-9, 1.0, (0.5, 0.5), Aim())
