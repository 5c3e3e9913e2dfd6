"""Answers agree with closed forms and brute force, and so do their Monte Carlo intervals."""

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st
from scipy import stats

from experiments.operating.rates import (
    MONTE_CARLO,
    coverage,
    exaggeration,
    false_positives,
    mean_effect,
    over,
    power,
    rate,
    uniformity,
    wrong_signs,
)
from experiments.operating.repeated import Repeated
from experiments.records.interval import UNKNOWN, Interval
from tests.experiments.operating.repeatedtests import normal_tests

REACH = stats.norm.ppf(0.975)


def test_the_rate_of_false_positives_has_the_exact_binomial_interval() -> None:
    made = normal_tests(0.0, 1.0, 1_000, seed=1)
    found = false_positives(made, 0.05)
    hits = int((made.p_R < 0.05).sum())
    peer = stats.binomtest(hits, 1_000, 0.05)
    ends = peer.proportion_ci(MONTE_CARLO, method="exact")
    assert found.value.estimate == hits / 1_000
    assert found.value.ends == pytest.approx((ends.low, ends.high), rel=1e-10)
    assert found.p_value == pytest.approx(peer.pvalue, rel=1e-12)


def test_a_test_that_believes_in_too_small_an_error_is_found_out_by_both_questions() -> None:
    sound, unsound = (normal_tests(0.0, 1.0, 1_000, seed=2, believed=b) for b in (1.0, 0.8))
    for question in (lambda made: false_positives(made, 0.05), uniformity):
        good, bad = question(sound).p_value, question(unsound).p_value
        assert good is not None
        assert good > 0.01
        assert bad is not None
        assert bad < 1e-3


def test_the_distance_of_p_values_is_kolmogorovs_with_massarts_band() -> None:
    made = normal_tests(0.0, 1.0, 400, seed=3)
    found = uniformity(made)
    sorted_R = np.sort(made.p_R)
    ranks = np.arange(1, 401) / 400
    by_hand = max((ranks - sorted_R).max(), (sorted_R - ranks + 1 / 400).max())
    assert found.value.estimate == pytest.approx(by_hand, rel=1e-12)
    band = np.sqrt(np.log(2 / 0.01) / 800)
    assert found.value.ends == pytest.approx((max(0.0, by_hand - band), by_hand + band))


def test_the_band_holds_the_law_as_often_as_it_promises() -> None:
    """The distance between two uniform laws is 0, which a band at 99 % must reach."""
    reached = [
        (uniformity(normal_tests(0.0, 1.0, 60, seed=seed)).value.low or 0.0) == 0.0
        for seed in range(150)
    ]
    assert np.mean(reached) > 0.97


def test_coverage_at_a_known_number_is_a_binomial_rate() -> None:
    made = normal_tests(3.0, 1.0, 1_000, seed=4)
    found = coverage(made, Interval(3.0, 3.0, 3.0), 0.95)
    held = int(((made.low_R <= 3) & (made.high_R >= 3)).sum())
    assert found.value == rate(held, 1_000)
    assert found.p_value == pytest.approx(stats.binomtest(held, 1_000, 0.95).pvalue)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 6)), min_size=1, max_size=12),
    st.tuples(st.integers(-6, 6), st.integers(0, 5)),
)
@example([(0, 0), (1, 0)], (0, 1))  # between the two there is neither
def test_the_ends_of_a_coverage_are_the_extremes_over_all_that_the_number_may_be(
    intervals: list[tuple[int, int]], number: tuple[int, int]
) -> None:
    low_R = np.array([low for low, _ in intervals], float)
    high_R = low_R + np.array([width for _, width in intervals], float)
    made = Repeated((low_R + high_R) / 2, low_R, high_R, np.ones(len(low_R)), len(low_R))
    low, high = float(number[0]), float(number[0] + number[1])
    grid = np.arange(low, high + 0.1, 0.25)  # ends are whole numbers: nothing changes between
    counts = ((low_R[:, None] <= grid) & (grid <= high_R[:, None])).sum(axis=0)
    found = coverage(made, Interval((low + high) / 2, low, high), 0.95)
    assert found.value.low == rate(int(counts.min()), len(low_R)).low
    assert found.value.high == rate(int(counts.max()), len(low_R)).high


