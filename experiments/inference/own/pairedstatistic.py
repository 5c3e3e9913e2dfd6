"""The effect on a statistic of values in paired worlds, from a paired bootstrap over shoppers.

Every resample draws the same shoppers, with all of their values, in all worlds at once. So a
shopper stays their own control. With several pairs of worlds the effect is the mean of theirs, and
its variance has the layout of `experiments.inference.intervals.crossed`: of the resampled effects
of S lucks, let u be the mean covariance of two lucks, which is what shoppers bring whatever their
luck, and e the mean variance of one luck less u, which is what the luck of shoppers brings; and b
the variance of the effects themselves from luck to luck. Then

    variance = max(b, e) / S + max(u, 0),

with Hillis' degrees of freedom, as there. With one luck it is the bootstrap's variance, with U - 1
degrees: over shoppers alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from experiments.inference.intervals.student import student
from experiments.inference.own.bootstrap import MOST_UNDEFINED, Statistic
from experiments.records.interval import UNKNOWN, Interval, Number
from simulator.randomness import Draws

Floats = NDArray[np.float64]
Values = tuple[NDArray[np.int64], Floats]
"""Of a world: whose each value is, 0 to U - 1, and the values."""

PURPOSE = "analysis.own.bootstrap"
_DRAWS = Draws(0)  # of resampling alone: it has nothing to do with the luck of a world


@dataclass(frozen=True)
class PairedStatistic:
    """The effect on a statistic of giving everybody the treatment.

    Attributes:
        control, treatment: the statistic under each arm, the mean over lucks.
        effect: treatment minus control.
        relative: the same over control's; on the log scale.
        p_value: two-sided, of no effect.
        pairing_factor: see `experiments.records.truth.Realised`.
        spread: standard deviation of the relative effect from pair to pair; None for one pair.
        reason: why there is no interval, or nothing at all; "" where there is one.
    """

    control: Number = None
    treatment: Number = None
    effect: Interval = UNKNOWN
    relative: Interval = UNKNOWN
    p_value: Number = None
    pairing_factor: Number = None
    spread: Number = None
    reason: str = ""


def paired_statistic(
    statistic: Statistic,
    control: Sequence[Values],
    treatment: Sequence[Values],
    units: int,
    *,
    resamples: int,
    confidence: float,
) -> PairedStatistic:
    """Compare a statistic of values between S pairs of worlds.

    Args:
        control, treatment: the worlds, one for each luck, in the same order.
        units: U, the exposed shoppers, those without a value too.
        resamples: how often they are drawn again.
        confidence: level of the intervals.

    Raises:
        ContractError: a custom statistic raised, or gave no number.
    """
    worlds = [[_ascending(values) for values in world] for world in (control, treatment)]
    levels_WS = np.array([[statistic.of(values_N) for _, values_N in world] for world in worlds])
    if not np.isfinite(levels_WS).all():
        return PairedStatistic(reason="a world has no value")
    base, level = levels_WS.mean(axis=1).tolist()
    growth = Interval(level / base - 1, None, None) if base > 0 else UNKNOWN
    found = PairedStatistic(base, level, Interval(level - base, None, None), growth)
    if levels_WS.shape[1] > 1 and (levels_WS[0] > 0).all():
        found = replace(found, spread=float(np.std(levels_WS[1] / levels_WS[0], ddof=1)))
    if units < 2:
        return replace(found, reason="fewer than 2 exposed shoppers")
    drawn_RWS = _resampled(statistic, worlds, units, resamples)
    known_RWS = drawn_RWS[np.isfinite(drawn_RWS).all(axis=(1, 2))]
    if len(known_RWS) < (1 - MOST_UNDEFINED) * resamples:
        return replace(found, reason="too few shoppers have a value")
    return _with_intervals(found, levels_WS, known_RWS, units, confidence)


def _ascending(values: Values) -> Values:
    unit_N, values_N = values
    order_N = np.argsort(values_N, kind="stable")
    return unit_N[order_N], values_N[order_N]


def _resampled(
    statistic: Statistic, worlds: Sequence[Sequence[Values]], units: int, resamples: int
) -> Floats:
    """(R, W, S) the statistic of each world with its shoppers drawn again."""
    found_RWS = np.empty((resamples, len(worlds), len(worlds[0])))
    for number, found_WS in enumerate(found_RWS):
        drawn_U = _DRAWS.uniform(PURPOSE, shopper=np.arange(units), slot=number)
        times_U = np.bincount((units * drawn_U).astype(np.int64), minlength=units)
        for world, found_S in zip(worlds, found_WS, strict=True):
            found_S[:] = [statistic.resampled(each, times_U[unit_N]) for unit_N, each in world]
    return found_RWS


def _with_intervals(
    found: PairedStatistic, levels_WS: Floats, drawn_RWS: Floats, units: int, confidence: float
) -> PairedStatistic:
    """The intervals of the effect and of the relative one; none where nothing varies."""
    base, level = levels_WS.mean(axis=1)
    error, freedom = _error(levels_WS[1] - levels_WS[0], drawn_RWS[:, 1] - drawn_RWS[:, 0], units)
    if error == 0 and level != base:
        return replace(found, reason="no variation between shoppers")
    effect, p_value = student(float(level - base), error, freedom, confidence=confidence)
    found = replace(found, effect=effect, p_value=p_value)
    apart = float(np.var(drawn_RWS.mean(axis=2), axis=0, ddof=1).sum())
    together = float(np.var((drawn_RWS[:, 1] - drawn_RWS[:, 0]).mean(axis=1), ddof=1))
    if together > 0:
        found = replace(found, pairing_factor=apart / together)
    if base <= 0 or level <= 0:
        return found
    linear_S = levels_WS[1] / level - levels_WS[0] / base
    error, freedom = _error(linear_S, drawn_RWS[:, 1] / level - drawn_RWS[:, 0] / base, units)
    logged, _ = student(math.log(level / base), error, freedom, confidence=confidence)
    ends = (None if end is None or end > 700 else math.expm1(end) for end in logged.numbers)
    return replace(found, relative=Interval(*ends))


def _error(found_S: Floats, drawn_RS: Floats, units: int) -> tuple[float, float]:
    """Standard error and degrees of freedom, by the formula of the module."""
    covariance_SS = np.atleast_2d(np.cov(drawn_RS, rowvar=False))
    lucks, within = len(found_S), float(np.trace(covariance_SS))
    if lucks == 1:
        return math.sqrt(within), units - 1
    by_shopper = (float(covariance_SS.sum()) - within) / (lucks * (lucks - 1))
    by_both = (within / lucks - by_shopper) / lucks
    by_luck = float(np.var(found_S, ddof=1)) / lucks
    total = max(by_luck, by_both) + max(by_shopper, 0.0)
    hillis = (total / by_luck) ** 2 * (lucks - 1) if by_luck > by_both else math.inf
    return math.sqrt(total), min(hillis, units - 1)
