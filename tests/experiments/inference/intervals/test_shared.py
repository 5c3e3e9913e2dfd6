"""What groups of shoppers share by luck belongs into the interval."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.inference.intervals.crossed import Grown, contrast, growth, growth_apart, ratio
from experiments.inference.intervals.shared import NO_LUCK, Shared, added, shared_luck

SHOPPERS, GROUPS, REPETITIONS = 500, 25, 600


def values(rng, shared):
    """A shopper's group, and values of mean 0 with a part that the whole group has in common."""
    group_U = rng.choice(GROUPS, SHOPPERS, p=np.arange(1, GROUPS + 1) / (GROUPS * (GROUPS + 1) / 2))
    return group_U, rng.normal(size=SHOPPERS) + shared * rng.normal(size=GROUPS)[group_U]


def sums(group_U, value_U):
    return np.bincount(group_U, value_U, GROUPS)


def coverage(rng, shared, grouped):
    held = 0
    for _ in range(REPETITIONS):
        group_U, value_U = values(rng, shared)
        one_U = np.ones(SHOPPERS)
        groups = (sums(group_U, value_U), sums(group_U, one_U)) if grouped else None
        found = ratio(value_U[None], one_U[None], confidence=0.95, groups=groups)
        held += found.interval.holds(0.0)
    return held / REPETITIONS


@pytest.mark.parametrize("shared", [0.15, 0.5, 2.0])
def test_intervals_hold_the_mean_where_groups_share_luck(shared):
    # 25 groups of unequal size have few degrees of freedom, so a little below and above is allowed.
    assert 0.92 <= coverage(np.random.default_rng(1), shared, grouped=True) <= 0.985


def test_over_shoppers_alone_they_do_not():
    assert coverage(np.random.default_rng(1), 0.5, grouped=False) < 0.75


def test_where_nothing_is_shared_they_are_little_wider():
    assert 0.94 <= coverage(np.random.default_rng(1), 0.0, grouped=True) <= 0.985


def test_the_variance_is_that_of_the_common_part():
    rng, shared = np.random.default_rng(2), 1.5
    found, means = [], []
    for _ in range(REPETITIONS):
        group_U, value_U = values(rng, shared)
        found.append(shared_luck(value_U, sums(group_U, value_U)).variance)
        means.append(value_U.mean())
    assert np.mean(found) + 1 / SHOPPERS == pytest.approx(np.var(means), rel=0.12)


def test_one_group_has_few_degrees_of_freedom_and_equal_ones_as_many_as_there_are():
    rng = np.random.default_rng(3)
    one = shared_luck(np.zeros(10), np.array([5.0, 0, 0, 0, 0, 0, 0, 0]))
    many = shared_luck(np.zeros(10), rng.normal(size=4000))
    assert one.freedom == pytest.approx(3.0)
    assert many.freedom == pytest.approx(4000, rel=0.15)


def test_what_is_added_lies_between_both_in_its_degrees_of_freedom():
    luck = shared_luck(np.zeros(10), np.array([1.0, -1.0, 2.0, -2.0]))
    variance, freedom = added(0.01, 900, luck)
    assert variance == 0.01 + luck.variance
    assert luck.freedom < freedom < 900
    assert added(0.01, 900, NO_LUCK) == (0.01, 900)


def tables(rng, shared, bent=1.0):
    """Control, and treatment that differs by luck alone; the sums of groups."""
    group_U, luck_U = values(rng, shared)
    base_U, one_U = rng.gamma(2.0, size=SHOPPERS), np.ones(SHOPPERS)
    treated_U = base_U * bent + 0.05 * luck_U
    base_G = sums(group_U, base_U)
    exposed_G = base_G / base_G.sum() * SHOPPERS
    common = Shared(
        (treated_U, one_U),
        (base_U, one_U),
        (sums(group_U, treated_U), exposed_G),
        (base_G, exposed_G),
    )
    return (treated_U[None], one_U[None], base_U[None], one_U[None]), common


@pytest.mark.parametrize("kind", [growth, contrast])
def test_growth_and_difference_hold_no_effect(kind):
    rng, held, alone = np.random.default_rng(4), 0, 0
    for _ in range(REPETITIONS):
        pair, common = tables(rng, 1.0)
        held += kind(*pair, confidence=0.95, shared=common).interval.holds(0.0)
        alone += kind(*pair, confidence=0.95).interval.holds(0.0)
    assert 0.92 <= held / REPETITIONS <= 0.985
    assert alone / REPETITIONS < 0.6


@pytest.mark.parametrize("kind", [growth, contrast])
def test_an_effect_that_is_the_same_in_all_groups_is_no_luck(kind):
    pair, common = tables(np.random.default_rng(5), 0.0, bent=1.3)
    pair = (pair[2] * 1.3, pair[1], *pair[2:])
    common = Shared(
        (pair[0][0], pair[1][0]),
        common.base_U,
        (common.base_G[0] * 1.3, common.base_G[1]),
        common.base_G,
    )
    plain, found = (kind(*pair, confidence=0.95, shared=each) for each in (None, common))
    assert found.interval.low == pytest.approx(plain.interval.low)


