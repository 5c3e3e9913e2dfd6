"""Verdicts follow from the promised value, the interval, and how many were asked."""

from dataclasses import replace

import pytest

from experiments.operating.questions import Asked
from experiments.operating.rates import Answer, coverage, false_positives, rate, uniformity
from experiments.operating.verdicts import judged
from experiments.records.experiment.operating import Characteristic, Verdict
from experiments.records.interval import Interval
from tests.experiments.operating.repeatedtests import normal_tests

ASKED = Asked("shopper", "gmv", "shoppers", "redraws", 0.95)


def wrong(hits: int, n: int, asked: Asked = ASKED) -> Characteristic:
    """A rate of false positives."""
    from scipy.stats import binomtest

    tail = float(binomtest(hits, n, 0.05).pvalue)
    return asked.row("aa", "false_positive_rate", Answer(rate(hits, n), n, tail), 0.05)


def held(hits: int, n: int) -> Characteristic:
    from scipy.stats import binomtest

    tail = float(binomtest(hits, n, 0.95).pvalue)
    return ASKED.row("ab", "coverage_naive", Answer(rate(hits, n), n, tail), 0.95)


def verdict(row: Characteristic) -> Verdict | None:
    (found,) = judged([row])
    return found.verdict


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        (wrong(52, 1_000), Verdict.HOLDS),
        (wrong(90, 1_000), Verdict.FAILS),
        (wrong(20, 1_000), Verdict.FAILS),  # too few are a broken promise, too
        (wrong(1, 20), Verdict.UNTOLD),  # up to a third may be wrong
        (wrong(8, 200), Verdict.HOLDS),
        (wrong(15, 200), Verdict.UNTOLD),  # one in ten may be wrong
        (wrong(5_500, 100_000), Verdict.HOLDS),  # beyond chance, and as good as promised
        (wrong(6_500, 100_000), Verdict.FAILS),
        (held(950, 1_000), Verdict.HOLDS),
        (held(900, 1_000), Verdict.FAILS),
        (held(19, 20), Verdict.UNTOLD),
        (held(93_600, 100_000), Verdict.HOLDS),
    ],
)
def test_a_rate_is_judged_by_its_interval(row: Characteristic, wanted: Verdict) -> None:
    assert verdict(row) is wanted


def test_one_of_many_that_strays_by_chance_breaks_no_promise() -> None:
    """7.2 % of 1,000 is beyond the 99 % interval by itself, and to be expected among sixty."""
    stray = wrong(72, 1_000)
    assert verdict(stray) is Verdict.FAILS
    first, *_ = judged([stray, *[wrong(50, 1_000)] * 59])
    assert first.verdict is Verdict.UNTOLD
    assert first.p_holm == pytest.approx(60 * (stray.p_value or 0.0))


def test_questions_are_corrected_each_by_itself() -> None:
    rows = judged([wrong(72, 1_000), *[held(950, 1_000)] * 59])
    assert rows[0].p_holm == rows[0].p_value


def test_what_is_known_to_be_wrong_is_no_part_of_the_family() -> None:
    fault = wrong(300, 1_000, replace(ASKED, unit="exposures", known_fault=True))
    rows = judged([fault, wrong(52, 1_000)])
    assert rows[0].verdict is Verdict.FAILS
    assert rows[0].p_holm == rows[0].p_value
    assert rows[1].p_holm == rows[1].p_value


@pytest.mark.parametrize(
    ("count", "believed", "wanted"),
    [
        (2_000, 1.0, Verdict.HOLDS),
        (60, 1.0, Verdict.UNTOLD),
        (2_000, 0.8, Verdict.FAILS),
    ],
)
def test_p_values_are_judged_by_their_distance(
    count: int, believed: float, wanted: Verdict
) -> None:
    made = normal_tests(0.0, 1.0, count, seed=1, believed=believed)
    assert verdict(ASKED.row("aa", "uniformity", uniformity(made), 0.0)) is wanted


def test_an_unsure_truth_leaves_a_coverage_open_and_a_sure_one_refutes_it() -> None:
    made = normal_tests(0.0, 1.0, 1_000, seed=2)

    def of(target: Interval) -> Verdict | None:
        return verdict(ASKED.row("ab", "coverage_global", coverage(made, target, 0.95), 0.95))

    assert of(Interval(0.0, -0.05, 0.05)) is Verdict.HOLDS
    assert of(Interval(1.0, -1.0, 3.0)) is Verdict.UNTOLD
    assert of(Interval(1.0, 0.9, 1.1)) is Verdict.FAILS
    assert of(Interval(0.0, None, None)) is Verdict.UNTOLD


def test_what_promises_nothing_is_not_judged() -> None:
    assert verdict(ASKED.row("ab", "power", Answer(rate(3, 10), 10))) is None


def test_the_levels_of_another_confidence_are_its_own() -> None:
    made = normal_tests(0.0, 1.0, 2_000, seed=3)
    row = ASKED.row("aa", "false_positive_rate", false_positives(made, 0.2), 0.2)
    assert verdict(row) is Verdict.HOLDS
