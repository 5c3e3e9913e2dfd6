"""Estimates, intervals and p-values of a shopper-randomised test, from aggregates.

Conventions, because libraries differ: the unit of analysis is the shopper, the unit of
randomisation; variances are sample variances (n - 1) and not assumed equal (Welch, Student's t);
ratio metrics and CUPED use the delta method. All is decided on one scale, that of the difference:
the interval of the relative effect is Fieller's with the quantile of the difference's own, so it
excludes 0 where, and only where, that does and the p-value is below its level (one on the log scale
contradicts both on small or skewed data). What the data cannot tell is None, with a reason, never a
number.

By the scale "delta" the relative effect decides instead, by the plain delta method, as GrowthBook's
frequentist engine does: its p-value is the row's, and the difference's interval is shown as such.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tea_tasting.aggr import Aggregates

from experiments.inference.intervals.student import ratio_variance, reach, satterthwaite, student
from experiments.inference.metrics import Ratio
from experiments.inference.reduction.adjustment import Adjustment, Means, Refusal
from experiments.inference.reduction.arm import Arm
from experiments.inference.reduction.cuped import Cuped
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.metrics import Estimate

Scale = Literal["fieller", "delta"]
"""How a relative effect gets its interval, and with it, what decides; see the module."""


def estimate(
    metric: Ratio,
    contrast: tuple[str, str],
    arms: Mapping[str, Aggregates],
    *,
    confidence: float = 0.95,
    cuped: bool = False,
    scale: Scale = "fieller",
) -> tuple[Estimate, str]:
    """Compare one metric between two arms.

    Args:
        metric: what is compared.
        contrast: (control, treatment) arm names.
        arms: statistics by arm, as `Units.aggregates` gives them; with covariates for CUPED.
        confidence: level of the intervals.
        cuped: adjust for the same metric in the history period (for a ratio metric, for the
            ratio of the history's numerator and denominator).
        scale: of the relative effect.

    Returns:
        The estimate, and the reason why something in it is None; "" where nothing is.
    """
    sides = {name: Arm(arms[name]) for name in contrast}
    how = Cuped() if cuped else None
    return adjusted(metric, contrast, sides, how, confidence=confidence, scale=scale)


def adjusted(
    metric: Ratio,
    contrast: tuple[str, str],
    arms: Mapping[str, Arm],
    adjustment: Adjustment | None,
    *,
    confidence: float = 0.95,
    scale: Scale = "fieller",
) -> tuple[Estimate, str]:
    """Compare one metric between two arms, adjusted in some way.

    Args:
        metric: what is compared.
        contrast: (control, treatment) arm names.
        arms: statistics by arm, with the columns and the strata that the adjustment reads.
        adjustment: how; None: not at all.
        confidence: level of the intervals.
        scale: of the relative effect.

    Returns:
        The estimate, whose `cuped` is true of CUPED alone, and the reason why something in it is
        None or misleads; "" where nothing is or does.
    """
    control, treatment = arms[contrast[0]], arms[contrast[1]]
    sides = (control.whole, treatment.whole)
    counts = (sides[0].count(), sides[1].count())
    row = blank(metric.name, contrast, counts, cuped=isinstance(adjustment, Cuped))
    if reason := _undefined(metric, sides):
        return row, reason
    if adjustment is None:  # an adjusted mean without its variance would be of no use
        row = _valued(row, metric, sides)
    elif reason := adjustment.nothing_to_adjust_by(metric, control, treatment):
        return row, reason
    if reason := _uncertain(metric, sides):
        return row, reason
    if adjustment is None:
        unadjusted = plain(metric, control, treatment)
        return _told(row, metric, sides, unadjusted, confidence, scale)
    means = adjustment.adjust(metric, control, treatment)
    if isinstance(means, Refusal):
        return row, means.reason
    return _told(row, metric, sides, means, confidence, scale)


def blank(
    metric: str,
    contrast: tuple[str, str],
    units: tuple[int, int],
    *,
    cuped: bool = False,
    design: str = "shopper",
) -> Estimate:
    """A row without a number; `units` of the design are those of control and of treatment."""
    return Estimate(
        metric=metric,
        contrast=contrast,
        design=design,
        n=sum(units),
        n_control=units[0],
        n_treatment=units[1],
        control=None,
        treatment=None,
        effect=UNKNOWN,
        relative=UNKNOWN,
        p_value=None,
        cuped=cuped,
    )


def _valued(row: Estimate, metric: Ratio, arms: Sequence[Aggregates]) -> Estimate:
    """The row with the metric of both arms and what sets them apart, without intervals."""
    base, level = (arm.mean(metric.numerator) / arm.mean(metric.denominator) for arm in arms)
    growth = level / base - 1 if base > 0 else None
    effect, relative = (Interval(size, None, None) for size in (level - base, growth))
    return replace(row, control=base, treatment=level, effect=effect, relative=relative)


def _told(
    row: Estimate,
    metric: Ratio,
    arms: Sequence[Aggregates],
    means: Means,
    confidence: float,
    scale: Scale,
) -> tuple[Estimate, str]:
    """The row with its numbers, and why some are None or mislead."""
    row, reason = differing(row, means, confidence, scale)
    if means.doubt:
        return row, means.doubt
    for arm, name in zip(arms, row.contrast, strict=True):
        if reason and arm.mean(metric.numerator) == 0:
            reason = f"{name} has no {metric.numerator}, so a relative effect has no interval"
    return row, reason


@dataclass(frozen=True)
class Level:
    """The mean of an arm, or another statistic, its standard error, and shoppers."""

    mean: float
    error: float
    n: int


def levels(
    metric: Ratio, arms: tuple[Aggregates, Aggregates]
) -> tuple[tuple[Level, Level] | None, str]:
    """A metric's level in two arms, as `compared` takes it; None and why where there is none.

    Args:
        metric: what is told.
        arms: statistics of control and of treatment.
    """
    if reason := _undefined(metric, arms) or _uncertain(metric, arms):
        return None, reason
    return (_level(arms[0], metric), _level(arms[1], metric)), ""


def compared(row: Estimate, one: Level, two: Level, confidence: float) -> tuple[Estimate, str]:
    """A row with the difference of two levels, and why something in it is None.

    Args:
        row: names what is compared.
        one, two: of control and of treatment, independent.
        confidence: level of the intervals.
    """
    gap, _, freedom = combined((-1.0, one), (1.0, two))
    if freedom == 0:
        growth = two.mean / one.mean - 1 if one.mean > 0 else None
        effect, relative = (Interval(size, None, None) for size in (gap, growth))
        row = replace(row, control=one.mean, treatment=two.mean, effect=effect, relative=relative)
        return row, "no variation between shoppers"
    levels, errors = (one.mean, two.mean), (one.error, two.error)
    return differing(row, Means.apart(levels, errors, (one.n, two.n)), confidence)


def combined(*parts: tuple[float, Level]) -> tuple[float, float, float]:
    """A sum of levels, each times a number: its size, standard error and degrees of freedom.

    The levels are independent, and their variances not assumed equal (Welch, Biometrika 34, 1947,
    28-35; Satterthwaite, Biometrics Bulletin 2, 1946, 110-114). Without degrees, 0, there is no
    interval: nothing varies, or a level is of fewer than two shoppers.
    """
    size = math.fsum(factor * level.mean for factor, level in parts)
    error = math.hypot(*(factor * level.error for factor, level in parts))
    if error == 0 or min(level.n for _, level in parts) < 2:
        return size, error, 0.0
    shares = [(factor * level.error / error) ** 2 for factor, level in parts]
    return size, error, satterthwaite(shares, [level.n - 1 for _, level in parts])


def differing(
    row: Estimate, means: Means, confidence: float, scale: Scale = "fieller"
) -> tuple[Estimate, str]:
    """A row with the difference of two means, and why it has no relative interval.

    Args:
        row: names what is compared.
        means: of control and of treatment; one of them has an error at least.
        confidence: level of the intervals.
        scale: of the relative effect.
    """
    base, level = means.levels
    effect, p_value = student(means.effect, means.error, means.freedom, confidence=confidence)
    row = replace(row, control=base, treatment=level, effect=effect, p_value=p_value)
    if scale == "delta" and base > 0 and level / base < _MOST_GROWTH:
        relative, p_value = _by_delta(means, confidence)
        return replace(row, relative=relative, p_value=p_value), ""
    relative, reason = _fieller(means, float(reach(1.0, means.freedom, confidence=confidence)))
    return replace(row, relative=relative), reason


def _by_delta(means: Means, confidence: float) -> tuple[Interval, float]:
    """The growth of the second mean over the first by the plain delta method, and its p-value.

    Its variance is v2 / m1^2 + m2^2 v1 / m1^4 - 2 m2 c / m1^3 (GrowthBook, "Statistical details",
    2024, which has no covariance c), with the degrees of freedom of the difference.
    """
    (base, level), (near, far) = means.levels, means.errors
    variance = (far / base) ** 2 + (level * near / base**2) ** 2
    variance -= 2 * level * means.together / base**3
    error = math.sqrt(max(variance, 0.0))
    return student(level / base - 1, error, means.freedom, confidence=confidence)


def plain(metric: Ratio, control: Arm, treatment: Arm) -> Means:
    """A metric's means in two arms, as they are; a ratio's errors are the delta method's."""
    one, two = (_level(arm.whole, metric) for arm in (control, treatment))
    return Means.apart((one.mean, two.mean), (one.error, two.error), (one.n, two.n))


def _level(arm: Aggregates, metric: Ratio) -> Level:
    mean = arm.mean(metric.numerator) / arm.mean(metric.denominator)
    variance = ratio_variance(arm, metric.numerator, metric.denominator)
    return Level(float(mean), math.sqrt(variance / arm.count()), arm.count())


_MOST_GROWTH = 1e12
"""A growth beyond which rounding decides what an interval holds."""


def _fieller(means: Means, quantile: float) -> tuple[Interval, str]:
    """The growth of the second mean over the first with Fieller's interval, and why it lacks one.

    The ratios r for which |two - r one| is within the quantile's reach of 0 (Fieller, Journal of
    the Royal Statistical Society B 16, 1954, 175-185): at r = 1 that is the test of the difference.
    They are an interval where the first mean is surely not 0.
    """
    (base, level), (base_error, level_error) = means.levels, means.errors
    if base <= 0:
        return UNKNOWN, "an adjusted mean is not positive, so there is no relative effect"
    ratio = level / base
    if not ratio < _MOST_GROWTH:
        return UNKNOWN, "control's mean is all but zero, so there is no relative effect"
    alone = Interval(ratio - 1, None, None)
    if level == 0:
        return alone, "none is left, so the relative effect has no interval"
    near, far = (quantile * each / base for each in (base_error, level_error))  # of any unit
    held = 1 - near**2
    if held <= 0:
        return alone, "the mean is too close to zero for its spread to give a relative interval"
    spread, shared = math.hypot(far * math.sqrt(held), near * ratio), 0.0
    if means.together:
        shared = (quantile / base) ** 2 * means.together
        spread = math.sqrt(max(spread**2 - shared * (2 * ratio - shared), 0.0))
    half, middle = spread / held, (ratio - shared) / held
    return Interval(ratio - 1, middle - half - 1, middle + half - 1), ""


def _undefined(metric: Ratio, arms: Sequence[Aggregates]) -> str:
    """Why the metric itself has no value, "" where it has one."""
    if any(arm.count() == 0 for arm in arms):
        return "an arm has no exposed shoppers"
    if not all(math.isfinite(arm.mean(column)) for arm in arms for column in metric.columns):
        return "a shopper's value is not a finite number"
    if metric.denominator is not None and any(arm.mean(metric.denominator) <= 0 for arm in arms):
        return f"an arm has no {metric.denominator}"
    return ""


def _uncertain(metric: Ratio, arms: Sequence[Aggregates]) -> str:
    """Why the metric has a value but no interval, "" where it has one."""
    if any(arm.count() < 2 for arm in arms):
        return "an arm has fewer than 2 exposed shoppers"
    vary = [ratio_variance(arm, metric.numerator, metric.denominator) > 0 for arm in arms]
    if not any(vary):
        none = all(arm.mean(metric.numerator) == 0 for arm in arms)
        return f"the arms have no {metric.numerator}" if none else "no variation between shoppers"
    return ""