def test_a_promise_that_some_value_of_the_number_keeps_is_not_refuted() -> None:
    made = normal_tests(0.0, 1.0, 1_000, seed=5)
    wide = coverage(made, Interval(2.0, -0.1, 4.1), 0.95)
    narrow = coverage(made, Interval(2.0, 1.9, 2.1), 0.95)
    assert wide.p_value == 1.0
    assert narrow.p_value is not None
    assert narrow.p_value < 1e-10
    alone = coverage(made, Interval(0.0, None, None), 0.95)
    assert alone.value.ends is None
    assert alone.p_value is None
    assert coverage(made, UNKNOWN, 0.95).value == UNKNOWN


@pytest.mark.parametrize("effect", [0.5, 2.0])
def test_power_and_errors_of_sign_and_size_agree_with_closed_forms(effect: float) -> None:
    """Of a normal estimate with error 1 (Lu, Qiu and Deng, British Journal of Mathematical and
    Statistical Psychology 72, 2019, 1-17)."""
    made = normal_tests(effect, 1.0, 40_000, seed=6)
    above, below = stats.norm.sf(REACH - effect), stats.norm.cdf(-REACH - effect)
    found, sign, size = power(made), wrong_signs(made, effect), exaggeration(made, effect)
    assert found.holds(above + below)
    assert sign.holds(below / (above + below))
    tail = effect * above + stats.norm.pdf(REACH - effect)
    other = -effect * below + stats.norm.pdf(REACH + effect)
    assert size.holds((tail + other) / (above + below) / effect)


def test_with_hardly_any_power_what_is_found_is_many_times_too_large() -> None:
    """An effect of 0.1 with an error of 3.28, by the same closed forms."""
    made, at = normal_tests(0.1, 3.28, 100_000, seed=7), 0.1 / 3.28
    above, below = stats.norm.sf(REACH - at), stats.norm.cdf(-REACH - at)
    assert power(made).holds(above + below)
    assert wrong_signs(made, 0.1).holds(below / (above + below))
    assert below / (above + below) == pytest.approx(0.46, abs=0.005)
    assert exaggeration(made, 0.1).estimate == pytest.approx(77, rel=0.02)


def test_an_answer_over_an_unsure_number_reaches_as_far_as_its_ends() -> None:
    made = normal_tests(2.0, 1.0, 2_000, seed=8)
    found = over(Interval(2.0, 1.0, 3.0), lambda at: power(made.at(at)), zero=True)
    assert found.estimate == power(made.at(2.0)).estimate
    assert found.low == power(made.at(1.0)).low
    assert found.high == power(made.at(3.0)).high
    holding = over(Interval(0.5, -1.0, 2.0), lambda at: power(made.at(at)), zero=True)
    assert holding.low == power(made.at(0.0)).low


def test_of_an_effect_whose_sign_is_open_no_interval_is_given() -> None:
    made = normal_tests(0.5, 1.0, 2_000, seed=9)

    def told(at: float) -> Interval:
        return wrong_signs(made, at)

    assert over(Interval(0.5, -0.1, 1.1), told, zero=False) == told(0.5).alone
    assert over(Interval(0.0, -0.1, 0.1), told, zero=False) == UNKNOWN
    assert over(UNKNOWN, told, zero=False) == UNKNOWN


def test_without_any_test_nothing_is_known() -> None:
    none = Repeated(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0), 5)
    assert false_positives(none, 0.05).value == uniformity(none).value == UNKNOWN
    assert mean_effect(none) == power(none) == wrong_signs(none, 1.0) == UNKNOWN
    assert exaggeration(none, 1.0) == coverage(none, Interval(1.0, 0.0, 2.0), 0.95).value == UNKNOWN


def test_the_mean_of_estimates_has_students_interval() -> None:
    made = normal_tests(1.0, 2.0, 30, seed=10)
    peer = stats.ttest_1samp(made.effect_R, 0.0).confidence_interval(MONTE_CARLO)
    assert mean_effect(made).ends == pytest.approx((peer.low, peer.high), rel=1e-10)
