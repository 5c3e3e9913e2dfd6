"""Intervals of estimates with known standard errors: Student's, and Wilson's of shares."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from tea_tasting.aggr import Aggregates

from experiments.records.interval import Interval

Floats = NDArray[np.float64]

ROUNDING = 1e-13
"""Part of its own terms at which a sum of squares counts as 0: some hundred roundings."""


def reach(error: ArrayLike, freedom: ArrayLike, *, confidence: float) -> Floats:
    """How far Student's intervals reach to either side, from standard errors."""
    quantile = -special.stdtrit(np.asarray(freedom, np.float64), (1 - confidence) / 2)
    return np.asarray(quantile * np.asarray(error, np.float64))


def welch(errors: tuple[float, float], freedoms: tuple[float, float]) -> float:
    """Degrees of freedom of the error of a difference (Welch, Biometrika 34, 1947, 28-35).

    Args:
        errors: standard errors of two independent numbers, one of them > 0 at least.
        freedoms: their degrees of freedom.
    """
    part = (errors[0] / math.hypot(*errors)) ** 2
    return 1 / (part**2 / freedoms[0] + (1 - part) ** 2 / freedoms[1])


def satterthwaite(parts: Sequence[float], freedoms: Sequence[float]) -> float:
    """Degrees of freedom of a sum of independent variances (Biometrics 2, 1946, 110-114).

    Args:
        parts: the variances; one of them is > 0 at least.
        freedoms: their degrees of freedom.
    """
    spent = math.fsum(part**2 / freedom for part, freedom in zip(parts, freedoms, strict=True))
    return math.fsum(parts) ** 2 / spent


def student(
    estimate: float, error: float, freedom: float, *, confidence: float
) -> tuple[Interval, float]:
    """Student's interval of an estimate, and the two-sided p-value of 0.

    Args:
        estimate: the number.
        error: its standard error, 0 where nothing varies.
        freedom: degrees of freedom.
        confidence: level of the interval.
    """
    if error == 0:
        return Interval(estimate, estimate, estimate), float(estimate == 0)
    half = float(reach(error, freedom, confidence=confidence))
    p_value = float(2 * special.stdtr(freedom, -abs(estimate) / error))
    return Interval(estimate, estimate - half, estimate + half), p_value


def wilson(
    share: ArrayLike, error: ArrayLike, freedom: ArrayLike, *, confidence: float
) -> tuple[Floats, Floats]:
    """Both ends of the interval of a share, within 0 and 1 by themselves.

    Wilson's score interval (Journal of the American Statistical Association 22, 1927, 209-212) with
    Student's quantile, on the effective count: that of independent yes-or-no events whose share has
    the same standard error, share (1 - share) / error^2 (Korn and Graubard, Survey Methodology 24,
    1998, 193-201).

    Args:
        share: strictly between 0 and 1.
        error: its standard error, > 0.
        freedom: degrees of freedom.
        confidence: level of the interval.
    """
    share_N = np.asarray(share, np.float64)
    quantile_N = reach(1.0, freedom, confidence=confidence)
    part_N = (quantile_N * np.asarray(error, np.float64)) ** 2  # of q^2 / n, over share (1 - share)
    spread_N = share_N * (1 - share_N)
    ratio_N = part_N / spread_N  # q^2 / n
    middle_N = (share_N + ratio_N / 2) / (1 + ratio_N)
    half_N = np.sqrt(part_N + ratio_N**2 / 4) / (1 + ratio_N)
    return np.maximum(middle_N - half_N, 0.0), np.minimum(middle_N + half_N, 1.0)


def ratio_variance(arm: Aggregates, numerator: str, denominator: str | None) -> float:
    """Delta-method variance of one shopper's ratio; 0 where only rounding is left of it."""
    ratio = arm.mean(numerator) / arm.mean(denominator)
    terms = (arm.var(numerator) + ratio**2 * arm.var(denominator)) / arm.mean(denominator) ** 2
    variance = float(arm.ratio_var(numerator, denominator))
    return variance if variance > ROUNDING * terms else 0.0
