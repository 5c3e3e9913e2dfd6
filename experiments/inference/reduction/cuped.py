"""CUPED: estimates adjusted by the same metric in the history period, which narrows them.

The adjusted value of a shopper is the value minus theta times the covariate's deviation from its
mean, theta their covariance over the covariate's variance (Deng, Xu, Kohavi and Walker, WSDM 2013,
eq. 4). A shopper's covariate is the same column of the unit table in the history period; for a
ratio metric both are linearised (delta method). Several covariates, and slopes that are taken
within arms or arm by arm: see `regression`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tea_tasting.aggr import Aggregates

from experiments.inference.intervals.student import ROUNDING, ratio_variance, student
from experiments.inference.metrics import Ratio
from experiments.inference.reduction.adjustment import IMBALANCE_ALARM, Means, Refusal
from experiments.inference.reduction.arm import Arm
from experiments.inference.reduction.covariate import Covariate

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
class Cuped:
    """Adjusts by the metric's own history; see `Adjustment`."""

    @property
    def name(self) -> str:
        """How outputs call it."""
        return "CUPED"

    @property
    def strata(self) -> tuple[Covariate, ...]:
        """None: shoppers need not be split."""
        return ()

    def columns(self, metric: Ratio) -> tuple[str, ...]:
        """The metric's own, and those of its history."""
        return (*metric.columns, *(PRE + column for column in metric.columns))

    def nothing_to_adjust_by(self, metric: Ratio, control: Arm, treatment: Arm) -> str:
        """Why the history cannot adjust the metric, "" where it can."""
        arms = (control.whole, treatment.whole)
        if any(arm.count() < 2 for arm in arms):
            return "an arm has fewer than 2 exposed shoppers"
        numerator, denominator = covariates(metric)
        if denominator is not None and any(arm.mean(denominator) <= 0 for arm in arms):
            return f"the history has no {metric.denominator} of an arm's shoppers"
        varies = ratio_variance(arms[0] + arms[1], numerator, denominator) > 0
        return "" if varies else f"the history has no variation in {metric.name}"

    def adjust(self, metric: Ratio, control: Arm, treatment: Arm) -> Means | Refusal:
        """The adjusted means of two arms."""
        arms = (control.whole, treatment.whole)
        slope = _Slope.of(metric, arms)
        variances = [slope.variance(arm) for arm in arms]
        if 0 in variances:
            return Refusal("an arm has no variation that the history does not explain")
        one, two = (
            math.sqrt(variance / arm.count()) for variance, arm in zip(variances, arms, strict=True)
        )
        counts = (arms[0].count(), arms[1].count())
        found = Means.apart((slope.mean(arms[0]), slope.mean(arms[1])), (one, two), counts)
        return Means(found.levels, found.errors, found.freedom, doubt=_doubt(metric, arms))


@dataclass(frozen=True)
class _Slope:
    """By what a metric is adjusted, from both arms together.

    Attributes:
        theta: what a unit of the covariate moves the metric by.
        covariate: its mean over both arms.
    """

    metric: Ratio
    theta: float
    covariate: float

    @classmethod
    def of(cls, metric: Ratio, arms: Sequence[Aggregates]) -> "_Slope":
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


def _doubt(metric: Ratio, arms: Sequence[Aggregates]) -> str:
    """Why adjusting by the history misleads: the arms' differ by more than chance; "" if not.

    Arms are drawn whatever happened before, so that chance alone may set the histories apart.
    """
    numerator, denominator = covariates(metric)
    one, two = (float(arm.mean(numerator) / arm.mean(denominator)) for arm in arms)
    errors = [math.sqrt(ratio_variance(arm, numerator, denominator) / arm.count()) for arm in arms]
    told = "the arms differ in the history that they are adjusted by, more than chance allows"
    if not any(errors):
        return told if one != two else ""
    counts = (arms[0].count(), arms[1].count())
    found = Means.apart((one, two), (errors[0], errors[1]), counts)
    _, p_value = student(found.effect, found.error, found.freedom, confidence=0.95)
    return told if p_value < IMBALANCE_ALARM else ""
