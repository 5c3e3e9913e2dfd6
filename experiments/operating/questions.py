"""What is asked of many tests, and the answers as rows of the record."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from experiments.inference.intervals.student import reach
from experiments.operating.rates import (
    Answer,
    coverage,
    exaggeration,
    false_positives,
    mean_effect,
    over,
    power,
    uniformity,
    wrong_signs,
)
from experiments.operating.repeated import Repeated
from experiments.records.experiment.operating import (
    By,
    Characteristic,
    Estimand,
    PValues,
    Question,
    Setting,
)
from experiments.records.interval import UNKNOWN, Interval, Number

BINS = 20
"""Of a histogram of p-values."""


@dataclass(frozen=True)
class Asked:
    """Which test is asked.

    Attributes:
        design, metric, unit, by, known_fault: as the record's rows have them.
        confidence: level of its intervals.
    """

    design: str
    metric: str
    unit: str
    by: By
    confidence: float
    known_fault: bool = False

    def row(
        self, setting: Setting, question: Question, answer: Answer, wanted: Number = None
    ) -> Characteristic:
        """An answer, not yet judged."""
        return Characteristic(
            design=self.design,
            metric=self.metric,
            unit=self.unit,
            setting=setting,
            by=self.by,
            question=question,
            value=answer.value,
            wanted=wanted,
            p_value=answer.p_value,
            p_holm=None,
            verdict=None,
            repetitions=answer.repetitions,
            known_fault=self.known_fault,
        )

    def histogram(self, setting: Setting, tests: Repeated) -> PValues:
        """The p-values of tests."""
        counts, _ = np.histogram(tests.p_R, BINS, (0.0, 1.0))
        told = tuple(int(count) for count in counts)
        return PValues(self.design, self.metric, self.unit, setting, self.by, told)


def without_effect(asked: Asked, tests: Repeated) -> list[Characteristic]:
    """What is asked where both arms are control: false positives and the law of p-values."""
    level = 1 - asked.confidence
    return [
        asked.row("aa", "false_positive_rate", false_positives(tests, level), level),
        asked.row("aa", "uniformity", uniformity(tests), 0.0),
    ]


@dataclass(frozen=True)
class Target:
    """The effect that tests should find.

    Attributes:
        truth: the global effect; unknown where there are no paired worlds.
        luck: half of the interval of what the tests' own pair of worlds would show by its luck,
            at the same level; 0 where each test has luck of its own; None: not known.
        moved: whether the tests are moved to the true effect to tell of power and of type S and M
            errors, for all of them share one luck.
    """

    truth: Interval
    luck: Number
    moved: bool

    @property
    def of_coverage(self) -> Interval:
        """The truth as those tests may be held against it: its error and their luck at once."""
        return _widened(self.truth, self.luck)


def _widened(truth: Interval, more: Number) -> Interval:
    """An interval with another independent error in it, given by its half-width."""
    if truth.estimate is None or truth.ends is None or more is None:
        return truth.alone
    low, high = truth.ends
    below, above = (math.hypot(end - truth.estimate, more) for end in (low, high))
    return Interval(truth.estimate, truth.estimate - below, truth.estimate + above)


def with_effect(asked: Asked, tests: Repeated, target: Target) -> list[Characteristic]:
    """What is asked where the arms differ: coverage, power, and how wrong what is found is."""
    wanted, mean = asked.confidence, mean_effect(tests)
    held = partial(coverage, tests, wanted=wanted)
    rows = [
        asked.row("ab", "coverage_global", held(target.of_coverage), wanted),
        asked.row("ab", "coverage_naive", held(mean), wanted),
    ]
    rows.append(asked.row("ab", "power", _power(tests, target)))
    wrong: dict[Question, Callable[[Repeated, float], Interval]] = {
        "type_s": wrong_signs,
        "type_m": exaggeration,
    }
    for question, told in wrong.items():
        rows.append(asked.row("ab", question, _wrong(tests, target, told)))
    return rows


def _power(tests: Repeated, target: Target) -> Answer:
    """Of moved tests at every effect that the truth may be, else as they are."""
    if not len(tests) or not target.moved:
        return Answer(power(tests), len(tests))
    value = over(target.truth, lambda effect: power(tests.at(effect)), zero=True)
    return Answer(value, len(tests))


def _wrong(tests: Repeated, target: Target, told: Callable[[Repeated, float], Interval]) -> Answer:
    """Of the significant tests, how wrong they are."""
    if not len(tests) or target.truth.estimate is None:
        return Answer(UNKNOWN, 0)

    def at(effect: float) -> Repeated:
        return tests.at(effect) if target.moved else tests

    value = over(target.truth, lambda effect: told(at(effect), effect), zero=False)
    return Answer(value, int(at(target.truth.estimate).significant_R.sum()))


def estimand(asked: Asked, tests: Repeated, target: Target) -> Estimand:
    """What the tests estimate, beside what they should."""
    naive, known = mean_effect(tests), _widened(target.truth, target.luck)
    bias, n = UNKNOWN, len(tests)
    spread = float(tests.effect_R.std(ddof=1)) if n >= 2 else None
    if naive.estimate is not None and known.estimate is not None:
        gap = naive.estimate - known.estimate
        bias = Interval(gap, None, None)
        if known.ends is not None and spread is not None:
            quantile = float(reach(1.0, n - 1, confidence=asked.confidence))
            low, high = (naive.estimate - end for end in reversed(known.ends))
            bias = _widened(Interval(gap, low, high), quantile * spread / math.sqrt(n))
    return Estimand(
        design=asked.design,
        metric=asked.metric,
        by=asked.by,
        truth=target.truth,
        naive=naive,
        bias=bias,
        spread=spread,
        repetitions=n,
    )
