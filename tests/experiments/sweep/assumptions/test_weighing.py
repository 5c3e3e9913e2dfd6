"""What drawn worlds say together, against planted lifts."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

from experiments.designs.spread import places
from experiments.inference.finding import corrected
from experiments.inference.intervals.student import reach
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.sweep import CellLift
from experiments.sweep.assumptions.declared import Range
from experiments.sweep.assumptions.known import Worlds, known_worlds
from experiments.sweep.assumptions.weighing import leans, over_worlds
from simulator.randomness import Draws

CONTRAST = ("control", "treatment")
QUANTILE = 1.959963984540054


def ranges(keys):
    return [Range(f"k{at}", 0.0, 1.0) for at in range(keys)]


def worlds_of(rng, count, slopes, between=0.0, errors=(0.002, 0.006), middle=0.01):
    """Lifts that hang on the places by straight lines, and what else there is."""
    places_NK = places(len(slopes), count, Draws(int(rng.integers(1 << 30))), "a test")
    error_N = rng.uniform(*errors, count)
    true_N = middle + (places_NK - 0.5) @ np.array(slopes) + between * rng.normal(size=count)
    return Worlds(true_N + error_N * rng.normal(size=count), error_N, places_NK)


def leaning(worlds):
    found = leans(worlds, ranges(worlds.places_NK.shape[1]), "orders", CONTRAST, 0.95)
    return list(corrected(found))


def lift(middle, half):
    relative = Interval(*(np.expm1(each) for each in (middle, middle - half, middle + half)))
    return CellLift("c", "orders", CONTRAST, 1.0, relative, half, 0.5, None, 1, 10)


def test_lifts_and_their_errors_are_read_on_the_log_scale():
    rows = [lift(0.02, 0.01), lift(-0.3, 0.2)]
    rows.append(CellLift("c", "orders", CONTRAST, 1.0, UNKNOWN, None, None, None, 1, 10))
    found = known_worlds(rows, np.arange(3.0)[:, None], 0.95)
    np.testing.assert_allclose(found.lift_N, [0.02, -0.3], atol=1e-12)
    np.testing.assert_allclose(found.error_N, np.array([0.01, 0.2]) / QUANTILE, rtol=1e-9)
    assert found.places_NK.tolist() == [[0.0], [1.0]]


def test_slopes_and_their_intervals_are_those_of_another_implementation():
    worlds = worlds_of(np.random.default_rng(1), 40, [0.05, 0.0, -0.02], between=0.01)
    peer = sm.OLS(worlds.lift_N, sm.add_constant(worlds.places_NK)).fit(cov_type="HC3", use_t=True)
    for at, row in enumerate(leaning(worlds), start=1):
        low, high = peer.conf_int()[at]
        told = np.log1p([row.change.estimate, *row.change.ends])
        np.testing.assert_allclose(told, [peer.params[at], low, high], atol=1e-12)
        assert row.p_value == pytest.approx(peer.pvalues[at], abs=1e-12)
        assert row.joint
        middle = (np.log1p(row.at_low) + np.log1p(row.at_high)) / 2
        assert middle == pytest.approx(worlds.lift_N.mean(), abs=1e-12)


def test_intervals_of_mean_change_and_one_more_world_hold_what_was_planted():
    """300 studies of 32 worlds and 6 assumptions, of which two matter; error 1.3 points."""
    slopes, between, middle = [0.03, 0.0, 0.0, -0.015, 0.0, 0.0], 0.004, 0.01
    rng, held = np.random.default_rng(2), {"mean": [], "change": [], "another": [], "wrong": []}
    for _ in range(300):
        worlds = worlds_of(rng, 32, slopes, between, middle=middle)
        over = over_worlds(worlds, "orders", CONTRAST, 0.95)
        held["mean"].append(over.mean.holds(np.expm1(middle)))
        more = worlds_of(rng, 1, slopes, between, errors=(0, 0), middle=middle)
        held["another"].append(over.another.holds(float(np.expm1(more.lift_N[0]))))
        rows = leaning(worlds)
        held["change"].append(
            np.mean(
                [row.change.holds(np.expm1(slope)) for row, slope in zip(rows, slopes, strict=True)]
            )
        )
        held["wrong"].append(
            any(row.p_holm < 0.05 for row, slope in zip(rows, slopes, strict=True) if not slope)
        )
    share = {name: np.mean(each) for name, each in held.items()}
    assert share["mean"] > 0.92  # wider than needed: evenly spread worlds differ less by chance
    assert 0.93 < share["change"] < 0.98
    assert 0.91 < share["another"] <= 1.0
    assert share["wrong"] < 0.08


@pytest.mark.parametrize("freedom", [np.inf, 4, 1])
@pytest.mark.parametrize("count", [8, 32])
def test_one_more_world_is_where_it_is_expected_however_sure_each_is(freedom, count):
    """400 studies in which worlds differ as much as each is unsure; error 1.1 points."""
    rng, held, spread, true = np.random.default_rng(6), [], [], 0.01
    for _ in range(400):
        lifts, luck = 0.01 + true * rng.normal(size=count), rng.normal(size=count)
        errors = np.full(count, true)
        if np.isfinite(freedom):
            errors = true * np.sqrt(rng.chisquare(freedom, count) / freedom)
        freedom_N = np.full(count, float(freedom))
        half = reach(errors, freedom_N, confidence=0.95)
        rows = [
            replace(lift(middle, wide), freedom=None if np.isinf(freedom) else freedom)
            for middle, wide in zip(lifts + true * luck, half, strict=True)
        ]
        found = over_worlds(
            known_worlds(rows, np.zeros((count, 0)), 0.95), "orders", CONTRAST, 0.95
        )
        held.append(found.another.holds(float(np.expm1(0.01 + true * rng.normal()))))
        spread.append(found.spread)
    assert np.mean(held) > 0.95 - 0.035
    if count == 32:
        assert np.sqrt(np.mean(np.square(spread))) == pytest.approx(true, rel=0.15)


def test_what_each_world_is_not_sure_of_is_no_spread_between_worlds():
    rng = np.random.default_rng(3)
    alike = [over_worlds(worlds_of(rng, 64, [0.0]), "o", CONTRAST, 0.95).spread for _ in range(40)]
    apart = [
        over_worlds(worlds_of(rng, 64, [0.0], between=0.02), "o", CONTRAST, 0.95).spread
        for _ in range(40)
    ]
    assert np.mean(alike) < 0.0015
    assert np.mean(apart) == pytest.approx(0.02, rel=0.1)


@pytest.mark.parametrize(("between", "part"), [(0.0, 1.0), (0.02, 0.41)])
def test_lines_explain_the_part_of_the_spread_that_was_planted(between, part):
    """The variance of a slope of 0.06 over an even range is 0.06 ** 2 / 12 = 0.0003."""
    assert part == pytest.approx(0.0003 / (0.0003 + between**2), abs=0.03)
    rng = np.random.default_rng(4)
    told = [
        over_worlds(worlds_of(rng, 64, [0.06, 0.0], between), "o", CONTRAST, 0.95).explained
        for _ in range(40)
    ]
    assert np.mean(told) == pytest.approx(part, abs=0.07)


def test_with_few_worlds_each_assumption_is_weighed_alone():
    worlds = worlds_of(np.random.default_rng(5), 8, [0.05] + [0.0] * 9)
    rows = leaning(worlds)
    assert not any(row.joint for row in rows)
    assert all(row.change.ends is not None for row in rows)
    assert over_worlds(worlds, "o", CONTRAST, 0.95).explained is None


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_worlds_say_nothing_and_break_nothing(count):
    worlds = Worlds(np.full(count, 0.01), np.full(count, 0.001), np.full((count, 3), 0.5))
    over, rows = over_worlds(worlds, "o", CONTRAST, 0.95), leaning(worlds)
    assert over.worlds == count
    assert (over.mean is UNKNOWN) == (count < 2)
    assert all(row.change is UNKNOWN for row in rows)
