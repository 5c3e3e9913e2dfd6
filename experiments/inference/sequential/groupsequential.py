"""Group-sequential tests: a few looks whose boundaries together cry wolf as often as one test.

A two-sided test decides at the first look at which |z| is above its boundary. Boundaries follow
from a spending function and from the shares of the planned information at which one looks, each
from those before it alone, so a look may come unplanned as long as no result brings it about (Lan
and DeMets 1983; Jennison and Turnbull, Group Sequential Methods, 2000, chapter 7).
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from experiments.inference.sequential.crossing import (
    Survivors,
    bound_that_spends,
    crossed,
    outside,
    survivors,
)
from experiments.inference.sequential.spending import OBRIEN_FLEMING, Spending, checked_alpha
from simulator.errors import ConfigError

Floats = NDArray[np.float64]

LEAST_GROWTH = 1.001
"""By how much information must grow from look to look; less tells nothing new."""

TELLING_GROWTH = 1.01
"""The same for the looks at a running experiment that are taken into the test by themselves."""

MOST_DRIFT = 20.0
"""Expected z at the planned end beyond which nobody asks for power."""


@dataclass(frozen=True)
class GroupSequential:
    """A two-sided group-sequential test. K looks.

    Attributes:
        alpha: chance of ever deciding where there is no effect, if all of it is spent.
        spending: how it is spent.
        fraction_K: shares of the planned information at the looks; the last may be above 1.
        boundary_K: |z| above which each look decides; infinite where it spends next to nothing.
        spent_K: chance without an effect of having decided by then.
    """

    alpha: float
    spending: Spending
    fraction_K: Floats
    boundary_K: Floats
    spent_K: Floats

    def repeated_interval(self, effect: ArrayLike, error: ArrayLike) -> tuple[Floats, Floats]:
        """Both ends of the intervals that hold together at all looks with chance 1 - alpha.

        Jennison and Turnbull (Journal of the Royal Statistical Society B 51, 1989, 305-361): the
        boundary's standard errors to either side. Infinite where there is no boundary. One leaves
        out 0 where, and only where, the test decides.

        Args:
            effect, error: (..., K) estimates and their standard errors.
        """
        effect_K = np.asarray(effect, np.float64)
        reach_K = np.asarray(error, np.float64) * self.boundary_K
        return effect_K - reach_K, effect_K + reach_K

    def chances(self, drift: float) -> tuple[Floats, Floats]:
        """The chances of deciding first at each look, for more and for less.

        Args:
            drift: expected z at the share 1: effect over its standard error there.

        Raises:
            ConfigError: a drift out of range.
        """
        return crossing_chances(self.boundary_K, self.fraction_K, drift=drift)

    def power(self, drift: float) -> float:
        """The chance of deciding, at any look, for the side on which the effect is.

        Raises:
            ConfigError: a drift out of range.
        """
        return float(self.chances(abs(drift))[0].sum())

    def drift_for(self, power: float) -> float:
        """The drift that is found with this chance.

        Raises:
            ConfigError: a power that is not between those of no effect and of `MOST_DRIFT`.
        """
        least, most = self.power(0.0), self.power(MOST_DRIFT)
        if not least < power < most:
            raise ConfigError(f"power == {power}, must be > {least:.4g} and < {most:.4g}")
        return float(
            optimize.brentq(lambda drift: self.power(drift) - power, 0.0, MOST_DRIFT, xtol=1e-10)
        )

    def inflation(self, power: float) -> float:
        """Units that the plan needs over those of a fixed test of the same power.

        The fixed test's drift is z(1 - alpha / 2) + z(power) (Jennison and Turnbull, section 2.2).

        Raises:
            ConfigError: as `drift_for`.
        """
        fixed = special.ndtri(power) - special.ndtri(self.alpha / 2)
        return float((self.drift_for(power) / fixed) ** 2)

    def expected_fraction(self, drift: float) -> float:
        """Mean share of the planned information at the end; undecided tests end at the last look.

        Raises:
            ConfigError: a drift out of range.
        """
        decided_K = np.sum(self.chances(drift), axis=0)
        left = 1 - float(decided_K.sum())
        return float(decided_K @ self.fraction_K + left * self.fraction_K[-1])


def group_sequential(
    fractions: ArrayLike, *, alpha: float, spending: Spending = OBRIEN_FLEMING
) -> GroupSequential:
    """A test with these looks.

    Args:
        fractions: (K,) shares of the planned information: even or not, planned or as they came.
            The first at 1 or above spends all that is left, and is the last.
        alpha: level of the two-sided test.
        spending: chosen before the first look, as is the planned information.

    Raises:
        ConfigError: an alpha out of range; shares that are not above 0, do not grow by
            `LEAST_GROWTH`, or go on after 1.
    """
    fraction_K = _checked(fractions)
    return _designed(checked_alpha(alpha), spending, tuple(fraction_K.tolist()))


@lru_cache(maxsize=1024)
def _designed(alpha: float, spending: Spending, fractions: tuple[float, ...]) -> GroupSequential:
    """Arms of a table of experiments, and their metrics, are looked at on the same days."""
    fraction_K = np.array(fractions)
    allowed_K = spending.spent(fraction_K, alpha=alpha)
    bounds: list[float] = []
    spent: list[float] = []
    before: Survivors | None = None
    for at, fraction in enumerate(fractions):
        used = spent[-1] if spent else 0.0
        bound = bound_that_spends(before, fraction, float(allowed_K[at]) - used)
        bounds.append(bound)
        spent.append(used + (outside(before, bound, fraction) if bound < math.inf else 0.0))
        if at + 1 < len(fractions):
            before = survivors(before, bound, fraction, fractions[at + 1])
    columns = fraction_K, np.array(bounds), np.array(spent)
    for column in columns:  # shared by all who ask for the same looks
        column.setflags(write=False)
    return GroupSequential(alpha, spending, *columns)


def crossing_chances(
    boundary: ArrayLike, fractions: ArrayLike, *, drift: float
) -> tuple[Floats, Floats]:
    """The chances of crossing any two-sided boundaries first at each look, above and below.

    Args:
        boundary: (K,) of |z|; infinite where a look cannot decide.
        fractions: (K,) shares of the information at the looks.
        drift: expected z at the share 1.

    Raises:
        ConfigError: shares as for `group_sequential`, a boundary below 0, a drift out of range.
    """
    fraction_K, boundary_K = _growing(fractions), np.asarray(boundary, np.float64)
    if boundary_K.shape != fraction_K.shape or not (boundary_K >= 0).all():
        raise ConfigError(f"boundary == {boundary_K}, must be >= 0 at each of {fraction_K.size}")
    if not abs(drift) <= MOST_DRIFT:
        raise ConfigError(f"drift == {drift}, must be within {MOST_DRIFT:g} of 0")
    chances: list[tuple[float, float]] = []
    before: Survivors | None = None
    for at, fraction in enumerate(fraction_K.tolist()):
        bound = float(boundary_K[at])
        chances.append(crossed(before, bound, fraction, drift=drift))
        if at + 1 < len(fraction_K):
            following = float(fraction_K[at + 1])
            before = survivors(before, bound, fraction, following, drift=drift)
    above_K, below_K = np.array(chances).T
    return above_K, below_K


def _checked(fractions: ArrayLike) -> Floats:
    fraction_K = _growing(fractions)
    past = np.flatnonzero(fraction_K[:-1] >= 1)
    if past.size:
        raise ConfigError(
            f"fractions[{past[0]}] == {fraction_K[past[0]]}, must be < 1 before the last look"
        )
    return fraction_K


def _growing(fractions: ArrayLike) -> Floats:
    fraction_K = np.asarray(fractions, np.float64)
    if fraction_K.ndim != 1 or not fraction_K.size:
        raise ConfigError(f"fractions.shape == {fraction_K.shape}, must be (looks,)")
    least_K = np.concatenate([[0.0], LEAST_GROWTH * fraction_K[:-1]])
    for at in np.flatnonzero(
        ~((fraction_K > 0) & (fraction_K >= least_K) & (fraction_K < math.inf))
    ):
        raise ConfigError(
            f"fractions[{at}] == {fraction_K[at]}, must be > 0 and at least {LEAST_GROWTH} times "
            "the one before"
        )
    return fraction_K


def group_bars(fractions: ArrayLike, *, alpha: float, spending: Spending) -> Floats:
    """(K,) boundaries at any looks of a running experiment; infinite where one decides nothing.

    A look that adds less than `TELLING_GROWTH` to the information is none of the test's, nor is one
    after the plan is fulfilled; the look that fulfils it always is. That hangs on the information
    alone, never on what was found, so the level holds.

    Args:
        fractions: (K,) shares of the planned information, in any order; 0: there is none yet.
        alpha, spending: as for `group_sequential`.

    Raises:
        ConfigError: an alpha out of range.
    """
    fraction_K = np.asarray(fractions, np.float64)
    bars_K = np.full(fraction_K.shape, math.inf)
    kept: list[int] = []
    shares: list[float] = []
    for at, fraction in enumerate(fraction_K.tolist()):
        before = shares[-1] if shares else 0.0
        if fraction >= 1 or (fraction > 0 and fraction >= TELLING_GROWTH * before):
            kept.append(at)
            shares.append(max(fraction, LEAST_GROWTH * before))
        if fraction >= 1:
            break
    if kept:
        bars_K[kept] = group_sequential(shares, alpha=alpha, spending=spending).boundary_K
    return bars_K
