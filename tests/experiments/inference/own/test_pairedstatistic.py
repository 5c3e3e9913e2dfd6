"""Statistics of values in paired worlds have the effects and errors that pairing gives them."""

import numpy as np
import pytest
from scipy.stats import binom

from experiments.inference.intervals.crossed import contrast
from experiments.inference.own.bootstrap import Statistic
from experiments.inference.own.pairedstatistic import paired_statistic
from experiments.records.interval import UNKNOWN, Interval

MEDIAN = Statistic(0.5, None, "analysis.own.median")
MEAN = Statistic(None, np.mean, "analysis.own.mean")


def pair(seed, shoppers, lucks, *, lift=0.2, luck=0.0):
    """Values of shoppers whose taste stays; in the treatment three in ten are others and larger."""
    rng = np.random.default_rng(seed)
    taste_U = rng.normal(0, 1, shoppers)
    control, treatment = [], []
    for _ in range(lucks):
        unit_N = np.repeat(np.arange(shoppers), rng.integers(0, 4, shoppers))
        base_N = np.exp(taste_U[unit_N] + rng.normal(0, 0.5, len(unit_N)))
        other_N = np.exp(taste_U[unit_N] + lift + rng.normal(0, 0.5, len(unit_N)))
        moved_N = rng.random(len(unit_N)) < 0.3
        state = np.exp(rng.normal(0, luck) - luck**2 / 2)  # mean 1, the same for everybody
        control.append((unit_N, base_N))
        treatment.append((unit_N, state * np.where(moved_N, other_N, base_N)))
    return control, treatment


def effect(worlds, units, statistic=MEDIAN, resamples=200):
    return paired_statistic(statistic, *worlds, units, resamples=resamples, confidence=0.95)


@pytest.mark.parametrize(("lucks", "luck"), [(1, 0.0), (4, 0.05)])
def test_intervals_hold_the_effect_as_often_as_they_say(lucks, luck):
    """Of one pair over shoppers, of several also over what everybody's luck does."""
    many = effect(pair(0, 200_000, 1), 200_000, resamples=2)
    held = [
        bool(
            effect(pair([1, seed], 200, lucks, luck=luck), 200, resamples=100).effect.holds(
                many.effect.estimate
            )
        )
        for seed in range(100)
    ]
    assert binom.ppf(0.001, len(held), 0.95) <= sum(held)


def test_luck_that_everybody_shares_widens_the_interval_of_several_pairs():
    calm, wild = (effect(pair(3, 400, 4, luck=luck), 400) for luck in (0.0, 0.2))
    widths = [each.effect.high - each.effect.low for each in (calm, wild)]
    assert widths[1] > 2 * widths[0]
    assert calm.spread < wild.spread


@pytest.mark.parametrize("lucks", [1, 3])
def test_of_a_mean_it_is_what_totals_of_shoppers_tell(lucks):
    """The bootstrap's error is the delta method's, but for the luck of a thousand resamples."""
    worlds = pair(2, 500, lucks, luck=0.05)
    totals = [
        np.array([np.bincount(unit_N, part(values_N), 500) for unit_N, values_N in world])
        for world in reversed(worlds)
        for part in (np.asarray, np.ones_like)
    ]
    found = effect(worlds, 500, MEAN, resamples=1_000)
    wanted = contrast(*totals, confidence=0.95).interval
    assert found.effect.estimate == pytest.approx(wanted.estimate, rel=0.05)
    widths = [each.high - each.low for each in (found.effect, wanted)]
    assert widths[0] == pytest.approx(widths[1], rel=0.15)


def test_pairing_is_worth_as_much_as_it_says():
    worlds = pair(4, 600, 1)
    found = effect(worlds, 600, resamples=1_000)
    stranger = effect((worlds[0], pair(5, 600, 1)[1]), 600, resamples=1_000)
    assert found.pairing_factor > 2
    widths = [each.effect.high - each.effect.low for each in (stranger, found)]
    assert widths[0] ** 2 / widths[1] ** 2 == pytest.approx(found.pairing_factor, rel=0.4)


@pytest.mark.parametrize("lucks", [1, 3])
def test_equal_worlds_differ_by_exactly_nothing(lucks):
    control, _ = pair(6, 100, lucks)
    shuffled = [(unit_N[::-1], values_N[::-1]) for unit_N, values_N in control]
    found = effect((control, shuffled), 100)
    assert (found.effect, found.relative) == (Interval(0.0, 0.0, 0.0),) * 2
    assert (found.p_value, found.reason) == (1.0, "")


def test_the_luck_of_resampling_is_fixed():
    assert effect(pair(7, 100, 2), 100) == effect(pair(7, 100, 2), 100)


def test_what_cannot_be_told_has_a_reason_and_no_number():
    (control,), _ = pair(8, 50, 1)
    nothing = np.zeros(0, np.int64), np.zeros(0)
    found = effect(([control], [nothing]), 50)
    assert (found.effect, found.reason) == (UNKNOWN, "a world has no value")
    seldom = control[0][:1], control[1][:1]
    found = effect(([control], [seldom]), 50)
    assert (found.effect.ends, found.reason) == (None, "too few shoppers have a value")
    constant = [[(np.arange(50), np.full(50, size))] for size in (1.0, 2.0)]
    found = effect(constant, 50)
    assert (found.effect, found.reason) == (
        Interval(1.0, None, None),
        "no variation between shoppers",
    )
