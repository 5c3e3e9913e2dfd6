"""Power by formula: the test of `inference.estimates`, Welch's, under a noncentral Student's law.

An effect d between arms of n0 and n1 units, each with the variance v, has the standard error
s = sqrt(v / n0 + v / n1). Its test statistic has about a noncentral t distribution with
noncentrality d / s and Satterthwaite's degrees of freedom (Moser, Stevens and Watts,
Communications in Statistics 18, 1989, 3963-3975), exactly so where arms are equal and values normal
(Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988, chapter 2). The variance is
taken as known and the same in both arms.

What an effect is held against is called its distance: its size in a test of a difference; how far
it is from the margin in a test of non-inferiority.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from experiments.inference.power.aim import Aim
from simulator.errors import ConfigError, DataError

Floats = NDArray[np.float64]
Sizes = tuple[ArrayLike, ArrayLike]
"""Units of control and of the treatment."""

FEWEST = 2.0
"""Units of an arm below which it has no variance."""
_STEPS = 200  # of root finding; ten are usual
_MOST = 1e15  # units beyond which nobody counts


def error_of(variance: ArrayLike, sizes: Sizes) -> Floats:
    """Standard error of the difference of two arms.

    Args:
        variance: of a unit's value, in both arms; of a ratio metric by the delta method.
        sizes: units of the arms.

    Raises:
        DataError: a variance that is not positive, or an arm of fewer than 2 units.
    """
    variance_N, control_N, treatment_N = (
        np.asarray(each, np.float64) for each in (variance, *sizes)
    )
    if not (np.isfinite(variance_N) & (variance_N > 0)).all():
        raise DataError(f"variance == {np.min(variance_N):g}, must be > 0: units must differ")
    least = min(control_N.min(initial=np.inf), treatment_N.min(initial=np.inf))
    if least < FEWEST:
        raise DataError(f"units of an arm == {least:g}, must be >= {FEWEST:g}")
    return np.asarray(np.sqrt(variance_N / control_N + variance_N / treatment_N))


def freedom_of(sizes: Sizes) -> Floats:
    """Degrees of freedom of the test of two arms with one variance (Satterthwaite)."""
    control_N, treatment_N = (np.asarray(each, np.float64) for each in sizes)
    parts = 1 / (control_N**2 * (control_N - 1)) + 1 / (treatment_N**2 * (treatment_N - 1))
    return np.asarray((1 / control_N + 1 / treatment_N) ** 2 / parts)


def power_at(noncentrality: ArrayLike, freedom: ArrayLike, aim: Aim) -> Floats:
    """The chance that the test finds an effect.

    Args:
        noncentrality: its distance over its standard error, >= 0.
        freedom: degrees of freedom.
        aim: the level of the test; its power is not read.
    """
    noncentrality_N, freedom_N = (np.asarray(x, np.float64) for x in (noncentrality, freedom))
    critical_N = special.stdtrit(freedom_N, aim.tail)  # below 0
    right_N = special.nctdtr(freedom_N, -noncentrality_N, critical_N)
    if aim.one_sided:
        return np.asarray(right_N)
    wrong_N = special.nctdtr(freedom_N, noncentrality_N, critical_N)  # NaN where it is below 1e-13
    return np.asarray(right_N + np.nan_to_num(wrong_N, nan=0.0))


def power_of(distance: ArrayLike, variance: ArrayLike, sizes: Sizes, aim: Aim) -> Floats:
    """The chance that a test of these sizes finds an effect.

    Args:
        distance: of the effect, see the module; its sign does not count in a test of a difference.
        variance: of a unit's value.
        sizes: units of the arms.
        aim: the level of the test; its power is not read.

    Raises:
        DataError: a variance that is not positive, or an arm of fewer than 2 units.
    """
    distance_N = np.asarray(distance, np.float64)
    if not aim.one_sided:
        distance_N = np.abs(distance_N)
    return power_at(distance_N / error_of(variance, sizes), freedom_of(sizes), aim)


def detectable(variance: ArrayLike, sizes: Sizes, aim: Aim) -> Floats:
    """The least distance that a test of these sizes finds with the aim's power.

    That is the minimum detectable effect of a test of a difference (Bloom, Evaluation Review 19,
    1995, 547-556, with Student's law in place of the normal one).

    Raises:
        DataError: a variance that is not positive, or an arm of fewer than 2 units.
    """
    error_N = error_of(variance, sizes)
    freedom_N = np.broadcast_to(freedom_of(sizes), error_N.shape)
    high_N = _first_above(lambda x_N: power_at(x_N, freedom_N, aim), aim.power, error_N.shape)
    root_N = _root(lambda x_N: power_at(x_N, freedom_N, aim) - aim.power, 0 * high_N, high_N)
    return np.asarray(root_N * error_N)


def units_needed(distance: float, variance: float, shares: tuple[float, float], aim: Aim) -> float:
    """Units of a whole test, all arms together, with which it finds an effect with the aim's power.

    Args:
        distance: of the effect, see the module.
        variance: of a unit's value.
        shares: of the units that are in control and in the treatment.

    Returns:
        A number that is not rounded; as many as give each of both arms two units at least.

    Raises:
        ConfigError: a distance of 0, or one beyond the margin.
        DataError: a variance that is not positive, or more units than can be counted.
    """
    if distance == 0 or (aim.one_sided and distance < 0):
        raise ConfigError(f"distance == {distance:g}, must be > 0: no test finds it")

    def power_N(log_N: Floats) -> Floats:
        units_N = np.exp(log_N)
        return power_of(distance, variance, (units_N * shares[0], units_N * shares[1]), aim)

    low = np.log(np.array([FEWEST / min(shares) * (1 + 1e-12)]))
    if power_N(low)[0] >= aim.power:
        return float(np.exp(low[0]))
    high = low + 1
    while power_N(high)[0] < aim.power:
        high = high + (high - low)
        if high[0] > np.log(_MOST):
            raise DataError(f"units == more than {_MOST:g}, must be a greater effect")
    return float(np.exp(_root(lambda log_N: power_N(log_N) - aim.power, low, high)[0]))


def _first_above(
    rises: Callable[[Floats], Floats], wanted: float, shape: tuple[int, ...]
) -> Floats:
    """Places where a rising function is above a value, found by doubling."""
    high_N = np.full(shape, 4.0)
    for _ in range(_STEPS):
        below_N = rises(high_N) < wanted
        if not below_N.any():
            break
        high_N = np.where(below_N, 2 * high_N, high_N)
    return high_N


def _root(rises: Callable[[Floats], Floats], low_N: Floats, high_N: Floats) -> Floats:
    """Where rising functions are 0, all at once, to the last digits.

    The Illinois variant of regula falsi (Dowell and Jarratt, BIT 11, 1971, 168-174).

    Args:
        rises: at most 0 at the low ends and at least 0 at the high ones.
    """
    at_low_N, at_high_N = rises(low_N), rises(high_N)
    side_N = np.zeros(low_N.shape)
    for _ in range(_STEPS):
        gap_N = at_high_N - at_low_N
        middle_N = high_N - at_high_N * (high_N - low_N) / np.where(gap_N > 0, gap_N, 1.0)
        found_N = rises(middle_N)
        above_N = found_N > 0
        at_low_N = np.where(above_N & (side_N > 0), at_low_N / 2, at_low_N)
        at_high_N = np.where(~above_N & (side_N < 0), at_high_N / 2, at_high_N)
        high_N, at_high_N = (
            np.where(above_N, new, old) for new, old in ((middle_N, high_N), (found_N, at_high_N))
        )
        low_N, at_low_N = (
            np.where(above_N, old, new) for new, old in ((middle_N, low_N), (found_N, at_low_N))
        )
        side_N = np.where(above_N, 1.0, -1.0)
        if (np.abs(found_N) < 1e-15).all() or (high_N - low_N <= 1e-15 * np.abs(high_N)).all():
            break
    return middle_N
