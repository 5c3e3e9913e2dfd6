"""Regression adjustment from sufficient statistics: several covariates at once.

The adjusted level of an arm is what a regression of the metric on the covariates says of a shopper
with the mean covariates of all. Counts, means and covariances of the arms are enough: to first
order the error depends on the variance of what the regression leaves, not on where it is left.

Errors are those of shoppers who are a sample (a superpopulation). Where slopes differ between arms
(the effect differs between shoppers) the errors of the two regressions are too small for it: that
the mean covariates are a sample's, too, adds (slope difference)' cov(x) (slope difference) / n.
Zhang, Wan and Qin ("Bridging Control Variates and Regression Adjustment in A/B Testing", 2025,
arXiv 2509.13944) name this correction; with it the variances are those of ANHECOVA (Ye, Shao, Yi
and Zhao, Journal of the American Statistical Association 118, 2023, 2370-2382).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from tea_tasting.aggr import Aggregates

from experiments.inference.intervals.student import satterthwaite
from experiments.inference.metrics import Ratio
from experiments.inference.reduction.adjustment import IMBALANCE_ALARM, Means, Refusal
from experiments.inference.reduction.arm import Arm, summed
from experiments.inference.reduction.covariate import Covariate, claim_notes
from experiments.inference.reduction.moments import Floats, Moments, imbalance, solved
from simulator.errors import ConfigError


class Slopes(StrEnum):
    """Whose shoppers tell how much a covariate moves the metric."""

    TOTAL = "total"
    """All shoppers, as if there were no arms: CUPED (Deng et al., WSDM 2013, eq. 4). With one
    covariate it is tea-tasting's. The error takes the slopes as known."""

    POOLED = "pooled"
    """All shoppers, each against the mean of the own arm: analysis of covariance (ANCOVA)."""

    BY_ARM = "by_arm"
    """The shoppers of each arm for that arm: interacted regression (Lin, Annals of Applied
    Statistics 7, 2013, 295-318). Never worse than the plain difference in large arms, also where
    arms are unequal and the effect differs between shoppers."""


_NAMES = {
    Slopes.TOTAL: "CUPED, several covariates",
    Slopes.POOLED: "regression, one slope (ANCOVA)",
    Slopes.BY_ARM: "regression, slopes by arm (Lin)",
}
FEWEST_PER_SLOPE = 10
"""Shoppers of an arm for each covariate from which slopes may be taken as known: the error is too
small by half the covariates over all shoppers, so by 1 in 40."""


