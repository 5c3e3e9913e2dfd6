"""An arm as a regression reads it: a metric and its covariates as counts, means and covariances."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special
from tea_tasting.aggr import Aggregates

from experiments.inference.intervals.student import ROUNDING, ratio_variance
from experiments.inference.metrics import Ratio

Floats = NDArray[np.float64]

COLLINEAR = 1e-9
"""Part of a covariate's variance that others must leave for it to say anything of its own."""


@dataclass(frozen=True)
class Moments:
    """The metric and K covariates of the shoppers of one arm, or of both.

    A ratio metric is linearised at the arm's own ratio (delta method), so that a shopper's value is
    the ratio plus (numerator - ratio denominator) / mean denominator.

    Attributes:
        n: shoppers.
        level: the metric.
        variance: of a shopper's value.
        mean_K: of the covariates.
        shared_K: their covariances with a shopper's value.
        cov_KK: their covariance matrix.
    """

    n: int
    level: float
    variance: float
    mean_K: Floats
    shared_K: Floats
    cov_KK: Floats

    @classmethod
    def of(cls, arm: Aggregates, metric: Ratio, covariates: Sequence[str]) -> "Moments":
        """Those of an arm of two shoppers at least."""
        own = (metric.numerator, metric.denominator)
        cov_KK = [[_covariance(arm, one, two) for two in covariates] for one in covariates]
        size = len(covariates)
        return cls(
            n=arm.count(),
            level=float(arm.mean(own[0]) / arm.mean(own[1])),
            variance=ratio_variance(arm, *own),
            mean_K=np.array([arm.mean(name) for name in covariates], np.float64),
            shared_K=np.array([arm.ratio_cov(*own, name, None) for name in covariates], np.float64),
            cov_KK=np.array(cov_KK, np.float64).reshape(size, size),
        )

    def kept(self, at_K: Sequence[int]) -> "Moments":
        """With these of the covariates alone."""
        at = list(at_K)
        cov_KK = self.cov_KK[np.ix_(at, at)]
        shared_K = self.shared_K[at]
        return Moments(self.n, self.level, self.variance, self.mean_K[at], shared_K, cov_KK)

    def left(self, slope_K: Floats) -> float:
        """The variance of value minus slope times covariates; 0 where only rounding is left."""
        explained = 2 * slope_K @ self.shared_K - slope_K @ self.cov_KK @ slope_K
        left = self.variance - float(explained)
        return left if left > ROUNDING * self.variance else 0.0

    def varying(self) -> list[int]:
        """The covariates that vary, and that those before them do not tell."""
        own_K = np.diag(self.cov_KK)
        moving_K = own_K > (ROUNDING * self.mean_K) ** 2
        kept: list[int] = []
        for at in np.flatnonzero(moving_K):
            cross_K = self.cov_KK[kept, at]
            known = cross_K @ solved(self.cov_KK[np.ix_(kept, kept)], cross_K) if kept else 0.0
            if own_K[at] - known > COLLINEAR * own_K[at]:
                kept.append(int(at))
        return kept


def _covariance(arm: Aggregates, one: str, two: str) -> float:
    return float(arm.var(one) if one == two else arm.cov(one, two))


def solved(cov_KK: Floats, right: Floats) -> Floats:
    """The solution x of cov x = right, whatever the units of the covariates.

    Args:
        cov_KK: a covariance matrix of full rank, or a multiple of one.
        right: (K,), or (K, X) for X solutions.
    """
    scale_K = np.sqrt(np.diag(cov_KK))
    even_KK = cov_KK / np.outer(scale_K, scale_K)
    return np.asarray((np.linalg.solve(even_KK, (right.T / scale_K).T).T / scale_K).T)


def imbalance(arms: tuple[Moments, Moments], whole: Moments) -> float:
    """The p-value of the arms' covariates having the same means: an F test of all at once.

    Hotelling's test (Annals of Mathematical Statistics 2, 1931, 360-378) by the share of the
    variance of "is in treatment" that the covariates explain, so that a covariate which is constant
    within the arms and differs between them is found, too.

    Args:
        arms: both, with covariates of which none tells another in `whole`.
        whole: of all their shoppers.
    """
    size, n = len(whole.mean_K), whole.n
    if not size or n - size - 1 < 1:
        return 1.0
    gap_K = arms[1].mean_K - arms[0].mean_K
    apart = float(gap_K @ solved(whole.cov_KK, gap_K)) / (n - 1)
    explained = min(1.0, apart * arms[0].n * arms[1].n / n)
    return float(special.betaincc(size / 2, (n - size - 1) / 2, explained))
