"""Estimates, intervals and p-values of a shopper-randomised test, by tea-tasting on aggregates.

Conventions, because libraries differ: the unit of analysis is the shopper, the unit of
randomisation; variances are sample variances (n - 1) and not assumed equal (Welch, Student's t);
ratio metrics and CUPED use the delta method; relative intervals are built on the log scale;
p-values come from survival functions; sample ratios are tested by chi-square without continuity
correction. What the data cannot tell is None, with a reason, never a number.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import tea_tasting as tt
from scipy import stats
from tea_tasting.aggr import Aggregates

from experiments.inference.intervals import ROUNDING
from experiments.inference.metrics import Metric
from experiments.inference.units import PRE
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.metrics import Estimate, SampleRatio


def estimate(
    metric: Metric,
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
        The estimate, and a warning that says why something in it is None; "" where nothing is.
    """
    control, treatment = arms[contrast[0]], arms[contrast[1]]
    row = Estimate(
        metric=metric.name,
        contrast=contrast,
        design="shopper",
        n=control.count() + treatment.count(),
        n_control=control.count(),
        n_treatment=treatment.count(),
        control=None,
        treatment=None,
        effect=UNKNOWN,
        relative=UNKNOWN,
        p_value=None,
        cuped=cuped,
    )
    row, warning = _filled(row, metric, control, treatment, confidence)
    if warning:
        adjusted = " (CUPED)" if cuped else ""
        warning = f"{metric.name}{adjusted}, {contrast[1]} against {contrast[0]}: {warning}"
    return row, warning


def _filled(
    row: Estimate, metric: Metric, control: Aggregates, treatment: Aggregates, confidence: float
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
    try:
        result = _test(metric, confidence, row.cuped).analyze_aggregates(control, treatment)
    except OverflowError:  # exp() of the log-scale half-width
        return row, "the mean is too close to zero for its spread to give an interval"
    base, level, *ends, p_value = (float(value) for value in result[:9])
    effect, relative = Interval(*ends[:3]), Interval(*ends[3:])
    row = replace(row, control=base, treatment=level, effect=effect, p_value=p_value)
    if base > 0 and level > 0:
        return replace(row, relative=relative), ""
    reason = "an adjusted mean is not positive, so there is no relative effect"
    return replace(row, relative=UNKNOWN), reason


def _test(metric: Metric, confidence: float, cuped: bool) -> tt.RatioOfMeans:
    return tt.RatioOfMeans(
        metric.numerator,
        metric.denominator,
        *(_covariates(metric) if cuped else ()),
        alternative="two-sided",
        confidence_level=confidence,
        equal_var=False,
        use_t=True,
    )


def _covariates(metric: Metric) -> tuple[str, str | None]:
    """The metric's columns in the history period."""
    denominator = metric.denominator
    return PRE + metric.numerator, None if denominator is None else PRE + denominator


def _undefined(metric: Metric, arms: Sequence[Aggregates], cuped: bool) -> str:
    """Why the metric itself has no value, "" where it has one."""
    if any(arm.count() == 0 for arm in arms):
        return "an arm has no exposed shoppers"
    if metric.denominator is not None and any(arm.mean(metric.denominator) <= 0 for arm in arms):
        return f"an arm has no {metric.denominator}"
    if not cuped:
        return ""
    if any(arm.count() < 2 for arm in arms):
        return "an arm has fewer than 2 exposed shoppers"
    numerator, denominator = _covariates(metric)
    if denominator is not None and any(arm.mean(denominator) <= 0 for arm in arms):
        return f"the history has no {metric.denominator} of an arm's shoppers"
    varies = _variance(arms[0] + arms[1], numerator, denominator) > 0
    return "" if varies else f"the history has no variation in {metric.name}"


def _uncertain(metric: Metric, arms: Sequence[Aggregates], cuped: bool) -> str:
    """Why the metric has a value but no interval, "" where it has one."""
    if any(arm.count() < 2 for arm in arms):
        return "an arm has fewer than 2 exposed shoppers"
    if any(arm.mean(metric.numerator) == 0 for arm in arms):
        return f"an arm has no {metric.numerator}"
    own = (metric.numerator, metric.denominator)
    if any(_variance(arm, *own) == 0 for arm in arms):
        return "an arm has no variation between shoppers"
    if not cuped:
        return ""
    covariates, total = _covariates(metric), arms[0] + arms[1]
    slope = total.ratio_cov(*own, *covariates) / total.ratio_var(*covariates)
    for arm in arms:
        plain = arm.ratio_var(*own)
        explained = 2 * slope * arm.ratio_cov(*own, *covariates)
        if plain + slope**2 * arm.ratio_var(*covariates) - explained <= ROUNDING * plain:
            return "an arm has no variation that the history does not explain"
    return ""


def _variance(arm: Aggregates, numerator: str, denominator: str | None) -> float:
    """Delta-method variance of one shopper's ratio; 0 where only rounding is left of it."""
    ratio = arm.mean(numerator) / arm.mean(denominator)
    terms = (arm.var(numerator) + ratio**2 * arm.var(denominator)) / arm.mean(denominator) ** 2
    variance = float(arm.ratio_var(numerator, denominator))
    return variance if variance > ROUNDING * terms else 0.0


def sample_ratio(
    population: str, counts: Mapping[str, int], shares: Mapping[str, float]
) -> SampleRatio:
    """Test a population's split over any number of arms with any shares (summing to 1)."""
    arms = tuple(shares)
    found = tuple(counts.get(arm, 0) for arm in arms)
    expected = tuple(sum(found) * shares[arm] for arm in arms)
    wanted = [(f, e) for f, e in zip(found, expected, strict=True) if f or e]
    if len(wanted) < 2:
        return SampleRatio(population, arms, found, expected, None, None)
    if any(e == 0 for _, e in wanted):  # shoppers in an arm that should have none
        return SampleRatio(population, arms, found, expected, None, 0.0)
    statistic = math.fsum((f - e) ** 2 / e for f, e in wanted)
    p_value = float(stats.chi2.sf(statistic, len(wanted) - 1))
    return SampleRatio(population, arms, found, expected, statistic, p_value)
