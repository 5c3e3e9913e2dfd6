"""Estimates, intervals and p-values of a shopper-randomised test, from aggregates.

Conventions, because libraries differ: the unit of analysis is the shopper, the unit of
randomisation; variances are sample variances (n - 1) and not assumed equal (Welch, Student's t);
ratio metrics and CUPED use the delta method. All is decided on one scale, that of the difference:
the interval of the relative effect is Fieller's with the quantile of the difference's own, so it
excludes 0 where, and only where, that does and the p-value is below its level (one on the log scale
contradicts both on small or skewed data). What the data cannot tell is None, with a reason, never a
number.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tea_tasting.aggr import Aggregates

from experiments.inference.cuped import (
    Adjustment,
    all_explained,
    covariates,
    nothing_to_adjust_by,
)
from experiments.inference.intervals.student import ratio_variance, reach, student
from experiments.inference.metrics import Ratio
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.metrics import Estimate


def estimate(
    metric: Ratio,
    contrast: tuple[str, str],
    arms: Mapping[str, Aggregates],
    *,
    confidence: float = 0.95,
    cuped: bool = False,
) -> tuple[Estimate, str]:
    """Compare one metric between two arms.

    Args:
        metric: what is compared.
        contrast: (control, treatment) arm names.
        arms: statistics by arm, as `Units.aggregates` gives them; with covariates for CUPED.
        confidence: level of the intervals.
        cuped: adjust for the same metric in the history period (for a ratio metric, for the
            ratio of the history's numerator and denominator).

    Returns:
        The estimate, and the reason why something in it is None; "" where nothing is.
    """
    control, treatment = arms[contrast[0]], arms[contrast[1]]
    row = blank(metric.name, contrast, (control.count(), treatment.count()), cuped=cuped)
    return _filled(row, metric, control, treatment, confidence)


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


def _filled(
    row: Estimate, metric: Ratio, control: Aggregates, treatment: Aggregates, confidence: float
) -> tuple[Estimate, str]:
    """The row with the numbers that the arms determine, and why some are None."""
    arms = (control, treatment)
    if reason := _undefined(metric, arms, row.cuped):
        return row, reason
    if not row.cuped:  # an adjusted mean without its variance would be of no use
        base, level = (arm.mean(metric.numerator) / arm.mean(metric.denominator) for arm in arms)
        growth = level / base - 1 if base > 0 else None
        effect, relative = (Interval(size, None, None) for size in (level - base, growth))
        row = replace(row, control=base, treatment=level, effect=effect, relative=relative)
    if reason := _uncertain(metric, arms, row.cuped):
        return row, reason
    adjustment = Adjustment.of(metric, arms) if row.cuped else None
    one, two = (_level(arm, metric, adjustment) for arm in arms)
    row, reason = compared(row, one, two, confidence)
    if row.cuped and _unbalanced(row, metric, arms):
        return row, (
            "the arms differ in the history that they are adjusted by, more than chance allows"
        )
    for arm, name in zip(arms, row.contrast, strict=True):
        if reason and arm.mean(metric.numerator) == 0:
            reason = f"{name} has no {metric.numerator}, so a relative effect has no interval"
    return row, reason


def compared(
    row: Estimate,
    one: "Level",
    two: "Level",
    confidence: float,
    *,
    together: float = 0.0,
    freedom: float | None = None,
) -> tuple[Estimate, str]:
    """A row with the difference of two levels, and why it has no relative interval.

    Args:
        row: names what is compared.
        one, two: of control and of treatment; one of them has an error at least.
        confidence: level of the intervals.
        together: covariance of the two errors, where the same groups are in both arms.
        freedom: degrees of freedom; None: Welch's, of two independent samples.
    """
    apart = math.hypot(one.error, two.error)
    error = math.sqrt(max(apart**2 - 2 * together, 0.0))
    if freedom is None:  # Welch, Satterthwaite
        part = (one.error / apart) ** 2
        freedom = 1 / (part**2 / (one.n - 1) + (1 - part) ** 2 / (two.n - 1))
    effect, p_value = student(two.mean - one.mean, error, freedom, confidence=confidence)
    row = replace(row, control=one.mean, treatment=two.mean, effect=effect, p_value=p_value)
    quantile = float(reach(1.0, freedom, confidence=confidence))
    relative, reason = _fieller(one, two, quantile, together)
    return replace(row, relative=relative), reason


def _unbalanced(row: Estimate, metric: Ratio, arms: Sequence[Aggregates]) -> bool:
    """Whether the arms' histories differ by more than chance, so that adjusting by them misleads.

    Arms are drawn whatever happened before, so that chance alone may set the histories apart.
    """
    numerator, denominator = covariates(metric)
    one, two = (
        Level(
            float(arm.mean(numerator) / arm.mean(denominator)),
            math.sqrt(ratio_variance(arm, numerator, denominator) / arm.count()),
            arm.count(),
        )
        for arm in arms
    )
    if not one.error and not two.error:
        return one.mean != two.mean
    p_value = compared(row, one, two, 0.95)[0].p_value
    return p_value is not None and p_value < HISTORY_ALARM


HISTORY_ALARM = 0.001
"""A difference of histories this improbable is an alarm, as of a sample ratio."""


@dataclass(frozen=True)
class Level:
    """The mean of an arm, or another statistic, its standard error, and shoppers."""

    mean: float
    error: float
    n: int


def _level(arm: Aggregates, metric: Ratio, adjustment: Adjustment | None) -> Level:
    """A metric's mean in an arm, adjusted by the history or not."""
    mean = arm.mean(metric.numerator) / arm.mean(metric.denominator)
    variance = ratio_variance(arm, metric.numerator, metric.denominator)
    if adjustment is not None:
        mean, variance = adjustment.mean(arm), adjustment.variance(arm)
    return Level(float(mean), math.sqrt(variance / arm.count()), arm.count())


def _fieller(one: Level, two: Level, quantile: float, together: float) -> tuple[Interval, str]:
    """The growth of the second mean over the first with Fieller's interval, and why it lacks one.

    `together` is the covariance of their errors.

    The ratios r for which |two - r one| is within the quantile's reach of 0 (Fieller, Journal of
    the Royal Statistical Society B 16, 1954, 175-185): at r = 1 that is the test of the difference.
    They are an interval where the first mean is surely not 0.
    """
    if one.mean <= 0:
        return UNKNOWN, "an adjusted mean is not positive, so there is no relative effect"
    ratio = two.mean / one.mean
    alone = Interval(ratio - 1, None, None)
    if two.mean == 0:
        return alone, "none is left, so the relative effect has no interval"
    held = one.mean**2 - (quantile * one.error) ** 2
    if held <= 0:
        return alone, "the mean is too close to zero for its spread to give a relative interval"
    shared = quantile**2 * together
    spread = (quantile * two.error) ** 2 * held + (quantile * one.error * two.mean) ** 2
    spread += shared**2 - 2 * shared * one.mean * two.mean
    half, middle = math.sqrt(max(spread, 0.0)) / held, (one.mean * two.mean - shared) / held
    return Interval(ratio - 1, middle - half - 1, middle + half - 1), ""


def _undefined(metric: Ratio, arms: Sequence[Aggregates], cuped: bool) -> str:
    """Why the metric itself has no value, "" where it has one."""
    if any(arm.count() == 0 for arm in arms):
        return "an arm has no exposed shoppers"
    if not all(math.isfinite(arm.mean(column)) for arm in arms for column in metric.columns):
        return "a shopper's value is not a finite number"
    if metric.denominator is not None and any(arm.mean(metric.denominator) <= 0 for arm in arms):
        return f"an arm has no {metric.denominator}"
    return nothing_to_adjust_by(metric, arms) if cuped else ""


def _uncertain(metric: Ratio, arms: Sequence[Aggregates], cuped: bool) -> str:
    """Why the metric has a value but no interval, "" where it has one."""
    if any(arm.count() < 2 for arm in arms):
        return "an arm has fewer than 2 exposed shoppers"
    vary = [ratio_variance(arm, metric.numerator, metric.denominator) > 0 for arm in arms]
    if not any(vary):
        none = all(arm.mean(metric.numerator) == 0 for arm in arms)
        return f"the arms have no {metric.numerator}" if none else "no variation between shoppers"
    return all_explained(metric, arms) if cuped else ""
