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

degrees of freedom (Satterthwaite).

Several trainings in worlds of one luck differ from each other by what befell each of their own
worlds, which the spread between trainings tells (`intervals.factors`). What it cannot tell is what
befell all of them, above all the world that they are compared with. That is in the products of two
of them: with z[s, g] of S trainings, each linearised by itself, the squares above are

    c[g] = sum over s != t of z[s, g] z[t, g] / (S (S - 1)),

the same of shoppers, and c[g]^2 in the place of z[g]^4.

What an effect truly differs by from category to category
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
        part_U: numerator and denominator of the part of each of U shoppers, as of a treatment;
            (U,), or (S, U) of trainings in worlds of one luck.
        base_U: of control; one row where all trainings share it.
        part_G, base_G: the same sums of G groups; over all groups they are those over shoppers.
    """

    part_U: tuple[Floats, Floats]
    base_U: tuple[Floats, Floats]
    part_G: tuple[Floats, Floats]
    base_G: tuple[Floats, Floats]

    def luck(self, gap: Gap) -> Luck:
        """What the groups share, on the scale of a linearisation."""
        found = self.linear(gap)
        return NO_LUCK if found is None else shared_luck(*found)

    def linear(self, gap: Gap) -> tuple[Floats, Floats] | None:
        """Linearised values of shoppers and of groups, trainings first; None: a mean is not > 0."""
        part = [np.atleast_2d(each) for each in (*self.part_U, *self.base_U)]
        groups = [np.atleast_2d(each) for each in (*self.part_G, *self.base_G)]
        seeds = len(part[0])
        linear_SU, linear_SG = [], []
        for seed in range(seeds):
            own_U, own_G = ([each[min(seed, len(each) - 1)] for each in t] for t in (part, groups))
            means = [float(np.mean(term)) for term in own_U]
            if min(means) <= 0:
                return None
            linear_SU.append(gap(own_U, means))
            linear_SG.append(gap(own_G, means))
        return np.stack(linear_SU), np.stack(linear_SG)


def shared_luck(linear_SU: Floats, linear_SG: Floats) -> Luck:
    """The formula of the module.

    Args:
        linear_SU: linearised values of shoppers, whose mean is estimated; (U,), or of each
            training (S, U).
        linear_SG: their sums over groups.
    """
    linear_SU, linear_SG = np.atleast_2d(linear_SU), np.atleast_2d(linear_SG)
    shoppers, groups = linear_SU.shape[-1], linear_SG.shape[-1]
    if shoppers < 2 or groups < 2:
        return NO_LUCK
    common_U, common_G = _common(linear_SU), _common(linear_SG)
    by_group = float(common_G.sum()) * groups / (groups - 1)
    by_shopper = max(float(common_U.sum()), 0.0) * shoppers / (shoppers - 1)
    variance = (by_group - by_shopper) / shoppers**2
    if variance <= 0:
        return NO_LUCK
    freedom = 3 * float(common_G.sum()) ** 2 / float(np.square(common_G).sum())
    return Luck(variance, min(max(freedom, 1.0), groups - 1.0))


def _common(linear_SN: Floats) -> Floats:
    """(N,) mean product of two different trainings; the square where there is one."""
    square_N = np.square(linear_SN).sum(axis=0)
    seeds = len(linear_SN)
    if seeds == 1:
        return np.asarray(square_N)
    return np.asarray((np.square(linear_SN.sum(axis=0)) - square_N) / (seeds * (seeds - 1)))


def luck_apart(one: Shared | None, other: Shared | None, gap: Gap, *, alike: bool) -> Luck:
    """What groups share in the difference of two effects.

    Args:
        one, other: of both effects, over the same shoppers; None: nothing is shared.
        gap: gives their linearised values.
        alike: whether the groups are the same: then what strikes a group in both effects alike
            cancels. Else the lucks of both add up (Satterthwaite).
    """
    found = [None if each is None else each.linear(gap) for each in (one, other)]
    known = [each for each in found if each is not None]
    if alike and len(known) == 2 and known[0][1].shape == known[1][1].shape:
        (own_U, own_G), (other_U, other_G) = known
        return shared_luck(own_U - other_U, own_G - other_G)
    lucks = [each for each in (shared_luck(*each) for each in known) if each.variance > 0]
    if len(lucks) < 2:
        return lucks[0] if lucks else NO_LUCK
    return Luck(*added(lucks[0].variance, lucks[0].freedom, lucks[1]))


def added(variance: float, freedom: float, luck: Luck) -> tuple[float, float]:
    """A variance with the luck that is shared, and its degrees of freedom (Satterthwaite)."""
    if luck.variance == 0:
        return variance, freedom
    total = variance + luck.variance
    return total, total**2 / (variance**2 / freedom + luck.variance**2 / luck.freedom)
