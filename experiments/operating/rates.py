"""Answers with their Monte Carlo error: rates, distances and sizes from many tests.

Rates of independent repetitions have Clopper and Pearson's exact interval. Where an answer hangs on
a number that is itself estimated, such as the true effect, it is given at the estimate, and its
interval goes from the least to the greatest end that any value in that number's interval makes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from experiments.inference.intervals.binomial import exact_share
from experiments.inference.intervals.student import student
from experiments.inference.randomised.redrawn import Floats
from experiments.operating.repeated import Repeated
from experiments.records.interval import UNKNOWN, Interval, Number

MONTE_CARLO = 0.99
"""Level of the intervals of answers."""


@dataclass(frozen=True)
class Answer:
    """A number with its interval, and what it rests on.

    Attributes:
        value: the number.
        repetitions: tests that it rests on.
        p_value: of the wanted value; None where nothing is wanted.
    """

    value: Interval
    repetitions: int
    p_value: Number = None


NOTHING = Answer(UNKNOWN, 0)
"""Where no test has an estimate."""


def rate(hits: int, n: int) -> Interval:
    """The share of repetitions in which something happened, with its exact interval."""
    return exact_share(hits, n, confidence=MONTE_CARLO)


def false_positives(tests: Repeated, level: float) -> Answer:
    """The share of tests with a p-value below a level, and the exact p-value of that level."""
    if not len(tests):
        return NOTHING
    hits = int((tests.p_R < level).sum())
    tail = stats.binomtest(hits, len(tests), level).pvalue
    return Answer(rate(hits, len(tests)), len(tests), float(tail))


def uniformity(tests: Repeated) -> Answer:
    """The greatest distance of the distribution of p-values from the uniform one, and its p-value.

    The test is Kolmogorov and Smirnov's. The interval is that of Dvoretzky, Kiefer and Wolfowitz
    with Massart's constant (The Annals of Probability 18, 1990, 1269-1283): the distribution lies
    within sqrt(log(2 / (1 - level)) / (2 R)) of what R repetitions show.
    """
    if not len(tests):
        return NOTHING
    found = stats.kstest(tests.p_R, "uniform")
    distance = float(found.statistic)
    reach = math.sqrt(math.log(2 / (1 - MONTE_CARLO)) / (2 * len(tests)))
    ends = max(0.0, distance - reach), min(1.0, distance + reach)
    return Answer(Interval(distance, *ends), len(tests), float(found.pvalue))


def mean_effect(tests: Repeated) -> Interval:
    """The mean of all estimates, with the error of so many (Student's)."""
    return _mean(tests.effect_R)


def _mean(value_R: Floats) -> Interval:
    if not len(value_R):
        return UNKNOWN
    mean = float(value_R.mean())
    if len(value_R) < 2:
        return Interval(mean, None, None)
    error = float(value_R.std(ddof=1)) / math.sqrt(len(value_R))
    return student(mean, error, len(value_R) - 1, confidence=MONTE_CARLO)[0]


def coverage(tests: Repeated, target: Interval, wanted: float) -> Answer:
    """The share of intervals that hold a number which is itself known with an interval.

    The p-value of the wanted share is 1 where some value in the target's interval makes it so.

    Args:
        tests: whose intervals are asked.
        target: what they should hold.
        wanted: share that should.
    """
    if target.estimate is None or not len(tests):
        return NOTHING
    n, held = len(tests), _held(tests, target.estimate)
    if target.ends is None:
        return Answer(Interval(held / n, None, None), n)
    least, most = _extremes(tests, *target.ends)
    value = Interval(held / n, rate(least, n).low, rate(most, n).high)
    if least <= wanted * n <= most:
        return Answer(value, n, 1.0)
    nearest = least if wanted * n < least else most
    return Answer(value, n, float(stats.binomtest(nearest, n, wanted).pvalue))


def _held(tests: Repeated, number: float) -> int:
    """How many intervals hold a number."""
    return int(((tests.low_R <= number) & (number <= tests.high_R)).sum())


def _extremes(tests: Repeated, low: float, high: float) -> tuple[int, int]:
    """The least and the greatest number of intervals that hold any one value from low to high.

    Between the ends of the intervals nothing changes, so that these and both numbers, and what lies
    just below and above them, are all that must be looked at.
    """
    low_R, high_R = np.sort(tests.low_R), np.sort(tests.high_R)
    ends = np.concatenate((low_R, high_R))
    inside = ends[(ends > low) & (ends < high)]

    def count(at: Floats, begun: str, ended: str) -> Floats:
        """How many have begun by a value and have not ended before it."""
        started = np.searchsorted(low_R, at, begun)  # type: ignore[call-overload]
        return np.asarray(started - np.searchsorted(high_R, at, ended))  # type: ignore[call-overload]

    at = np.array([low, *inside, high])
    counts = [count(at, "right", "left")]  # at the value itself
    if low < high:
        below, above = np.array([*inside, high]), np.array([low, *inside])
        counts += [count(below, "left", "left"), count(above, "right", "right")]
    every = np.concatenate(counts)
    return int(every.min()), int(every.max())


def over(target: Interval, answer: Callable[[float], Interval], *, zero: bool) -> Interval:
    """An answer at a number that is known with an interval.

    Args:
        target: the number.
        answer: at one value of it.
        zero: whether there is an answer at 0; without, no interval of a target that may be 0.
    """
    if target.estimate is None:
        return UNKNOWN
    if target.estimate == 0 and not zero:
        return UNKNOWN
    found = answer(target.estimate)
    if target.ends is None:
        return found.alone
    holds_zero = bool(target.holds(0.0))
    if holds_zero and not zero:
        return found.alone
    points = [*target.ends, *([0.0] if holds_zero else [])]
    every = [found, *map(answer, points)]
    lows, highs = [each.low for each in every], [each.high for each in every]
    if None in lows or None in highs:
        return found.alone
    return Interval(
        found.estimate,
        min(low for low in lows if low is not None),
        max(high for high in highs if high is not None),
    )


def power(tests: Repeated) -> Interval:
    """The share of tests that find an effect."""
    return rate(int(tests.significant_R.sum()), len(tests))


def wrong_signs(tests: Repeated, effect: float) -> Interval:
    """The share of significant results whose sign is not the effect's (type S).

    Gelman and Carlin, Perspectives on Psychological Science 9, 2014, 641-651.
    """
    found_R = tests.effect_R[tests.significant_R]
    return rate(int((np.sign(found_R) != np.sign(effect)).sum()), len(found_R))


def exaggeration(tests: Repeated, effect: float) -> Interval:
    """The mean size of a significant result over that of the effect (type M), by the same."""
    return _mean(np.abs(tests.effect_R[tests.significant_R]) / abs(effect))
