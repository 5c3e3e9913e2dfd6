"""Tests of few groups of unlike size: exact, and one answer on both scales."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from scipy import stats

from experiments.inference.randomised.permutation import (
    DRAWS,
    PermutationTest,
    permutation_tests,
    rearranged,
)

LEVEL = 0.95


@dataclass(frozen=True)
class Groups:
    """Groups of which a few are most, as clusters of queries are."""

    top_G: Any
    under_G: Any

    @classmethod
    def drawn(cls, count: int, seed: int, spread: float = 1.5) -> "Groups":
        rng = np.random.default_rng(seed)
        under_G = np.ceil(rng.lognormal(2.0, spread, count))
        rate_G = rng.gamma(2.0, 0.1, count)
        return cls(rng.poisson(under_G * rate_G).astype(float), under_G)

    def split(self, seed: int, treated: int | None = None) -> Any:
        rng = np.random.default_rng([seed, 1])
        chosen = rng.permutation(len(self.top_G))[: treated or len(self.top_G) // 2]
        return np.isin(np.arange(len(self.top_G)), chosen)

    def tested(self, treated_G: Any, *, relative: bool = True) -> PermutationTest:
        sums = [(self.top_G, self.under_G)]
        (test,) = permutation_tests(sums, treated_G, confidence=LEVEL, relative=relative)
        assert test is not None
        return test


def statistic(top_G: Any, under_G: Any, treated_G: Any) -> float:
    """T, written down from its formula."""
    levels, variance = [], 0.0
    for arm_G in (~treated_G, treated_G):
        y, n, groups = top_G[arm_G], under_G[arm_G], arm_G.sum()
        levels.append(y.sum() / n.sum())
        variance += groups / (groups - 1) * ((y - levels[-1] * n) ** 2).sum() / n.sum() ** 2
    return float((levels[1] - levels[0]) / np.sqrt(variance))


@pytest.mark.parametrize("seed", range(4))
def test_the_p_value_is_that_of_all_ways_to_give_arms(seed: int) -> None:
    """By enumeration: 924 ways to treat 6 of 12 groups."""
    groups = Groups.drawn(12, seed)
    treated_G = groups.split(seed)
    ways = [np.isin(np.arange(12), chosen) for chosen in combinations(range(12), 6)]
    sizes = np.abs([statistic(groups.top_G, groups.under_G, way) for way in ways])
    seen = abs(statistic(groups.top_G, groups.under_G, treated_G))
    exact = float(np.mean(sizes >= seen * (1 - 1e-9)))
    error = np.sqrt(exact * (1 - exact) / DRAWS) + 1 / DRAWS
    assert groups.tested(treated_G).p_value == pytest.approx(exact, abs=4 * error)


def test_every_way_to_give_arms_is_as_likely() -> None:
    drawn_RG = rearranged(
        np.array([True, True, False, False, False]), 50_000, np.random.default_rng(0)
    )
    assert (drawn_RG.sum(axis=1) == 2).all()
    _, counts = np.unique(drawn_RG @ 2.0 ** np.arange(5), return_counts=True)
    assert len(counts) == 10
    assert stats.chisquare(counts).pvalue > 1e-3


def test_without_an_effect_one_in_twenty_tests_is_wrong_however_unlike_the_groups_are() -> None:
    """Student's law calls something in 12 % or so of the same tests."""
    groups, tests = Groups.drawn(30, 3, spread=2.0), 1_000
    wrong, by_student = 0, 0
    for seed in range(tests):
        treated_G = groups.split(seed)
        test = groups.tested(treated_G, relative=False)
        wrong += test.p_value < 1 - LEVEL
        assert test.effect.holds(0.0) == (test.p_value >= round(1 - LEVEL, 12))
        size = abs(statistic(groups.top_G, groups.under_G, treated_G))
        by_student += 2 * stats.t.sf(size, 28) < 1 - LEVEL
    low, high = stats.binom.interval(0.99, tests, 1 - LEVEL)
    assert low <= wrong <= high
    assert by_student > high


