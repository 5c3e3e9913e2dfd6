"""From an interval and a range to a verdict, and the intervals of shares and medians."""

import numpy as np
import pytest

from experiments.records.interval import UNKNOWN, Interval
from experiments.records.validity import Check, Verdict
from experiments.validate.verdicts import (
    Wanted,
    in_range,
    median_of,
    one_family,
    ratio_of,
    share_of,
)

RANGE = Wanted(1.0, 2.0, "somebody")
WEAK = Wanted(1.0, 2.0, "nobody", weak=True)


@pytest.mark.parametrize(
    ("ends", "verdict", "of_a_weak_range"),
    [
        ((1.2, 1.8), Verdict.PASS, Verdict.PASS),
        ((1.0, 2.0), Verdict.PASS, Verdict.PASS),
        ((0.9, 1.5), Verdict.WARN, Verdict.WARN),
        ((1.5, 2.5), Verdict.WARN, Verdict.WARN),
        ((0.5, 2.5), Verdict.WARN, Verdict.WARN),
        ((0.2, 0.9), Verdict.FAIL, Verdict.WARN),
        ((2.1, 2.2), Verdict.FAIL, Verdict.WARN),
    ],
)
def test_a_verdict_follows_from_where_the_interval_lies(ends, verdict, of_a_weak_range):
    found = Interval(sum(ends) / 2, *ends)
    assert in_range(found, RANGE) is verdict
    assert in_range(found, WEAK) is of_a_weak_range


def test_what_has_no_number_cannot_be_told():
    assert in_range(UNKNOWN, RANGE) is Verdict.UNTOLD


def test_a_range_may_be_open():
    assert in_range(Interval(5.0, 4.0, 6.0), Wanted(1.0, None, "")) is Verdict.PASS
    assert in_range(Interval(0.5, 0.4, 0.6), Wanted(1.0, None, "")) is Verdict.FAIL
    assert in_range(Interval(5.0, 4.0, 6.0), Wanted(None, 1.0, "")) is Verdict.FAIL


def test_a_share_of_nothing_has_the_interval_of_as_many_shoppers():
    found = share_of(np.zeros(100), np.ones(100), 0.95)
    assert (found.estimate, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 100))
    whole = share_of(np.ones(100), np.ones(100), 0.95)
    assert whole.low == pytest.approx(0.025 ** (1 / 100))
    assert share_of(np.zeros(0), np.zeros(0), 0.95) == UNKNOWN
    assert ratio_of(np.zeros(0), np.zeros(0), 0.95) == UNKNOWN


def _counts(value_XU: np.ndarray):
    return lambda number: (value_XU <= number).sum(axis=0)


def test_the_median_is_that_of_all_events():
    value_XU = np.random.default_rng(1).poisson(3.0, (4, 501))
    found = median_of(_counts(value_XU), np.full(501, 4.0), int(value_XU.max()), 0.95)
    assert found.estimate == np.median(value_XU)
    assert found.low <= found.estimate <= found.high


def test_the_interval_of_a_median_holds_it_as_often_as_it_says():
    """Any number from 3 to 4 is the median; three equal events of each of 80 shoppers."""
    rng, held = np.random.default_rng(2), 0
    for _ in range(200):
        own_U = rng.choice([1, 2, 3, 4, 5, 6], 80)
        value_XU = np.broadcast_to(own_U, (3, 80))
        found = median_of(_counts(value_XU), np.full(80, 3.0), 6, 0.9)
        held += found.low <= 3 <= found.high or found.low <= 4 <= found.high
    assert held >= 0.85 * 200


def _test(p_value):
    return Check("controls", "experiment", "x", "test", UNKNOWN, Verdict.UNTOLD, 1, p_value=p_value)


def test_tests_are_corrected_for_their_number_and_judged():
    rows = one_family([_test(0.0001), _test(0.01), _test(0.03), _test(None), _test(0.9)])
    assert [row.p_holm for row in rows] == pytest.approx([0.0004, 0.03, 0.06, None, 0.9])
    assert [row.verdict.value for row in rows] == ["fail", "warn", "pass", "untold", "pass"]
