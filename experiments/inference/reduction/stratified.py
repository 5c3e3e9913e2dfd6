"""What two arms say stratum by stratum, and together.

The estimator and its variances are those of Miratrix, Sekhon and Yu ("Adjusting treatment effect
estimates by post-stratification in randomized experiments", Journal of the Royal Statistical
Society B 75, 2013, 369-396): the effect is the sum of the strata's, each weighed by its share of
the shoppers.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.inference.intervals.student import satterthwaite
from experiments.inference.reduction.adjustment import Means

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Stratified:
    """Two arms in S strata.

    Attributes:
        strata: names.
        pooled: names of strata that were too small to stand alone; together they are the last one.
        n_SA: (S, 2) shoppers in control and in treatment, 2 at least.
        level_SA: (S, 2) the metric; of a ratio, linearised at the arm's post-stratified one.
        variance_SA: (S, 2) of a shopper's value.
    """

    strata: tuple[str, ...]
    pooled: tuple[str, ...]
    n_SA: Ints
    level_SA: Floats
    variance_SA: Floats

    @property
    def weight_S(self) -> Floats:
        """(S,) share of all shoppers."""
        return np.asarray(self.n_SA.sum(axis=1) / self.n_SA.sum())

    @property
    def effect_S(self) -> Floats:
        """(S,) treatment minus control."""
        return np.asarray(self.level_SA[:, 1] - self.level_SA[:, 0])

    @property
    def part_SA(self) -> Floats:
        """(S, 2) what each stratum of each arm adds to the conditional variance."""
        return np.asarray(self.weight_S[:, None] ** 2 * self.variance_SA / self.n_SA)

    @property
    def conditional(self) -> float:
        """The variance of the effect on these shoppers, given how each stratum was split.

        Neyman's bound: what makes it less where effects differ within a stratum, no data tell.
        """
        return float(self.part_SA.sum())

    @property
    def unconditional(self) -> float:
        """The same before the split was known, over all that leave a stratum both arms.

        The mean of 1 / n stands for 1 / n. Sizes of arms and strata are given.
        """
        total, n_A = int(self.n_SA.sum()), self.n_SA.sum(axis=0)
        inverse_SA = [
            [mean_inverse(int(size), int(arm), total) for arm in n_A]
            for size in self.n_SA.sum(axis=1)
        ]
        return float((self.weight_S[:, None] ** 2 * self.variance_SA * inverse_SA).sum())

    def of_weights(self, left_S: Floats, right_S: Floats) -> float:
        """What two levels of the strata make of it that the weights are a sample's.

        Of the effects, it is what the conditional variance lacks where shoppers are a sample (a
        superpopulation) and effects differ between strata.
        """
        left_S, right_S = (each - self.weight_S @ each for each in (left_S, right_S))
        return float(self.weight_S @ (left_S * right_S) / (self.n_SA.sum() - 1))

    def means(self) -> Means:
        """The post-stratified means, of shoppers who are a sample, given the split."""
        control_S, treatment_S = self.level_SA.T
        within_A = self.part_SA.sum(axis=0)
        parts = [*self.part_SA.ravel().tolist(), self.of_weights(self.effect_S, self.effect_S)]
        freedoms = [*(self.n_SA.ravel() - 1).tolist(), int(self.n_SA.sum()) - 1]
        one = math.sqrt(within_A[0] + self.of_weights(control_S, control_S))
        two = math.sqrt(within_A[1] + self.of_weights(treatment_S, treatment_S))
        return Means(
            (float(self.weight_S @ control_S), float(self.weight_S @ treatment_S)),
            (one, two),
            satterthwaite(parts, freedoms),
            self.of_weights(control_S, treatment_S),
        )


def mean_inverse(size: int, arm: int, total: int) -> float:
    """The mean of 1 / n, n the shoppers of a stratum in an arm, given that both arms have one.

    Args:
        size: of the stratum, 2 at least.
        arm: shoppers of the arm.
        total: shoppers of both arms, from whom the arm's are drawn: n is hypergeometric.
    """
    law = stats.hypergeom(total, size, arm)
    middle, reach = float(law.mean()), 12 * float(law.std()) + 12  # chances beyond are nothing
    n_N = np.arange(max(1, int(middle - reach)), min(size - 1, int(middle + reach)) + 1)
    chance_N = law.pmf(n_N)
    return float((chance_N / n_N).sum() / chance_N.sum())
