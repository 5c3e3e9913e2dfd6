"""Luck that groups of shoppers share in one pair of worlds.

What the state of a world does by luck, it does to many shoppers at once: an item runs out in one of
two worlds and not in the other, and everybody who wants its category sees other pages from then on.
So shoppers of one pair of worlds are not independent, and an interval over shoppers alone is too
narrow. Several pairs of worlds tell that luck from pair to pair. Of one pair it is told from
categories, in which nearly all of it stays. For a part of the effect with the linearised sums z[u]
of U shoppers and z[g] of G categories (both sum to 0),

    shared = max(sum_g z[g]^2 G / (G - 1) - sum_u z[u]^2 U / (U - 1), 0) / U^2

is what the variance of its mean has beyond that of independent shoppers (two-way clustering:
Cameron, Gelbach and Miller, Journal of Business and Economic Statistics 29, 2011, 238-249; what a
shopper wants within a category counts as one shopper). A few categories may hold most of it. With
normal z[g] of unequal variances, the sum of squares varies by two thirds of the sum of fourth
powers, so it has

    3 (sum_g z[g]^2)^2 / sum_g z[g]^4

degrees of freedom (Satterthwaite). What an effect truly differs by from category to category
counts as luck here, so the interval is a little wide; where the luck is one rare event in a few
categories it is narrow in the pairs that do not have it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Gap = Callable[[Sequence[Floats], Sequence[float]], Floats]
"""Linearised values from (numerator, denominator) of treatment and of control, and their means."""


@dataclass(frozen=True)
class Luck:
    """Variance of an estimate beyond that of its shoppers, and the degrees of freedom it has."""

    variance: float
    freedom: float


NO_LUCK = Luck(0.0, math.inf)


@dataclass(frozen=True)
class Shared:
    """The part of an effect in which groups of shoppers may share luck.

    Attributes:
        part_U: numerator and denominator of the part of each of U shoppers, as of a treatment.
        base_U: of control.
        part_G, base_G: the same sums of G groups; over all groups they are those over shoppers.
    """

    part_U: tuple[Floats, Floats]
    base_U: tuple[Floats, Floats]
    part_G: tuple[Floats, Floats]
    base_G: tuple[Floats, Floats]

    def luck(self, gap: Gap) -> Luck:
        """What the groups share, on the scale of a linearisation."""
        terms_U, terms_G = (*self.part_U, *self.base_U), (*self.part_G, *self.base_G)
        means = [float(np.mean(term)) for term in terms_U]
        if min(means) <= 0:
            return NO_LUCK
        return shared_luck(gap(terms_U, means), gap(terms_G, means))


def shared_luck(linear_U: Floats, linear_G: Floats) -> Luck:
    """The formula of the module.

    Args:
        linear_U: linearised values of shoppers, whose mean is estimated.
        linear_G: their sums over groups.
    """
    shoppers, groups = linear_U.size, linear_G.size
    if shoppers < 2 or groups < 2:
        return NO_LUCK
    squares_G = np.square(linear_G)
    by_group = float(squares_G.sum()) * groups / (groups - 1)
    by_shopper = float(np.var(linear_U, ddof=1)) * shoppers
    variance = (by_group - by_shopper) / shoppers**2
    if variance <= 0:
        return NO_LUCK
    freedom = 3 * float(squares_G.sum()) ** 2 / float(np.square(squares_G).sum())
    return Luck(variance, min(max(freedom, 1.0), groups - 1.0))


def added(variance: float, freedom: float, luck: Luck) -> tuple[float, float]:
    """A variance with the luck that is shared, and its degrees of freedom (Satterthwaite)."""
    if luck.variance == 0:
        return variance, freedom
    total = variance + luck.variance
    return total, total**2 / (variance**2 / freedom + luck.variance**2 / luck.freedom)
