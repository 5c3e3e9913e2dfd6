"""Do simulated lifts come true? Signs, correlation and calibration, with errors on both sides.

Both numbers of a past experiment have errors: the experiment is a sample, and so is the simulation.
Errors of what stands across flatten a line that is fitted by least squares, and errors of either
weaken a correlation. So the slope is that of the moments,

    sum (x - mean x) (y - mean y)  over  sum ((x - mean x)^2 - (1 - 1/n) error_x^2),

with y what was found and x what was simulated (Fuller, Measurement Error Models, 1987, section 1.2;
with errors that differ from row to row: BCES of Y on X, Akritas and Bershady, Astrophysical Journal
470, 1996, 706-714). It asks for no law of the errors and allows true effects that lie off the line.
Its interval is Fieller's: the slopes at which the terms sum to zero within chance; unbounded where
the simulated effects vary no more than their errors.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from experiments.inference.intervals.student import student
from experiments.records.interval import Interval
from experiments.validate.past.table import Past

Floats = NDArray[np.float64]
_BOOTSTRAPS = 2_000


@dataclass(frozen=True)
class Agreement:
    """How past experiments and simulated ones agree.

    Attributes:
        signs: share of the tests whose two signs are the same; exact interval (Clopper, Pearson).
        signed: tests with two signs.
        expected: what that share would be if both were right up to their errors.
        p_value: two-sided, of signs that agree as a coin would.
        clear: the same share of the tests in which both are beyond chance by themselves (1.96
            standard errors), and how many these are.
        correlation: as the numbers stand, with Fisher's interval.
        true_correlation: without the errors of both; percentile interval of a bootstrap over tests.
            Without a number where an error is all that varies.
        slope: of what was found over what was simulated, 1: sizes are right, below 1: the simulator
            exaggerates.
        bias: mean of what was found minus what was simulated.
    """

    signs: Interval
    signed: int
    expected: float
    p_value: float | None
    clear: Interval
    clear_tests: int
    correlation: Interval
    true_correlation: Interval
    slope: Interval
    bias: Interval


def agreement(tests: Sequence[Past], *, confidence: float, seed: int = 0) -> Agreement:
    """Measure it.

    Args:
        tests: at least three.
        confidence: level of the intervals.
        seed: of the bootstrap.
    """
    y_T, x_T = (np.array([getattr(each, of) for each in tests]) for of in ("estimate", "simulated"))
    ey_T, ex_T = (
        np.array([getattr(each, of) for each in tests]) for of in ("error", "simulated_error")
    )
    signed_T = (x_T != 0) & (y_T != 0)
    same_T = np.sign(x_T) == np.sign(y_T)
    clear_T = signed_T & (np.abs(y_T) > 1.96 * ey_T) & (np.abs(x_T) > 1.96 * ex_T)
    agreed, signed = int(same_T[signed_T].sum()), int(signed_T.sum())
    bias, _ = student(
        float((y_T - x_T).mean()),
        float((y_T - x_T).std(ddof=1)) / math.sqrt(len(tests)),
        len(tests) - 1,
        confidence=confidence,
    )
    return Agreement(
        signs=_share(agreed, signed, confidence),
        signed=signed,
        expected=float(_expected(y_T, ey_T, x_T, ex_T)[signed_T].mean()) if signed else math.nan,
        p_value=float(stats.binomtest(agreed, signed).pvalue) if signed else None,
        clear=_share(int(same_T[clear_T].sum()), int(clear_T.sum()), confidence),
        clear_tests=int(clear_T.sum()),
        correlation=_correlation(x_T, y_T, confidence),
        true_correlation=_true_correlation(y_T, ey_T, x_T, ex_T, confidence, seed),
        slope=slope(y_T, x_T, ex_T, confidence),
        bias=bias,
    )


def _share(part: int, whole: int, confidence: float) -> Interval:
    if not whole:
        return Interval(None, None, None)
    exact = stats.binomtest(part, whole).proportion_ci(confidence, method="exact")
    return Interval(part / whole, float(exact.low), float(exact.high))


def _expected(y_T: Floats, ey_T: Floats, x_T: Floats, ex_T: Floats) -> Floats:
    """(T,) chance of equal signs if one effect stood behind both numbers.

    Effects are taken to be normal, with mean and variance by the moments of the means of both
    numbers, weighed by their precision: the variance of these is that of the effects and the mean
    variance of the errors. 40 nodes of Gauss and Hermite.
    """
    ex_T = np.maximum(ex_T, 1e-12 * np.maximum(np.abs(x_T), 1e-300))
    weight_T = 1 / ey_T**2 + 1 / ex_T**2
    middle_T = (y_T / ey_T**2 + x_T / ex_T**2) / weight_T
    node_G, part_G = np.polynomial.hermite_e.hermegauss(40)
    spread = math.sqrt(max(float(middle_T.var(ddof=1) - (1 / weight_T).mean()), 0.0))
    true_TG = (middle_T.mean() + spread * node_G)[None, :]
    up_TG = special.ndtr(true_TG / ey_T[:, None]) * special.ndtr(true_TG / ex_T[:, None])
    down_TG = special.ndtr(-true_TG / ey_T[:, None]) * special.ndtr(-true_TG / ex_T[:, None])
    return np.asarray((up_TG + down_TG) @ (part_G / part_G.sum()))


def _correlation(x_T: Floats, y_T: Floats, confidence: float) -> Interval:
    if len(x_T) < 4 or min(x_T.std(), y_T.std()) == 0:
        return Interval(None, None, None)
    found = stats.pearsonr(x_T, y_T)
    ends = found.confidence_interval(confidence)
    return Interval(float(found.statistic), float(ends.low), float(ends.high))


def _without_errors(y: Floats, ey: Floats, x: Floats, ex: Floats) -> float:
    """The correlation of true effects by moments; NaN where errors are all that varies."""
    left = 1 - 1 / len(x)
    spread_x, spread_y = x.var() - left * (ex**2).mean(), y.var() - left * (ey**2).mean()
    if min(spread_x, spread_y) <= 0:
        return math.nan
    shared = float(((x - x.mean()) * (y - y.mean())).mean())
    return max(-1.0, min(1.0, shared / math.sqrt(spread_x * spread_y)))


def _true_correlation(
    y_T: Floats, ey_T: Floats, x_T: Floats, ex_T: Floats, confidence: float, seed: int
) -> Interval:
    size = _without_errors(y_T, ey_T, x_T, ex_T)
    if math.isnan(size):
        return Interval(None, None, None)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(_BOOTSTRAPS):
        rows = rng.integers(len(x_T), size=len(x_T))
        drawn.append(_without_errors(y_T[rows], ey_T[rows], x_T[rows], ex_T[rows]))
    known = np.array(drawn)[~np.isnan(drawn)]
    if len(known) < 0.9 * _BOOTSTRAPS:
        return Interval(size, None, None)
    tail = (1 - confidence) / 2
    low, high = (float(end) for end in np.quantile(known, (tail, 1 - tail)))
    return Interval(size, low, high)


def slope(y_T: Floats, x_T: Floats, ex_T: Floats, confidence: float) -> Interval:
    """The slope by the formula of the module, with Fieller's interval.

    Args:
        y_T: what was found.
        x_T: what was simulated.
        ex_T: its standard errors.
        confidence: level of the interval.

    Returns:
        Without a number where the simulated effects vary no more than their errors; without an
        interval where it is unbounded.
    """
    count = len(x_T)
    top_T = (x_T - x_T.mean()) * (y_T - y_T.mean())
    bottom_T = (x_T - x_T.mean()) ** 2 - (1 - 1 / count) * ex_T**2
    top, bottom = float(top_T.mean()), float(bottom_T.mean())
    if bottom <= 0 or count < 4:
        return Interval(None, None, None)
    reach = float(-special.stdtrit(count - 2, (1 - confidence) / 2)) ** 2 / (count - 2)
    (vtt, vtb), (_, vbb) = np.cov(top_T, bottom_T, ddof=0)
    square = bottom**2 - reach * vbb
    middle = top * bottom - reach * vtb
    rest = top**2 - reach * vtt
    inside = middle**2 - square * rest
    if square <= 0 or inside < 0:
        return Interval(top / bottom, None, None)
    half = math.sqrt(inside)
    return Interval(top / bottom, (middle - half) / square, (middle + half) / square)
