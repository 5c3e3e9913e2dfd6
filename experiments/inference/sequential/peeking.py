"""What peeking costs: how often each rule decides, rightly or not, and how early."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from experiments.inference.intervals.student import student
from experiments.inference.sequential.confidencesequence import bar
from experiments.inference.sequential.groupsequential import group_bars
from experiments.inference.sequential.paths import Paths
from experiments.inference.sequential.spending import OBRIEN_FLEMING, Spending, checked_alpha
from experiments.records.experiment.sequential import PeekingRate, Rule
from experiments.records.interval import UNKNOWN, Interval

Floats = NDArray[np.float64]


def peeking_rates(
    paths: Paths,
    *,
    alpha: float = 0.05,
    spending: Spending = OBRIEN_FLEMING,
    confidence: float = 0.95,
) -> tuple[PeekingRate, ...]:
    """A row for each rule, over the same runs of an experiment.

    Args:
        paths: the runs.
        alpha: level of every rule.
        spending: of the group-sequential test.
        confidence: level of the intervals of the rates, which are about the number of runs alone.

    Raises:
        ConfigError: an alpha out of range.
    """
    bars = rule_bars(paths.fraction_K, alpha=alpha, spending=spending)
    return tuple(_rate(rule, bar_K, paths, confidence) for rule, bar_K in bars.items())


def rule_bars(fraction_K: Floats, *, alpha: float, spending: Spending) -> dict[Rule, Floats]:
    """By rule, (K,) the |z| above which each look decides; infinite where it cannot.

    Args:
        fraction_K: shares of the planned information at the looks.
        alpha: level of every rule.
        spending: of the group-sequential test.

    Raises:
        ConfigError: an alpha out of range.
    """
    fixed = -float(special.ndtri(checked_alpha(alpha) / 2))
    once_K = np.full(fraction_K.shape, math.inf)
    once_K[-1] = fixed
    sequence_K, told_K = np.full(fraction_K.shape, math.inf), fraction_K > 0
    sequence_K[told_K] = bar(fraction_K[told_K], planned=1.0, alpha=alpha)
    return {
        "once": once_K,
        "every_look": np.full(fraction_K.shape, fixed),
        "sequence": sequence_K,
        "group": group_bars(fraction_K, alpha=alpha, spending=spending),
    }


def first_decision(z_NK: Floats, bar_K: Floats) -> NDArray[np.intp]:
    """(N,) the first look at which |z| is above its bar; the number of looks where none is."""
    above_NK = np.abs(z_NK) > bar_K
    first_N = np.where(above_NK.any(axis=-1), above_NK.argmax(axis=-1), above_NK.shape[-1])
    return np.asarray(first_N, np.intp)


def _rate(rule: Rule, bar_K: Floats, paths: Paths, confidence: float) -> PeekingRate:
    runs, looks = paths.z_NK.shape
    first_N = first_decision(paths.z_NK, bar_K)
    decided_N = first_N < looks
    at_N = np.minimum(first_N, looks - 1)
    wrong_N = decided_N & (paths.z_NK[np.arange(runs), at_N] * paths.effect < 0)
    return PeekingRate(
        rule=rule,
        source=paths.source,
        effect=paths.effect,
        looks=looks,
        paths=runs,
        decided=exact_share(int(decided_N.sum()), runs, confidence=confidence),
        wrong=exact_share(int(wrong_N.sum()), runs, confidence=confidence)
        if paths.effect
        else UNKNOWN,
        used=_mean(paths.fraction_K[at_N], confidence),
    )


def exact_share(part: int, whole: int, *, confidence: float) -> Interval:
    """A share of independent runs, with its exact interval.

    Clopper and Pearson, Biometrika 26, 1934, 404-413.
    """
    found = stats.binomtest(part, whole).proportion_ci(confidence, method="exact")
    return Interval(part / whole, float(found.low), float(found.high))


def _mean(value_N: Floats, confidence: float) -> Interval:
    mean, runs = float(value_N.mean()), len(value_N)
    if runs < 2:
        return Interval(mean, None, None)
    error = float(value_N.std(ddof=1)) / math.sqrt(runs)
    return student(mean, error, runs - 1, confidence=confidence)[0]