@pytest.mark.parametrize("kind", [growth, contrast])
def test_equal_worlds_are_equal_without_doubt(kind):
    pair, common = tables(np.random.default_rng(6), 0.0)
    pair = (pair[2], pair[1], *pair[2:])
    common = Shared(common.base_U, common.base_U, common.base_G, common.base_G)
    found = kind(*pair, confidence=0.95, shared=common)
    assert (found.interval.estimate, found.interval.low, found.interval.high) == (0.0, 0.0, 0.0)


def test_a_part_that_nobody_has_shares_nothing():
    zero_U, zero_G = np.zeros(5), np.zeros(2)
    common = Shared((zero_U, zero_U), (zero_U, zero_U), (zero_G, zero_G), (zero_G, zero_G))
    assert common.luck(lambda terms, means: terms[0]) == NO_LUCK


def trainings(rng, seeds, *, common, own):
    """A group of each shopper, and values with luck of groups: common, and of each training."""
    group_U = rng.integers(0, GROUPS, SHOPPERS)
    luck_SG = common * rng.normal(size=(1, GROUPS)) + own * rng.normal(size=(seeds, GROUPS))
    return group_U, rng.normal(size=(seeds, SHOPPERS)) + luck_SG[:, group_U]


def variance_of(group_U, value_SU):
    linear_SU = value_SU - value_SU.mean(axis=1, keepdims=True)
    return shared_luck(linear_SU, np.stack([sums(group_U, row_U) for row_U in linear_SU])).variance


def test_trainings_of_one_luck_tell_what_befell_all_of_them_and_not_what_befell_each():
    rng = np.random.default_rng(7)
    found = [
        np.mean([variance_of(*trainings(rng, 3, common=common, own=own)) for _ in range(300)])
        for common, own in ((1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    ]
    assert found[0] == pytest.approx(1 / GROUPS, rel=0.1)
    assert found[1] == pytest.approx(1 / GROUPS, rel=0.1)
    assert found[2] < 0.2 / GROUPS  # none, but for what cannot be less than none


def test_trainings_that_are_the_same_are_one():
    group_U, value_U = values(np.random.default_rng(8), 1.0)
    once = variance_of(group_U, value_U[None])
    assert variance_of(group_U, np.repeat(value_U[None], 3, axis=0)) == pytest.approx(once)


def grown_runs(rng, *, common, own, groups=None):
    """Two runs of the same shoppers with luck of groups, in both alike and in each by itself."""
    group_U, base_U = rng.integers(GROUPS, size=SHOPPERS), rng.gamma(2.0, size=SHOPPERS)
    both_G, one_U = common * rng.normal(size=GROUPS), np.ones(SHOPPERS)
    runs = []
    for lift in (1.1, 1.2):
        place_U = group_U if groups is None else rng.permutation(group_U)
        luck_U = (both_G + own * rng.normal(size=GROUPS))[place_U]
        treated_U = base_U * lift + 0.05 * (rng.normal(size=SHOPPERS) + luck_U)
        base_G = sums(place_U, base_U)
        exposed_G = base_G / base_G.sum() * SHOPPERS
        part_G = sums(place_U, treated_U)
        shared = Shared(
            (treated_U, one_U), (base_U, one_U), (part_G, exposed_G), (base_G, exposed_G)
        )
        terms = tuple(each[None] for each in (treated_U, one_U, base_U, one_U))
        runs.append(Grown(terms, shared))
    return runs


def apart(runs, *, alike=True, luck=True):
    """The difference of two runs, with or without the luck that groups share."""
    one, other = runs if luck else [replace(run, shared=None) for run in runs]
    return growth_apart(one, other, confidence=0.95, alike=alike).interval


TRUE_GAP = 1.1 / 1.2 - 1


@pytest.mark.parametrize("alike", [True, False])
def test_a_difference_of_lifts_holds_the_luck_of_both_runs(alike):
    """Groups that are the same, or others in each run: then their lucks add up."""
    rng, held, alone = np.random.default_rng(8), 0, 0
    for _ in range(REPETITIONS):
        runs = grown_runs(rng, common=0.0, own=1.0, groups=None if alike else "others")
        held += apart(runs, alike=alike).holds(TRUE_GAP)
        alone += apart(runs, luck=False).holds(TRUE_GAP)
    assert 0.92 <= held / REPETITIONS <= 0.985
    assert alone / REPETITIONS < 0.6


def test_luck_that_strikes_both_runs_alike_is_none_of_their_difference():
    rng, held, narrower = np.random.default_rng(9), 0, 0
    for _ in range(REPETITIONS // 3):
        runs = grown_runs(rng, common=1.0, own=0.0)
        paired, added_up = apart(runs), apart(runs, alike=False)
        held += paired.holds(TRUE_GAP)
        narrower += paired.high - paired.low < 0.6 * (added_up.high - added_up.low)
    assert 0.92 <= held / (REPETITIONS // 3) <= 0.99
    assert narrower > 0.95 * (REPETITIONS // 3)


def test_a_run_is_apart_from_itself_by_nothing_and_from_nothing_by_no_number():
    (run, _) = grown_runs(np.random.default_rng(10), common=1.0, own=1.0)
    assert apart([run, run]).numbers == (0.0, 0.0, 0.0)
    nobody = Grown(tuple(np.zeros_like(each) for each in run.terms))
    assert apart([run, nobody]).numbers == (None, None, None)
