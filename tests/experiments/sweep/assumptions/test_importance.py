"""The part of what differs between worlds that a submodel explains, against planted parts."""

import numpy as np
import pytest
import statsmodels.api as sm

from experiments.designs.spread import places
from experiments.inference.finding import corrected
from experiments.sweep.assumptions.declared import DECLARED, Range
from experiments.sweep.assumptions.importance import importances, submodel_of
from experiments.sweep.assumptions.known import Worlds
from simulator.randomness import Draws

CONTRAST = ("control", "treatment")
KEYS = ("queries.a", "queries.b", "shoppers.a", "world.behavior.a", "world.behavior.b")
RANGES = [Range(key, 0.0, 1.0) for key in KEYS]


def studied(rng, count, between=0.004, curve=0.06):
    """Worlds whose lifts hang on three of five settings, one of them by a curve."""
    places_NK = places(len(KEYS), count, Draws(int(rng.integers(1 << 30))), "a test")
    middle_NK = places_NK - 0.5
    true_N = 0.03 * middle_NK[:, 0] + curve * middle_NK[:, 1] ** 2 - 0.02 * middle_NK[:, 2]
    error_N = rng.uniform(0.002, 0.006, count)
    lift_N = true_N + between * rng.normal(size=count) + error_N * rng.normal(size=count)
    return Worlds(lift_N, error_N, places_NK)


def planted(between=0.004, curve=0.06):
    """Variances of a line over an even range are b ** 2 / 12, of a square c ** 2 / 180."""
    parts = {
        "queries": 0.03**2 / 12 + curve**2 / 180,
        "shoppers": 0.02**2 / 12,
        "world.behavior": 0.0,
    }
    whole = sum(parts.values()) + between**2
    return {name: variance / whole for name, variance in parts.items()}


def told(worlds):
    return corrected(importances(worlds, RANGES, "orders", CONTRAST, 0.95))


def test_a_submodel_is_what_stands_together_in_the_settings():
    assert [submodel_of(key) for key in ("seed", "catalog.seed", "queries.variety")] == [
        "seed",
        "catalog",
        "queries",
    ]
    assert submodel_of("world.behavior.click_model.eta_phone") == "world.behavior"
    assert submodel_of("world.peak_requests") == "world"
    assert submodel_of("channels.cqsid.limit") == "channels.cqsid"
    assert {submodel_of(each.key) for each in DECLARED} == {
        *("queries", "catalog", "shoppers", "world.sessions", "world.behavior")
    }


def test_the_test_of_a_submodel_is_that_of_another_implementation():
    worlds = studied(np.random.default_rng(1), 48)
    middle_NK = worlds.places_NK - 0.5
    design = sm.add_constant(np.concatenate([middle_NK, middle_NK**2], axis=1))
    peer = sm.OLS(worlds.lift_N, design).fit()
    for row, own in zip(told(worlds), ([1, 2, 6, 7], [3, 8], [4, 5, 9, 10]), strict=True):
        assert row.curved
        other = peer.f_test(np.eye(11)[own])
        assert row.p_value == pytest.approx(float(other.pvalue), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("count", [32, 64])
def test_shares_are_those_that_were_planted_and_intervals_hold_them(count):
    """200 studies; 1.6 points of error for a coverage of 95 %."""
    rng, true = np.random.default_rng(2), planted()
    estimates = {name: [] for name in true}
    held = {name: [] for name in true}
    wrong = []
    for _ in range(200):
        rows = told(studied(rng, count))
        for row in rows:
            estimates[row.submodel].append(row.share.estimate)
            held[row.submodel].append(row.share.holds(true[row.submodel]))
        wrong.append(rows[2].p_holm < 0.05)
    for name, part in true.items():
        assert np.mean(estimates[name]) == pytest.approx(part, abs=0.05)
        assert np.mean(held[name]) > 0.91
    assert np.mean(wrong) < 0.08


def test_a_share_is_never_below_zero_or_above_one():
    rng = np.random.default_rng(3)
    for _ in range(20):
        for row in told(studied(rng, 24, between=0.0, curve=0.2)):
            low, high = row.share.ends
            assert 0 <= low <= row.share.estimate <= high <= 1


def test_with_fewer_worlds_lines_are_fitted_and_with_few_nothing_is_said():
    rng = np.random.default_rng(4)
    assert [row.curved for row in told(studied(rng, 16))] == [True] * 3
    assert [row.curved for row in told(studied(rng, 12))] == [False] * 3
    assert told(studied(rng, 10)) == ()


def test_worlds_that_do_not_differ_have_nothing_to_be_explained():
    rng = np.random.default_rng(5)
    places_NK = places(len(KEYS), 32, Draws(1), "a test")
    alike = Worlds(np.full(32, 0.01), np.full(32, 0.002), places_NK)
    assert told(alike) == ()
    unsure = Worlds(0.01 + 0.001 * rng.normal(size=32), np.full(32, 0.1), places_NK)
    assert told(unsure) == ()
