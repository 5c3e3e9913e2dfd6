"""Post-stratification: arms are compared within strata, which weigh as they do of all shoppers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special
from tea_tasting.aggr import Aggregates

from experiments.inference.intervals.student import ROUNDING, ratio_variance
from experiments.inference.metrics import Ratio
from experiments.inference.reduction.adjustment import IMBALANCE_ALARM, Means, Refusal
from experiments.inference.reduction.arm import Arm, summed
from experiments.inference.reduction.covariate import Covariate, claim_notes
from experiments.inference.reduction.stratified import Stratified
from simulator.errors import ConfigError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_EXPECTED = 10
"""Shoppers that an arm must expect in a stratum that stands alone: it gets fewer than two once in
2,000 times then, and what the weights add to the variance is too large by a twentieth at most."""
MOST_LISTED = 5
"""Names of strata that a note lists."""
OTHERS = "others"
"""Name of the strata that are too small to stand alone, as one."""


@dataclass(frozen=True)
class PostStratification:
    """Adjusts by strata; see `Adjustment`.

    Attributes:
        strata: columns whose values, all of them together, tell the stratum of a shopper; see
            `known_before` and `treatment_cannot_move`.

    Raises:
        ConfigError: no column.
    """

    strata: tuple[Covariate, ...]

    def __post_init__(self) -> None:
        if not self.strata:
            raise ConfigError("strata == no column, must be one at least")

    @property
    def name(self) -> str:
        """How outputs call it."""
        return f"post-stratification by {self._columns()}"

    def _columns(self) -> str:
        return ", ".join(each.column for each in self.strata)

    def columns(self, metric: Ratio) -> tuple[str, ...]:
        """The metric's own.

        Raises:
            ConfigError: a stratum is a column of the metric.
        """
        for each in self.strata:
            if each.column in metric.columns:
                raise ConfigError(
                    f"strata: {each.column} == a column of {metric.name}, must be another"
                )
        return metric.columns

    def nothing_to_adjust_by(self, metric: Ratio, control: Arm, treatment: Arm) -> str:
        """Why the strata cannot adjust anything, "" where they may."""
        if min(control.whole.count(), treatment.whole.count()) < 2:
            return "an arm has fewer than 2 exposed shoppers"
        found = stratified(metric, control, treatment)
        return found.reason if isinstance(found, Refusal) else ""

    def adjust(self, metric: Ratio, control: Arm, treatment: Arm) -> Means | Refusal:
        """The post-stratified means of two arms."""
        found = stratified(metric, control, treatment)
        if isinstance(found, Refusal):
            return found
        for arm, left in zip((control, treatment), found.part_SA.sum(axis=0), strict=True):
            if not left and ratio_variance(arm.whole, metric.numerator, metric.denominator) > 0:
                return Refusal("an arm has no variation within the strata")
        doubt = ""
        if imbalance(control, treatment) < IMBALANCE_ALARM:
            doubt = (
                f"the arms differ in the strata that they are adjusted by ({self._columns()}), "
                "more than chance allows"
            )
        notes = claim_notes(self.strata)
        if found.pooled:
            notes = (f"too small alone, taken as one stratum: {_listed(found.pooled)}", *notes)
        means = found.means()
        return Means(means.levels, means.errors, means.freedom, means.together, doubt, notes)


def stratified(metric: Ratio, control: Arm, treatment: Arm) -> Stratified | Refusal:
    """Two arms stratum by stratum; strata that are too small to stand alone are one.

    Whether one is too small is told by how many shoppers it has, not by how they were split: to
    pool those of which an arm happened to get few would compare unlike shoppers.
    """
    found = _Counts.of(control, treatment)
    alone = [name for name in found.n if found.enough([name])]
    pooled = [name for name in found.n if name not in alone]
    while pooled and alone and not found.enough(pooled):
        pooled.append(min(alone, key=lambda name: found.n[name].sum()))
        alone.remove(pooled[-1])
    if len(alone) + bool(pooled) < 2:
        return Refusal("fewer than two strata have enough shoppers in both arms")
    arms = (control.strata, treatment.strata)
    parts = [[arm[name] for name in alone] for arm in arms]
    if pooled:
        for arm, kept in zip(arms, parts, strict=True):
            kept.append(summed(arm[name] for name in pooled if name in arm))
    names = (*alone, OTHERS) if pooled else tuple(alone)
    n_SA = np.array([[each.count() for each in arm] for arm in parts]).T
    weight_S = n_SA.sum(axis=1) / n_SA.sum()
    values = [_values(metric, arm, weight_S) for arm in parts]
    level_SA, variance_SA = (np.stack(each, axis=1) for each in zip(*values, strict=True))
    return Stratified(names, tuple(pooled), n_SA, level_SA, variance_SA)


@dataclass(frozen=True)
class _Counts:
    """How many shoppers the strata have.

    Attributes:
        n: of each stratum, (2,) in control and in treatment.
        share: the smaller arm's, of all shoppers.
    """

    n: Mapping[str, Ints]
    share: float

    @classmethod
    def of(cls, control: Arm, treatment: Arm) -> "_Counts":
        """Those of two arms."""
        arms = (control.strata, treatment.strata)
        n = {
            name: np.array([arm[name].count() if name in arm else 0 for arm in arms])
            for name in sorted({*control.strata, *treatment.strata})
        }
        sizes = [arm.whole.count() for arm in (control, treatment)]
        return cls(n, min(sizes) / sum(sizes))

    def together(self, names: Sequence[str]) -> Ints:
        """(2,) those of some strata."""
        return np.asarray(sum((self.n[name] for name in names), np.zeros(2, np.int64)))

    def large(self, names: Sequence[str]) -> bool:
        """Whether both arms expect enough of them."""
        return bool(self.together(names).sum() * self.share >= FEWEST_EXPECTED)

    def enough(self, names: Sequence[str]) -> bool:
        """Whether both arms expect enough of them, and have got two at least."""
        return self.large(names) and bool(self.together(names).min() >= 2)


def imbalance(control: Arm, treatment: Arm) -> float:
    """The p-value of two arms having the same strata (Pearson's chi-square); small ones are one."""
    found = _Counts.of(control, treatment)
    small = [name for name in found.n if not found.large([name])]
    cells = [each for name, each in found.n.items() if name not in small]
    if found.large(small):
        cells.append(found.together(small))
    if len(cells) < 2:
        return 1.0
    found_SA = np.array(cells, np.float64)
    expected_SA = np.outer(found_SA.sum(axis=1), found_SA.sum(axis=0)) / found_SA.sum()
    statistic = ((found_SA - expected_SA) ** 2 / expected_SA).sum()
    return float(special.chdtrc(len(cells) - 1, statistic))


def _values(metric: Ratio, strata: Sequence[Aggregates], weight_S: Floats) -> tuple[Floats, Floats]:
    """(S,) the metric and its variance in the strata of an arm, linearised (delta method)."""
    top, bottom = metric.numerator, metric.denominator
    top_S, bottom_S = (np.array([each.mean(c) for each in strata]) for c in (top, bottom))
    below = float(weight_S @ bottom_S)
    ratio = float(weight_S @ top_S) / below
    terms_S = np.array([each.var(top) + ratio**2 * each.var(bottom) for each in strata])
    shared_S = np.array([each.cov(top, bottom) for each in strata])
    left_S = terms_S - 2 * ratio * shared_S
    variance_S = np.where(left_S > ROUNDING * terms_S, left_S, 0.0) / below**2
    return ratio + (top_S - ratio * bottom_S) / below, variance_S


def _listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(names[:MOST_LISTED]) + more
