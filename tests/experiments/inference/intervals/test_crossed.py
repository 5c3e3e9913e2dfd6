"""Intervals over seeds and shoppers: by hand, by invariance, and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from experiments.inference.intervals.crossed import (
    difference,
    growth,
    level,
    ratio,
    relative,
    share,
)
from experiments.inference.intervals.student import wilson
from simulator.errors import DataError

SHOPPERS = np.array([0, 0, 1, 2, 2, 2, 3, 4, 5, 6])
rates = st.integers(0, 2**32).map(
    lambda seed: np.random.default_rng(seed).random((2, 3, len(SHOPPERS)))
)


def draw(rng, seeds, shoppers, *, seed_sd=0.0, shopper_sd=0.0, noise_sd=1.0, gain=0.0):
    """Two schemes on the same requests: crossed effects on the difference and on both."""
    counts = rng.integers(1, 5, shoppers)
    shopper_B = np.repeat(np.arange(shoppers), counts)
    common = rng.normal(0, 3, (1, len(shopper_B))) + 20
    gap = gain + rng.normal(0, seed_sd, (seeds, 1))
    gap = gap + rng.normal(0, shopper_sd, shoppers)[shopper_B]
    gap = gap + rng.normal(0, noise_sd, (seeds, len(shopper_B)))
    base = common + rng.normal(0, 0.5, (seeds, 1))
    return base + gap, base, shopper_B


def test_one_request_a_shopper_and_no_interaction_is_the_textbook_two_way_layout():
    """z = row + column: no rest, so the variance is the sum of both variances of means."""
    row_S, column_U = np.array([1.0, 2.0, 6.0]), np.array([0.0, 4.0, 5.0, 3.0])
    values = row_S[:, None] + column_U
    found = level(values, np.arange(4), confidence=0.9)
    by_seed, by_shopper = np.var(row_S, ddof=1) / 3, np.var(column_U, ddof=1) / 4
    freedom = min((by_seed + by_shopper) ** 2 / (by_seed**2 / 2), 3)
    reach = stats.t(freedom).ppf(0.95) * np.sqrt(by_seed + by_shopper)
    assert found.interval.estimate == pytest.approx(6.0)
    assert (found.interval.low, found.interval.high) == (
        pytest.approx(6 - reach),
        pytest.approx(6 + reach),
    )
    assert (found.n, found.shoppers, found.seeds, found.p_value) == (4, 4, 3, None)


def test_seeds_that_agree_leave_the_one_sample_t_interval_of_the_shoppers():
    values = np.tile(np.arange(12.0), (3, 1))
    found = level(values, np.arange(12), confidence=0.95)
    known = stats.ttest_1samp(np.arange(12.0), 0.0).confidence_interval(0.95)
    assert (found.interval.low, found.interval.high) == (
        pytest.approx(known.low),
        pytest.approx(known.high),
    )


@settings(max_examples=30)
@given(rates)
def test_a_paired_difference_is_the_level_of_the_differences(pair):
    gap = difference(*pair, SHOPPERS, confidence=0.95)
    alone = level(pair[0] - pair[1], SHOPPERS, confidence=0.95)
    assert gap.interval == alone.interval
    assert (gap.p_value < 0.05) == (gap.interval.low > 0 or gap.interval.high < 0)


@settings(max_examples=30)
@given(rates)
def test_swapping_schemes_inverts_the_ratio_and_its_interval(pair):
    there = relative(*pair, SHOPPERS, confidence=0.95)
    back = relative(*pair[::-1], SHOPPERS, confidence=0.95)
    assert 1 + there.interval.estimate == pytest.approx(1 / (1 + back.interval.estimate))
    assert 1 + there.interval.low == pytest.approx(1 / (1 + back.interval.high))
    assert there.p_value == pytest.approx(back.p_value)


@settings(max_examples=30)
@given(rates, st.randoms(use_true_random=False))
def test_neither_the_order_of_requests_nor_the_names_of_shoppers_matter(pair, chance):
    order = list(range(len(SHOPPERS)))
    chance.shuffle(order)
    plain = relative(*pair, SHOPPERS, confidence=0.95)
    mixed = relative(*pair[:, :, order], 100 - SHOPPERS[order], confidence=0.95)
    assert plain.interval.low == pytest.approx(mixed.interval.low, rel=1e-9, abs=1e-12)
    assert plain.interval.high == pytest.approx(mixed.interval.high, rel=1e-9, abs=1e-12)


def test_repeating_a_shoppers_requests_adds_no_certainty():
    rng = np.random.default_rng(0)
    values, base, _ = draw(rng, 3, 40)
    values, base, shoppers = values[:, :40], base[:, :40], np.arange(40)
    once = difference(values, base, shoppers, confidence=0.95)
    thrice = difference(
        *(np.repeat(part, 3, axis=1) for part in (values, base)),
        np.repeat(shoppers, 3),
        confidence=0.95,
    )
    assert (thrice.interval.low, thrice.interval.high) == (
        pytest.approx(once.interval.low),
        pytest.approx(once.interval.high),
    )


def test_seeds_that_disagree_widen_the_interval_however_many_shoppers_there_are():
    rng = np.random.default_rng(1)
    calm = difference(*draw(rng, 3, 2000), confidence=0.95)
    wild = difference(*draw(rng, 3, 2000, seed_sd=2.0), confidence=0.95)
    assert wild.interval.high - wild.interval.low > 10 * (calm.interval.high - calm.interval.low)


def test_pairing_takes_away_what_requests_do_to_both():
    rng = np.random.default_rng(2)
    values, base, shoppers = draw(rng, 3, 400, noise_sd=0.3, gain=0.5)
    gap = difference(values, base, shoppers, confidence=0.95)
    one = level(values, shoppers, confidence=0.95)
    assert gap.interval.high - gap.interval.low < 0.5 * (one.interval.high - one.interval.low)
    assert gap.p_value < 0.001


def test_identical_schemes_differ_by_nothing_for_certain():
    values = np.random.default_rng(3).random((3, 10))
    gap = difference(values, values, SHOPPERS, confidence=0.95)
    assert (*gap.interval.numbers, gap.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert relative(values, values, SHOPPERS, confidence=0.95).interval.estimate == 0.0


@pytest.mark.parametrize("shape", [(1, 10), (3, 1)])
def test_one_seed_or_one_shopper_gives_a_number_without_an_interval(shape):
    values = np.random.default_rng(4).random(shape)
    found = difference(values, values / 2, np.zeros(shape[1], int), confidence=0.95)
    assert found.interval.estimate == pytest.approx(values.mean() / 2)
    assert (found.interval.low, found.interval.high, found.p_value) == (None, None, None)


def test_a_baseline_that_finds_nothing_has_no_ratio():
    values, nothing = np.ones((3, 10)), np.zeros((3, 10))
    assert relative(values, nothing, SHOPPERS, confidence=0.95).interval.estimate is None
    lost = relative(nothing, values, SHOPPERS, confidence=0.95)
    assert (lost.interval.estimate, lost.interval.low) == (-1.0, None)


def test_other_seeds_or_requests_are_not_a_pair():
    with pytest.raises(DataError, match=r"must be .* the same seeds and requests"):
        difference(np.ones((3, 10)), np.ones((2, 10)), SHOPPERS, confidence=0.95)
    with pytest.raises(DataError, match=r"must be \(seeds, 10 requests\)"):
        level(np.ones((3, 9)), SHOPPERS, confidence=0.95)
    with pytest.raises(DataError, match="not finite"):
        level(np.full((3, 10), np.nan), SHOPPERS, confidence=0.95)


def totals(rng, seeds, shoppers, *, seed_sd=0.0, gain=0.1, noise_sd=0.5):
    """Clicks and exposures of shoppers under a policy's seeds, and under a base that all share.

    Shoppers differ in taste and activity, and in what they make of the policy; on average over
    seeds and shoppers its ratio is 1 + gain times the base's.
    """
    active_U = rng.integers(5, 30, shoppers).astype(float)
    taste_U = rng.gamma(4.0, 0.05, shoppers)
    own_U = rng.normal(1.0, noise_sd, shoppers)
    luck_S1 = rng.normal(1 + gain, seed_sd, (seeds, 1))
    base_U = active_U * taste_U * rng.normal(1.0, 0.1, shoppers)
    noise_SU = rng.normal(0, 0.1, (seeds, shoppers))
    policy_SU = active_U * taste_U * (luck_S1 * own_U + noise_SU)
    return policy_SU, np.tile(active_U, (seeds, 1)), base_U[None], active_U[None]


def test_the_growth_of_a_ratio_with_denominators_of_1_is_the_relative_gain():
    values, base = np.random.default_rng(6).random((2, 3, 40))
    found = growth(values, np.ones((3, 40)), base, np.ones((1, 40)), confidence=0.9)
    wanted = relative(values, base, np.arange(40), confidence=0.9)
    assert found.interval.numbers == pytest.approx(wanted.interval.numbers)
    assert found.p_value == pytest.approx(wanted.p_value)


def test_a_ratio_with_denominators_of_1_is_the_level():
    values = np.random.default_rng(7).random((3, 40))
    found = ratio(values, np.ones((3, 40)), confidence=0.9)
    assert found == level(values, np.arange(40), confidence=0.9)


def test_a_ratio_of_one_seed_has_the_delta_methods_interval_over_shoppers():
    rng = np.random.default_rng(8)
    top, bottom = rng.random((1, 30)), rng.random((1, 30)) + 1
    found = ratio(top, bottom, confidence=0.95)
    share = top.sum() / bottom.sum()
    error = np.std((top - share * bottom)[0], ddof=1) / np.sqrt(30) / bottom.mean()
    assert found.interval.estimate == pytest.approx(share)
    assert found.interval.high - share == pytest.approx(stats.t(29).ppf(0.975) * error)


def test_the_growth_of_one_seed_has_an_interval_over_shoppers_alone():
    rng = np.random.default_rng(9)
    one = growth(*totals(rng, 1, 50), confidence=0.95)
    assert one.interval.low < one.interval.estimate < one.interval.high
    assert one.seeds == 1
    assert (
        growth(*(part[:, :1] for part in totals(rng, 1, 50)), confidence=0.95).interval.low is None
    )


def test_growth_there_and_back_is_the_inverse_and_scale_does_not_matter():
    top, bottom, base, base_by = totals(np.random.default_rng(10), 3, 50)
    base, base_by = np.repeat(base, 3, axis=0), np.repeat(base_by, 3, axis=0)
    there = growth(top, bottom, base, base_by, confidence=0.95)
    back = growth(base, base_by, top, bottom, confidence=0.95)
    assert 1 + there.interval.low == pytest.approx(1 / (1 + back.interval.high))
    scaled = growth(7 * top, bottom, 7 * base, base_by, confidence=0.95)
    assert (scaled.interval.low, scaled.interval.high) == (
        pytest.approx(there.interval.low),
        pytest.approx(there.interval.high),
    )


def test_equal_totals_grow_by_nothing_for_certain():
    top, bottom, _, _ = totals(np.random.default_rng(11), 1, 50)
    same = growth(np.repeat(top, 3, 0), np.repeat(bottom, 3, 0), top, bottom, confidence=0.95)
    assert (*same.interval.numbers, same.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_sums_of_nothing_have_no_ratio():
    ones, none = np.ones((2, 3)), np.zeros((2, 3))
    assert ratio(ones, none, confidence=0.95).interval.estimate is None
    assert growth(ones, none, ones, ones, confidence=0.95).interval.estimate is None
    assert growth(ones, ones, none, ones, confidence=0.95).interval.estimate is None
    lost = growth(none, ones, ones, ones, confidence=0.95)
    assert (lost.interval.estimate, lost.interval.low, lost.p_value) == (-1.0, None, None)


def test_totals_of_other_shoppers_are_refused():
    with pytest.raises(DataError, match="must be"):
        growth(np.ones((3, 9)), np.ones((3, 9)), np.ones((1, 8)), np.ones((1, 9)), confidence=0.95)
    with pytest.raises(DataError, match="must be"):
        growth(np.ones((3, 9)), np.ones((3, 9)), np.ones((2, 9)), np.ones((1, 9)), confidence=0.95)
    with pytest.raises(DataError, match="not finite"):
        ratio(np.full((3, 9), np.inf), np.ones((3, 9)), confidence=0.95)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed_sd", "shopper_sd"), [(0.0, 0.0), (0.3, 0.0), (0.0, 1.0), (0.2, 1.0)]
)
@pytest.mark.parametrize(("seeds", "short"), [(3, 0.02), (5, 0.01)])
def test_intervals_cover_at_about_their_level(seeds, short, seed_sd, shopper_sd):
    """Three seeds leave two degrees of freedom to guess the seeds' variance, hence `short`.

    A variance that is not there is estimated as no less than none, hence a little too much.
    """
    worlds, covered, covered_ratio = 1500, 0, 0
    rng = np.random.default_rng(int(10 * seed_sd + 100 * shopper_sd) + seeds)
    for _ in range(worlds):
        values, base, shoppers = draw(
            rng, seeds, 60, seed_sd=seed_sd, shopper_sd=shopper_sd, gain=0.4
        )
        gap = difference(values, base, shoppers, confidence=0.95)
        covered += gap.interval.low <= 0.4 <= gap.interval.high
        ratio = relative(values, base, shoppers, confidence=0.95)
        covered_ratio += ratio.interval.low <= 0.4 / 20 <= ratio.interval.high
    slack = 3 * np.sqrt(0.95 * 0.05 / worlds)
    for held in (covered / worlds, covered_ratio / worlds):
        assert 0.95 - short - slack <= held <= 0.975 + slack


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "short"), [(1, 0.01), (3, 0.02), (5, 0.01)])
@pytest.mark.parametrize("seed_sd", [0.0, 0.05])
def test_intervals_of_growth_cover_at_about_their_level(seeds, short, seed_sd):
    """With one seed the interval promises nothing of the luck of training, so it is given none."""
    worlds, covered = 1500, 0
    rng = np.random.default_rng(int(100 * seed_sd) + seeds)
    for _ in range(worlds):
        sd = seed_sd if seeds > 1 else 0.0
        found = growth(*totals(rng, seeds, 120, seed_sd=sd), confidence=0.95)
        covered += found.interval.low <= 0.1 <= found.interval.high
    slack = 3 * np.sqrt(0.95 * 0.05 / worlds)
    assert 0.95 - short - slack <= covered / worlds <= 0.975 + slack


@given(st.floats(1e-6, 1 - 1e-6), st.floats(1e-6, 2.0), st.integers(1, 1_000))
def test_the_interval_of_a_share_holds_it_and_stays_within_0_and_1_by_itself(size, error, freedom):
    low, high = wilson(size, error, freedom, confidence=0.95)
    assert 0 <= low < size < high <= 1


def test_the_interval_of_a_share_is_wilsons_on_the_effective_count():
    low, high = wilson(0.02, math.sqrt(0.02 * 0.98 / 150), np.inf, confidence=0.95)
    assert (low, high) == pytest.approx(proportion_confint(3, 150, method="wilson"))


def test_intervals_of_a_small_share_hold_it_as_often_as_they_say():
    """Shoppers with several events each; Student's interval, cut at 0 or not, holds it in 83 %."""
    rng, times, hits = np.random.default_rng(7), 1_000, 0
    for _ in range(times):
        all_U = rng.integers(1, 4, 80).astype(float)
        held_U = rng.binomial(all_U.astype(int), 0.02).astype(float)
        hits += bool(share(held_U[None], all_U[None], confidence=0.95).interval.holds(0.02))
    assert hits / times > 0.90
