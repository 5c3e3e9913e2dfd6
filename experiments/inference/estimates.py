"""Estimates, intervals and p-values of a shopper-randomised test, by tea-tasting on aggregates.

Conventions, because libraries differ: the unit of analysis is the shopper, the unit of
randomisation; variances are sample variances (n - 1) and not assumed equal (Welch, Student's t);
ratio metrics and CUPED use the delta method; relative intervals are built on the log scale;
p-values come from survival functions. What the data cannot tell is None, with a reason, never a
number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import tea_tasting as tt
from tea_tasting.aggr import Aggregates

from experiments.inference.cuped import all_explained, covariates, nothing_to_adjust_by
from experiments.inference.intervals import ratio_variance
from experiments.inference.metrics import Metric
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.metrics import Estimate


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
        *(covariates(metric) if cuped else ()),
        alternative="two-sided",
        confidence_level=confidence,
        equal_var=False,
        use_t=True,
    )


def _undefined(metric: Metric, arms: Sequence[Aggregates], cuped: bool) -> str:
    """Why the metric itself has no value, "" where it has one."""
    if any(arm.count() == 0 for arm in arms):
        return "an arm has no exposed shoppers"
    if metric.denominator is not None and any(arm.mean(metric.denominator) <= 0 for arm in arms):
        return f"an arm has no {metric.denominator}"
    return nothing_to_adjust_by(metric, arms) if cuped else ""


def _uncertain(metric: Metric, arms: Sequence[Aggregates], cuped: bool) -> str:
    """Why the metric has a value but no interval, "" where it has one."""
    if any(arm.count() < 2 for arm in arms):
        return "an arm has fewer than 2 exposed shoppers"
    if any(arm.mean(metric.numerator) == 0 for arm in arms):
        return f"an arm has no {metric.numerator}"
    if any(ratio_variance(arm, metric.numerator, metric.denominator) == 0 for arm in arms):
        return "an arm has no variation between shoppers"
    return all_explained(metric, arms) if cuped else ""