@dataclass(frozen=True)
class Regression:
    """Adjusts by covariates; see `Adjustment`.

    Attributes:
        covariates: see `known_before` and `treatment_cannot_move`. One that does not vary, or that
            those before it tell, is left out, and named in the notes.
        slopes: whose shoppers tell their slopes.

    Raises:
        ConfigError: no covariate, or one twice.
    """

    covariates: tuple[Covariate, ...]
    slopes: Slopes = Slopes.BY_ARM

    def __post_init__(self) -> None:
        names = [each.column for each in self.covariates]
        if not names or len(set(names)) < len(names):
            listed = ", ".join(names) or "none"
            raise ConfigError(f"covariates == {listed}, must be one at least, each once")

    @property
    def name(self) -> str:
        """How outputs call it."""
        return _NAMES[self.slopes]

    @property
    def strata(self) -> tuple[Covariate, ...]:
        """None: shoppers need not be split."""
        return ()

    def columns(self, metric: Ratio) -> tuple[str, ...]:
        """The metric's own and the covariates.

        Raises:
            ConfigError: a covariate is a column of the metric.
        """
        names = tuple(each.column for each in self.covariates)
        for name in names:
            if name in metric.columns:
                raise ConfigError(
                    f"covariates: {name} == a column of {metric.name}, must be another"
                )
        return (*metric.columns, *names)

    def nothing_to_adjust_by(self, metric: Ratio, control: Arm, treatment: Arm) -> str:
        """Why the covariates cannot adjust anything, "" where they may."""
        counts = [arm.whole.count() for arm in (control, treatment)]
        if min(counts) < 2:
            return "an arm has fewer than 2 exposed shoppers"
        fewest = self._fewest()
        if min(counts) < fewest:
            size = len(self.covariates)
            many = "1 covariate" if size == 1 else f"{size} covariates"
            return f"an arm has {min(counts)} exposed shoppers, {many} need {fewest}"
        whole = self._moments(metric, summed((control.whole, treatment.whole)))
        if not np.isfinite(whole.mean_K).all():
            return "a shopper's covariate is not a finite number"
        return "" if whole.varying() else "no covariate varies between shoppers"

    def _fewest(self) -> int:
        """Shoppers that an arm must have; by arm, two are left when each slope has taken one."""
        size = len(self.covariates)
        return size * FEWEST_PER_SLOPE if self.slopes is Slopes.TOTAL else size + 3

    def _moments(self, metric: Ratio, arm: Aggregates) -> Moments:
        return Moments.of(arm, metric, [each.column for each in self.covariates])

    def adjust(self, metric: Ratio, control: Arm, treatment: Arm) -> Means | Refusal:
        """The adjusted means of two arms."""
        whole = self._moments(metric, summed((control.whole, treatment.whole)))
        arms = (self._moments(metric, control.whole), self._moments(metric, treatment.whole))
        doubt = self._doubt(arms, whole)
        kept = whole.varying()
        if self.slopes is Slopes.BY_ARM:
            for arm in arms:
                kept = [kept[at] for at in arm.kept(kept).varying()]
        elif self.slopes is Slopes.POOLED:
            kept = [kept[at] for at in _within(arms).kept(kept).varying()]
        if not kept:
            return Refusal(doubt or "no covariate varies within the arms")
        whole, arms = whole.kept(kept), (arms[0].kept(kept), arms[1].kept(kept))
        found = _METHODS[self.slopes](arms, whole)
        if isinstance(found, Refusal):
            return found
        notes = (*self._left_out(kept), *claim_notes(self.covariates))
        return Means(found.levels, found.errors, found.freedom, found.together, doubt, notes)

    def _doubt(self, arms: tuple[Moments, Moments], whole: Moments) -> str:
        """Why adjusting misleads: the arms differ by more than chance in the covariates."""
        at = whole.varying()
        if imbalance((arms[0].kept(at), arms[1].kept(at)), whole.kept(at)) >= IMBALANCE_ALARM:
            return ""
        listed = ", ".join(self.covariates[each].column for each in at)
        return f"the arms differ in what they are adjusted by ({listed}), more than chance allows"

    def _left_out(self, kept: Sequence[int]) -> tuple[str, ...]:
        names = [each.column for at, each in enumerate(self.covariates) if at not in kept]
        why = "no variation in an arm, or told by the others"
        return (f"not adjusted by {', '.join(names)}: {why}",) if names else ()


def _within(arms: tuple[Moments, Moments]) -> Moments:
    """Both arms as one, each shopper against the mean of the own arm."""
    one, two = arms
    shared_K = (one.n - 1) * one.shared_K + (two.n - 1) * two.shared_K
    cov_KK = (one.n - 1) * one.cov_KK + (two.n - 1) * two.cov_KK
    n = one.n + two.n
    mean_K = (one.n * one.mean_K + two.n * two.mean_K) / n
    return Moments(n, one.level, one.variance, mean_K, shared_K / (n - 2), cov_KK / (n - 2))


_EXPLAINED = Refusal("an arm has no variation that the covariates do not explain")


def _total(arms: tuple[Moments, Moments], whole: Moments) -> Means | Refusal:
    """Slopes of all shoppers; the errors are those of values less slope times covariates."""
    slope_K = solved(whole.cov_KK, whole.shared_K)
    left = (arms[0].left(slope_K), arms[1].left(slope_K))
    if _explained(arms, left):
        return _EXPLAINED
    parts = (left[0] / arms[0].n, left[1] / arms[1].n)
    centre = _of_centre(slope_K, slope_K, whole)
    errors = (math.sqrt(parts[0] + centre), math.sqrt(parts[1] + centre))
    freedom = satterthwaite(parts, (arms[0].n - 1, arms[1].n - 1))
    return Means(_levels(arms, whole, (slope_K, slope_K)), errors, freedom, centre)


