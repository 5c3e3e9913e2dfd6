"""CUPED: estimates adjusted by the same metric in the history period, which narrows them.

The adjusted value of a shopper is the value minus theta times the covariate's deviation from its
mean, theta their covariance over the covariate's variance (Deng, Xu, Kohavi and Walker, WSDM 2013,
eq. 4). A shopper's covariate is the same column of the unit table in the history period; for a
ratio metric both are linearised (delta method). tea-tasting does the sums; here is what it needs,
and when the history does not allow it.
"""

from collections.abc import Sequence

from tea_tasting.aggr import Aggregates

from experiments.inference.intervals import ROUNDING, ratio_variance
from experiments.inference.metrics import Metric

PRE = "pre_"
"""Prefix of a covariate: the same column in the history period."""


def covariates(metric: Metric) -> tuple[str, str | None]:
    """The metric's numerator and denominator in the history period."""
    denominator = metric.denominator
    return PRE + metric.numerator, None if denominator is None else PRE + denominator


def nothing_to_adjust_by(metric: Metric, arms: Sequence[Aggregates]) -> str:
    """Why the history cannot adjust the metric, "" where it can."""
    if any(arm.count() < 2 for arm in arms):
        return "an arm has fewer than 2 exposed shoppers"
    numerator, denominator = covariates(metric)
    if denominator is not None and any(arm.mean(denominator) <= 0 for arm in arms):
        return f"the history has no {metric.denominator} of an arm's shoppers"
    varies = ratio_variance(arms[0] + arms[1], numerator, denominator) > 0
    return "" if varies else f"the history has no variation in {metric.name}"


def all_explained(metric: Metric, arms: Sequence[Aggregates]) -> str:
    """Why an adjusted metric has no interval, "" where the history leaves it some variation."""
    own, before = (metric.numerator, metric.denominator), covariates(metric)
    total = arms[0] + arms[1]
    theta = total.ratio_cov(*own, *before) / total.ratio_var(*before)
    for arm in arms:
        plain = arm.ratio_var(*own)
        explained = 2 * theta * arm.ratio_cov(*own, *before)
        if plain + theta**2 * arm.ratio_var(*before) - explained <= ROUNDING * plain:
            return "an arm has no variation that the history does not explain"
    return ""