def test_an_interval_holds_an_effect_that_all_groups_share_as_often_as_it_says() -> None:
    groups, tests, more = Groups.drawn(30, 5, spread=2.0), 400, 0.4
    held = 0
    for seed in range(tests):
        treated_G = groups.split(seed)
        moved = Groups(groups.top_G + more * groups.under_G * treated_G, groups.under_G)
        held += bool(moved.tested(treated_G, relative=False).effect.holds(more))
    low, high = stats.binom.interval(0.99, tests, LEVEL)
    assert low <= held <= high


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(8, 60), treated=st.integers(3, 5))
def test_both_scales_and_the_p_value_agree_on_no_effect(
    seed: int, count: int, treated: int
) -> None:
    groups = Groups.drawn(count, seed)
    assume((groups.top_G > 0).sum() > 1)
    test = groups.tested(groups.split(seed, treated))
    told = test.p_value >= round(1 - LEVEL, 12)
    for interval in (test.effect, test.relative):
        assert interval.holds(0.0) in (told, None)
        if interval.ends is not None and interval.estimate is not None:
            assert interval.holds(interval.estimate)


def test_the_interval_moves_with_what_is_added_and_grows_with_what_multiplies() -> None:
    groups = Groups.drawn(40, 1)
    treated_G = groups.split(1)
    plain = groups.tested(treated_G)
    added = Groups(groups.top_G + 2.0 * groups.under_G * treated_G, groups.under_G)
    ends = np.array(plain.effect.numbers, float) + 2.0
    assert added.tested(treated_G).effect.numbers == pytest.approx(ends, abs=2e-3)
    twice = Groups(groups.top_G * np.where(treated_G, 2.0, 1.0), groups.under_G)
    ends = 2.0 * (np.array(plain.relative.numbers, float) + 1) - 1
    assert twice.tested(treated_G).relative.numbers == pytest.approx(ends, rel=1e-2)


def test_with_many_like_groups_it_is_students() -> None:
    rng = np.random.default_rng(2)
    groups = Groups(rng.gamma(2.0, 1.0, 3_000), np.ones(3_000))
    treated_G = groups.split(4)
    test, student = (
        groups.tested(treated_G),
        stats.ttest_ind(groups.top_G[treated_G], groups.top_G[~treated_G], equal_var=False),
    )
    error = np.sqrt(student.pvalue * (1 - student.pvalue) / DRAWS)
    assert test.p_value == pytest.approx(student.pvalue, abs=4 * error)
    low, high = test.effect.ends or (0.0, 0.0)
    theirs = student.confidence_interval(LEVEL)
    half = (theirs.high - theirs.low) / 2
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.1 * half)


def test_the_same_experiment_has_the_same_answer_whatever_else_is_asked() -> None:
    groups, other = Groups.drawn(25, 7), Groups.drawn(25, 8)
    treated_G = groups.split(2)
    sums = [(each.top_G, each.under_G) for each in (other, groups)]
    assert permutation_tests(sums, treated_G, confidence=LEVEL)[1] == groups.tested(treated_G)


def test_too_few_groups_have_a_p_value_and_no_interval() -> None:
    """6 ways to treat 2 of 4: no p-value is below a sixth."""
    groups = Groups(np.array([1.0, 2.0, 30.0, 50.0]), np.array([10.0, 11.0, 12.0, 20.0]))
    test = groups.tested(np.array([False, False, True, True]))
    assert test.effect.estimate is not None
    assert test.effect.ends is None
    assert test.p_value == pytest.approx(1 / 3, abs=0.05)


def test_groups_that_do_not_vary_have_no_test() -> None:
    under_G = np.array([1.0, 4.0, 2.0, 3.0, 5.0])
    (test,) = permutation_tests(
        [(under_G * 0.3, under_G)], np.array([True, True, False, False, False]), confidence=LEVEL
    )
    assert test is None