def _pooled(arms: tuple[Moments, Moments], whole: Moments) -> Means | Refusal:
    """Slopes from within the arms; the errors are the sandwich's of the effect and the levels.

    With one residual variance for each arm, which is unbiased where the arms' are equal: that is
    HC2 (MacKinnon and White, Journal of Econometrics 29, 1985, 305-325) averaged over the arm.
    """
    within, n = _within(arms), whole.n
    scatter_KK = (n - 2) * within.cov_KK
    slope_K = solved(within.cov_KK, within.shared_K)
    left = (arms[0].left(slope_K), arms[1].left(slope_K))
    if _explained(arms, left):
        return _EXPLAINED
    pull_K = solved(scatter_KK, arms[1].mean_K - arms[0].mean_K)
    of_means, of_slopes, freedoms = [], [], []
    for arm, rest in zip(arms, left, strict=True):
        own_KK = (arm.n - 1) * arm.cov_KK
        freedom = arm.n - 1 - float(np.trace(solved(scatter_KK, own_KK)))
        noise = rest * (arm.n - 1) / freedom
        of_means.append(noise / arm.n)
        of_slopes.append(noise * float(pull_K @ own_KK @ pull_K))
        freedoms.append(freedom)
    parts = [mean + slope for mean, slope in zip(of_means, of_slopes, strict=True)]
    moved, centre = sum(of_slopes), _of_centre(slope_K, slope_K, whole)
    share = (arms[1].n / n, arms[0].n / n)  # of the gap of covariates, by which a level is moved
    one, two = (math.sqrt(of_means[at] + share[at] ** 2 * moved + centre) for at in (0, 1))
    return Means(
        _levels(arms, whole, (slope_K, slope_K)),
        (one, two),
        satterthwaite(parts, freedoms),
        centre - share[0] * share[1] * moved,
    )


def _by_arm(arms: tuple[Moments, Moments], whole: Moments) -> Means | Refusal:
    """Slopes of each arm; the errors are those of two regressions' predictions at the mean of x."""
    slopes = (solved(arms[0].cov_KK, arms[0].shared_K), solved(arms[1].cov_KK, arms[1].shared_K))
    left = (arms[0].left(slopes[0]), arms[1].left(slopes[1]))
    if _explained(arms, left):
        return _EXPLAINED
    parts, freedoms = [], []
    for arm, rest in zip(arms, left, strict=True):
        freedom = arm.n - 1 - len(whole.mean_K)
        gap_K = whole.mean_K - arm.mean_K
        leverage = 1 / arm.n + float(gap_K @ solved((arm.n - 1) * arm.cov_KK, gap_K))
        parts.append(rest * (arm.n - 1) / freedom * leverage)
        freedoms.append(freedom)
    one, two = (
        math.sqrt(part + _of_centre(slope_K, slope_K, whole))
        for part, slope_K in zip(parts, slopes, strict=True)
    )
    apart_K = slopes[1] - slopes[0]
    return Means(
        _levels(arms, whole, slopes),
        (one, two),
        satterthwaite([*parts, _of_centre(apart_K, apart_K, whole)], [*freedoms, whole.n - 1]),
        _of_centre(*slopes, whole),
    )


def _explained(arms: tuple[Moments, Moments], left: tuple[float, float]) -> bool:
    """Whether the covariates explain all that varies in an arm."""
    return any(arm.variance > 0 and rest == 0 for arm, rest in zip(arms, left, strict=True))


def _levels(
    arms: tuple[Moments, Moments], whole: Moments, slopes: tuple[Floats, Floats]
) -> tuple[float, float]:
    """What a shopper with the mean covariates of all would do in both arms."""
    one, two = (
        arm.level + float(slope_K @ (whole.mean_K - arm.mean_K))
        for arm, slope_K in zip(arms, slopes, strict=True)
    )
    return one, two


def _of_centre(left_K: Floats, right_K: Floats, whole: Moments) -> float:
    """What two slopes make of it that the mean covariates of all are a sample's."""
    return float(left_K @ whole.cov_KK @ right_K) / whole.n


_METHODS = {Slopes.TOTAL: _total, Slopes.POOLED: _pooled, Slopes.BY_ARM: _by_arm}
