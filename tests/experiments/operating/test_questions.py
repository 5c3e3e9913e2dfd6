"""What is asked of tests becomes rows, and luck that tests share widens what they are held to."""

import math

import numpy as np
import pytest
from scipy import stats

from experiments.operating.questions import (
    Asked,
    Target,
    estimand,
    with_effect,
    without_effect,
)
from experiments.operating.repeated import Repeated
from experiments.records.experiment.operating import Characteristic
from experiments.records.interval import UNKNOWN, Interval
from tests.experiments.operating.repeatedtests import normal_tests

ASKED = Asked("shopper", "gmv", "shoppers", "redraws", 0.95)
TRUTH = Interval(2.0, 1.8, 2.2)


def by_question(rows: list[Characteristic]) -> dict[str, Characteristic]:
    return {row.question: row for row in rows}


def test_an_a_a_is_asked_for_false_positives_and_for_the_law_of_p_values() -> None:
    rows = by_question(without_effect(ASKED, normal_tests(0.0, 1.0, 500, seed=1)))
    assert set(rows) == {"false_positive_rate", "uniformity"}
    assert rows["false_positive_rate"].wanted == pytest.approx(0.05)
    assert rows["uniformity"].wanted == 0
    assert {row.setting for row in rows.values()} == {"aa"}
    assert {row.repetitions for row in rows.values()} == {500}


def test_without_luck_in_common_the_tests_answer_for_themselves() -> None:
    made = normal_tests(2.0, 1.0, 4_000, seed=2)
    rows = by_question(with_effect(ASKED, made, Target(TRUTH, 0.0, moved=False)))
    assert rows["power"].value.holds(stats.norm.sf(1.96 - 2) + stats.norm.cdf(-1.96 - 2))
    assert rows["power"].value.estimate == pytest.approx(made.significant_R.mean())
    assert rows["type_m"].value.estimate == pytest.approx(
        np.abs(made.effect_R[made.significant_R]).mean() / 2
    )
    assert rows["coverage_global"].value.holds(0.95)
    assert rows["type_s"].repetitions == rows["type_m"].repetitions == made.significant_R.sum()


def test_tests_that_share_luck_are_moved_to_the_true_effect_for_power_alone() -> None:
    """All of them see 3.0, for the luck of their pair of worlds; the truth is 2.0."""
    made = normal_tests(3.0, 1.0, 4_000, seed=3)
    sure = by_question(with_effect(ASKED, made, Target(TRUTH, 0.0, moved=True)))
    lucky = by_question(with_effect(ASKED, made, Target(TRUTH, 2.5, moved=True)))
    assert sure["power"].value == lucky["power"].value
    assert sure["power"].value.holds(0.516)
    assert sure["coverage_global"].value.high < 0.93  # type: ignore[operator]
    assert lucky["coverage_global"].value.holds(0.95)
    assert lucky["coverage_global"].value.estimate == sure["coverage_global"].value.estimate
    assert lucky["coverage_naive"].value.holds(0.95)


def test_errors_of_the_truth_and_of_luck_add_as_independent_ones_do() -> None:
    target = Target(TRUTH, 0.3, moved=True)
    half = math.hypot(0.2, 0.3)
    assert target.of_coverage.numbers == pytest.approx((2.0, 2 - half, 2 + half))
    assert Target(TRUTH, None, moved=True).of_coverage == TRUTH.alone


def test_without_a_truth_coverage_of_it_and_errors_are_unknown_and_the_rest_is_told() -> None:
    made = normal_tests(2.0, 1.0, 500, seed=4)
    rows = by_question(with_effect(ASKED, made, Target(UNKNOWN, 0.0, moved=False)))
    for question in ("coverage_global", "type_s", "type_m"):
        assert rows[question].value == UNKNOWN
    assert rows["coverage_naive"].value.holds(0.95)
    assert rows["power"].value.estimate is not None
    moved = by_question(with_effect(ASKED, made, Target(UNKNOWN, 0.0, moved=True)))
    assert moved["power"].value == UNKNOWN


def test_without_any_test_every_answer_is_unknown() -> None:
    none = Repeated(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0), 5)
    for moved in (True, False):
        rows = with_effect(ASKED, none, Target(TRUTH, 0.0, moved=moved))
        assert {row.value for row in rows} == {UNKNOWN}
        assert estimand(ASKED, none, Target(TRUTH, 0.0, moved=moved)).bias == UNKNOWN


def test_a_bias_has_the_error_of_the_truth_of_luck_and_of_the_repetitions() -> None:
    made = normal_tests(2.5, 1.0, 400, seed=5)
    found = estimand(ASKED, made, Target(TRUTH, 0.3, moved=True))
    assert found.truth == TRUTH
    assert found.naive.estimate == pytest.approx(made.mean)
    assert found.spread == pytest.approx(float(made.effect_R.std(ddof=1)))
    own = stats.t.ppf(0.975, 399) * found.spread / 20  # type: ignore[operator]
    half = math.sqrt(0.2**2 + 0.3**2 + own**2)
    gap = made.mean - 2.0
    assert found.bias.numbers == pytest.approx((gap, gap - half, gap + half))


def test_an_uneven_interval_of_the_truth_is_turned_around_in_the_bias() -> None:
    made = normal_tests(0.0, 1e-9, 50, seed=6)
    found = estimand(ASKED, made, Target(Interval(0.0, -1.0, 3.0), 0.0, moved=False))
    assert found.bias.numbers == pytest.approx((0.0, -3.0, 1.0), abs=1e-6)


def test_a_histogram_counts_every_p_value_once() -> None:
    made = normal_tests(0.0, 1.0, 777, seed=7)
    found = ASKED.histogram("aa", made)
    assert sum(found.counts) == 777
    assert len(found.counts) == 20
    assert found.counts[0] == int((made.p_R < 0.05).sum())
