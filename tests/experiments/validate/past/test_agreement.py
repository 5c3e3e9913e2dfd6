"""Signs, correlation and slope of past experiments, with errors on both sides."""

import numpy as np
import pytest

from experiments.validate.past import agreement as agreeing
from experiments.validate.past.agreement import agreement, slope
from experiments.validate.past.table import Past


def experiments(seed, count=50, true=1.0, noise=0.5, off=0.0):
    """Experiments whose true effects are `true` times the simulated ones, plus what it misses."""
    rng = np.random.default_rng(seed)
    effect_T = rng.normal(0, 0.02, count)
    found_T = true * effect_T + rng.normal(0, off, count) if off else true * effect_T
    errors = 0.02 * noise * rng.uniform(0.5, 1.5, (2, count))
    y_T, x_T = (
        each + rng.normal(0, 1, count) * error
        for each, error in zip((found_T, effect_T), errors, strict=True)
    )
    rows = zip(y_T, errors[0], x_T, errors[1], strict=True)
    return [Past(f"t{at}", "", *map(float, row)) for at, row in enumerate(rows)]


def columns(rows):
    return np.array([(row.estimate, row.simulated, row.simulated_error) for row in rows]).T


def test_signs_are_counted_with_the_exact_interval():
    rows = [Past(f"t{at}", "", 0.01, 0.005, 0.01 if at < 37 else -0.01, 0.001) for at in range(48)]
    rows += [Past("flat", "", 0.01, 0.005, 0.0, 0.001)]
    found = agreement(rows, confidence=0.95)
    assert (found.signed, found.clear_tests) == (48, 48)
    assert found.signs.estimate == pytest.approx(37 / 48)
    assert found.signs.numbers[1:] == pytest.approx((0.6269, 0.8797), abs=5e-4)
    assert found.p_value == pytest.approx(0.000222, abs=2e-5)


def test_the_slope_is_not_flattened_by_errors_of_the_simulation_and_least_squares_is():
    slopes, flat = [], []
    for seed in range(200):
        y_T, x_T, ex_T = columns(experiments(seed, noise=0.7))
        slopes.append(slope(y_T, x_T, ex_T, 0.95).estimate)
        flat.append(np.cov(x_T, y_T)[0, 1] / x_T.var(ddof=1))
    assert np.median(slopes) == pytest.approx(1.0, abs=0.05)
    assert np.median(flat) < 0.75


@pytest.mark.parametrize(("true", "off"), [(1.0, 0.0), (0.5, 0.005), (-0.5, 0.0)])
def test_the_interval_of_the_slope_holds_the_true_one(true, off):
    held = [
        slope(*columns(experiments(seed, true=true, off=off, noise=0.4)), 0.95).holds(true)
        for seed in range(400)
    ]
    assert None not in held
    assert abs(np.mean(held) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 400)


def test_without_errors_the_slope_and_the_correlation_are_the_plain_ones():
    rng = np.random.default_rng(3)
    x_T, y_T = rng.normal(0, 0.02, (2, 30))
    y_T += 0.6 * x_T
    rows = [
        Past(f"t{at}", "", y, 1e-12, x, 0.0) for at, (y, x) in enumerate(zip(y_T, x_T, strict=True))
    ]
    found = agreement(rows, confidence=0.95)
    assert found.slope.estimate == pytest.approx(np.cov(x_T, y_T)[0, 1] / x_T.var(ddof=1))
    plain = np.corrcoef(x_T, y_T)[0, 1]
    assert found.correlation.estimate == pytest.approx(plain)
    assert found.true_correlation.estimate == pytest.approx(plain)


def test_a_correlation_that_errors_hide_is_told_without_them():
    found = [
        agreement(experiments(seed, noise=0.8, count=80), confidence=0.95) for seed in range(40)
    ]
    assert np.median([each.correlation.estimate for each in found]) < 0.75
    assert np.median([each.true_correlation.estimate for each in found]) > 0.9


def test_where_errors_are_all_that_varies_no_slope_is_told():
    rng = np.random.default_rng(4)
    rows = [
        Past(f"t{at}", "", *rng.normal(0, 0.01, 1), 0.01, *rng.normal(0, 0.01, 1), 0.02)
        for at in range(30)
    ]
    found = agreement(rows, confidence=0.95)
    assert found.slope.ends is None
    assert found.true_correlation.estimate is None


def test_the_share_to_be_expected_is_that_of_a_simulator_that_is_right(monkeypatch):
    """Not one: experiments near zero have the other sign by chance."""
    monkeypatch.setattr(agreeing, "_BOOTSTRAPS", 20)
    found = [agreement(experiments(seed, noise=0.8), confidence=0.95) for seed in range(150)]
    expected = np.mean([each.expected for each in found])
    assert expected == pytest.approx(np.mean([each.signs.estimate for each in found]), abs=0.03)
    assert expected < 0.9


def test_a_simulator_that_tells_nothing_agrees_as_a_coin_does():
    rows = experiments(6, true=0.0, count=200)
    found = agreement(rows, confidence=0.95)
    assert found.signs.holds(0.5)
    assert found.p_value > 0.01
    assert found.slope.holds(0.0)
