"""CUPED: estimates adjusted by the same metric in the history period, which narrows them.

The adjusted value of a shopper is the value minus theta times the covariate's deviation from its
mean, theta their covariance over the covariate's variance (Deng, Xu, Kohavi and Walker, WSDM 2013,
eq. 4). A shopper's covariate is the same column of the unit table in the history period; for a
ratio metric both are linearised (delta method).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tea_tasting.aggr import Aggregates

from experiments.inference.intervals.student import ROUNDING, ratio_variance
from experiments.inference.metrics import Ratio

PRE = "pre_"
"""Prefix of a covariate: the same column in the history period."""


def covariates(metric: Ratio) -> tuple[str, str | None]:
    """The metric's numerator and denominator in the history period."""
    denominator = metric.denominator
    return PRE + metric.numerator, None if denominator is None else PRE + denominator


@dataclass(frozen=True)
class Before:
    """A metric in the history period; see `Ratio`."""

    metric: Ratio

    @property
    def name(self) -> str:
        """The metric's, marked as one of the history."""
        return PRE + self.metric.name

    @property
    def numerator(self) -> str:
        """The same column in the history period."""
        return covariates(self.metric)[0]

    @property
    def denominator(self) -> str | None:
        """The same column in the history period, where the metric has one."""
        return covariates(self.metric)[1]

    @property
    def columns(self) -> tuple[str, ...]:
        """Both."""
        return tuple(PRE + column for column in self.metric.columns)


@dataclass(frozen=True)
class Adjustment:
    """By what a metric is adjusted, from both arms together.

    Attributes:
        theta: what a unit of the covariate moves the metric by.
        covariate: its mean over both arms.
    """

    metric: Ratio
    theta: float
    covariate: float

    @classmethod
    def of(cls, metric: Ratio, arms: Sequence[Aggregates]) -> "Adjustment":
        """The adjustment of two arms."""
        own, before = (metric.numerator, metric.denominator), covariates(metric)
        total = arms[0] + arms[1]
        theta = total.ratio_cov(*own, *before) / total.ratio_var(*before)
        return cls(metric, theta, total.mean(before[0]) / total.mean(before[1]))

    def mean(self, arm: Aggregates) -> float:
        """The adjusted mean of an arm."""
        numerator, denominator = covariates(self.metric)
        plain = arm.mean(self.metric.numerator) / arm.mean(self.metric.denominator)
        before = arm.mean(numerator) / arm.mean(denominator)
        return float(plain - self.theta * (before - self.covariate))

    def variance(self, arm: Aggregates) -> float:
        """The adjusted variance of a shopper of an arm; 0 where only rounding is left of it."""
        own, before = (self.metric.numerator, self.metric.denominator), covariates(self.metric)
        plain, explained = arm.ratio_var(*own), 2 * self.theta * arm.ratio_cov(*own, *before)
        left = plain + self.theta**2 * arm.ratio_var(*before) - explained
        return float(left) if left > ROUNDING * plain else 0.0


def nothing_to_adjust_by(metric: Ratio, arms: Sequence[Aggregates]) -> str:
    """Why the history cannot adjust the metric, "" where it can."""
    if any(arm.count() < 2 for arm in arms):
        return "an arm has fewer than 2 exposed shoppers"
    numerator, denominator = covariates(metric)
    if denominator is not None and any(arm.mean(denominator) <= 0 for arm in arms):
        return f"the history has no {metric.denominator} of an arm's shoppers"
    varies = ratio_variance(arms[0] + arms[1], numerator, denominator) > 0
    return "" if varies else f"the history has no variation in {metric.name}"


def all_explained(metric: Ratio, arms: Sequence[Aggregates]) -> str:
    """Why an adjusted metric has no interval, "" where the history leaves it some variation."""
    adjustment = Adjustment.of(metric, arms)
    if any(adjustment.variance(arm) == 0 for arm in arms):
        return "an arm has no variation that the history does not explain"
    return ""
