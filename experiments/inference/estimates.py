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
    Before,
    all_explained,
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
    metric: str, contrast: tuple[str, str], shoppers: tuple[int, int], *, cuped: bool = False
) -> Estimate:
    """A row without a number; `shoppers` are those of control and of treatment."""
    return Estimate(
        metric=metric,
        contrast=contrast,
        design="shopper",
        n=sum(shoppers),
        n_control=shoppers[0],
        n_treatment=shoppers[1],
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
    found, reason = levels(metric, arms, cuped=row.cuped)
    if found is None:
        return row, reason
    row, reason = compared(row, *found, confidence)
    if row.cuped and alarming(history_gap(metric, row.contrast, arms)[0]):
        return row, (
            "the arms differ in the history that they are adjusted by, more than chance allows"
        )
    for arm, name in zip(arms, row.contrast, strict=True):
        if reason and arm.mean(metric.numerator) == 0:
            reason = f"{name} has no {metric.numerator}, so a relative effect has no interval"
    return row, reason


def levels(
    metric: Ratio, arms: tuple[Aggregates, Aggregates], *, cuped: bool = False
) -> tuple[tuple["Level", "Level"] | None, str]:
    """A metric's level in two arms, as `compared` takes it; None and why where there is none.

    Args:
        metric: what is told.
        arms: statistics of control and of treatment; with covariates for CUPED.
        cuped: adjust both by their history, together.
    """
    if reason := _undefined(metric, arms, cuped) or _uncertain(metric, arms, cuped):
        return None, reason
    adjustment = Adjustment.of(metric, arms) if cuped else None
    one, two = (_level(arm, metric, adjustment) for arm in arms)
    return (one, two), ""


def compared(row: Estimate, one: "Level", two: "Level", confidence: float) -> tuple[Estimate, str]:
    """A row with the difference of two levels, and why something in it is None.

    Args:
        row: names what is compared.
        one, two: of control and of treatment, independent.
        confidence: level of the intervals.
    """
    gap, error, freedom = combined((-1.0, one), (1.0, two))
    growth = two.mean / one.mean - 1 if one.mean > 0 else None
    effect, relative = (Interval(size, None, None) for size in (gap, growth))
    row = replace(row, control=one.mean, treatment=two.mean, effect=effect, relative=relative)
    if freedom == 0:
        return row, "no variation between shoppers"
    effect, p_value = student(gap, error, freedom, confidence=confidence)
    relative, reason = _fieller(one, two, float(reach(1.0, freedom, confidence=confidence)))
    return replace(row, effect=effect, relative=relative, p_value=p_value), reason


def combined(*parts: tuple[float, "Level"]) -> tuple[float, float, float]:
    """A sum of levels, each times a number: its size, standard error and degrees of freedom.

    The levels are independent, and their variances not assumed equal (Welch, Biometrika 34, 1947,
    28-35; Satterthwaite, Biometrics Bulletin 2, 1946, 110-114). Without degrees, 0, there is no
    interval: nothing varies, or a level is of fewer than two shoppers.
    """
    size = math.fsum(factor * level.mean for factor, level in parts)
    error = math.hypot(*(factor * level.error for factor, level in parts))
    if error == 0 or min(level.n for _, level in parts) < 2:
        return size, error, 0.0
    shares = [((factor * level.error / error) ** 2, level.n) for factor, level in parts]
    return size, error, 1 / math.fsum(share**2 / (n - 1) for share, n in shares)


def history_gap(
    metric: Ratio,
    contrast: tuple[str, str],
    arms: tuple[Aggregates, Aggregates],
    *,
    confidence: float = 0.95,
) -> tuple[Estimate, str]:
    """How a metric differed between the arms' shoppers before the experiment.

    Args:
        metric: of the experiment; its columns of the history are compared.
        contrast: (control, treatment) arm names.
        arms: statistics of both, with covariates.
        confidence: level of the intervals.
    """
    sizes = arms[0].count(), arms[1].count()
    before = Before(metric)
    return _filled(blank(before.name, contrast, sizes), before, *arms, confidence)


def alarming(history: Estimate) -> bool:
    """Whether the arms' histories differ by more than chance, so that adjusting by them misleads.

    Arms are drawn whatever happened before, so that chance alone may set the histories apart.
    """
    if history.p_value is not None:
        return history.p_value < HISTORY_ALARM
    constant = min(history.n_control, history.n_treatment) > 1  # one value in each arm
    return constant and history.effect.estimate not in (None, 0.0)


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


def _fieller(one: Level, two: Level, quantile: float) -> tuple[Interval, str]:
    """The growth of the second mean over the first with Fieller's interval, and why it lacks one.

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
    near, far = (quantile * level.error / one.mean for level in (one, two))  # of any unit
    held = 1 - near**2
    if held <= 0:
        return alone, "the mean is too close to zero for its spread to give a relative interval"
    half, middle = math.hypot(far * math.sqrt(held), near * ratio) / held, ratio / held
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
