"""Power by simulation: units of a log are drawn into arms, an effect is planted and tested.

Every repetition draws the units of both arms from those of the log: without replacement as long as
there are enough of them, which is a re-randomisation, else with replacement (a bootstrap). Units
that did the same are one row with a count, so what is drawn is counts, and a test is a few sums of
products: no object is made for a unit or a test. Each repetition has a stream of luck of its own,
so the first ones are the same however many there are.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from experiments.inference.power.aim import Aim
from experiments.inference.power.crossproducts import Layout, cross
from experiments.inference.power.pilot import CUPED, PLAIN
from experiments.inference.power.planting import Planted
from experiments.inference.power.unittable import UnitTable
from simulator.errors import ConfigError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_MOST = 999_999_999  # units that NumPy draws without replacement


@dataclass(frozen=True)
class Simulated:
    """Simulated tests.

    Attributes:
        layout: the columns of the tables.
        control_RKK, treatment_RKK: cross products of the arms of each repetition.
    """

    layout: Layout
    control_RKK: Floats
    treatment_RKK: Floats

    @property
    def methods(self) -> tuple[str, ...]:
        """By which methods they can be told: CUPED where there is a history."""
        return (PLAIN,) if self.layout.before is None else (PLAIN, CUPED)

    def found(self, method: str, aim: Aim, *, margin: float = 0.0, better: int = 1) -> Flags:
        """(R,) whether each test finds something, as `inference.estimates` decides.

        Args:
            method: "plain" or "cuped".
            aim: level of the test, and whether it is one of non-inferiority.
            margin: loss that is allowed in such a test, in the metric's unit.
            better: 1 where more of the metric is better, -1 where less is.
        """
        difference_R, error_R, freedom_R = self._compared(method)
        with np.errstate(divide="ignore", invalid="ignore"):
            far_R = (better * difference_R + margin) if aim.one_sided else np.abs(difference_R)
            score_R = far_R / error_R
        critical_R = -special.stdtrit(freedom_R, aim.tail)
        return np.asarray((error_R > 0) & (score_R > critical_R))

    def _compared(self, method: str) -> tuple[Floats, Floats, Floats]:
        """(R,) differences, their standard errors and degrees of freedom (Welch, Satterthwaite)."""
        layout, arms = self.layout, (self.control_RKK, self.treatment_RKK)
        if method == PLAIN:
            told = [(layout.level(arm), layout.variance(arm)) for arm in arms]
        else:
            both_RKK = self.control_RKK + self.treatment_RKK
            slope_R, covariate_R = layout.slope(both_RKK), layout.covariate(both_RKK)
            told = [layout.adjusted(arm, slope_R, covariate_R) for arm in arms]
        units = [layout.units(arm) for arm in arms]
        parts = [variance / n for (_, variance), n in zip(told, units, strict=True)]
        total_R = np.maximum(parts[0], 0.0) + np.maximum(parts[1], 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread_R = parts[0] ** 2 / (units[0] - 1) + parts[1] ** 2 / (units[1] - 1)
            freedom_R = np.where(spread_R > 0, total_R**2 / spread_R, 1.0)
        return told[1][0] - told[0][0], np.sqrt(total_R), freedom_R


def simulate(
    units: UnitTable,
    sizes: tuple[int, int],
    planted: Planted,
    *,
    repetitions: int,
    rng: np.random.Generator,
    advance: Callable[[], object] = lambda: None,
) -> Simulated:
    """Tests of these sizes with a planted effect.

    Args:
        units: what is drawn from.
        sizes: units of control and of the treatment.
        planted: the effect on the treatment.
        repetitions: R, how many tests.
        rng: the luck, of which each repetition gets a stream of its own.
        advance: called after each repetition.

    Raises:
        ConfigError: an arm of fewer than 2 units, or no repetition.
    """
    if min(sizes) < 2:
        raise ConfigError(f"units of an arm == {min(sizes)}, must be >= 2")
    if repetitions < 1:
        raise ConfigError(f"repetitions == {repetitions}, must be >= 1")
    size = units.values_GK.shape[1]
    control_RKK, treatment_RKK = (np.empty((repetitions, size, size)) for _ in sizes)
    for at, luck in enumerate(rng.spawn(repetitions)):
        control_G, treatment_G = _drawn(units.count_G, sizes, luck)
        control_RKK[at] = cross(units.values_GK, control_G.astype(np.float64))
        treatment_RKK[at] = planted.table(treatment_G, luck)
        advance()
    return Simulated(units.layout, control_RKK, treatment_RKK)


def replaced(units: UnitTable, sizes: tuple[int, int]) -> bool:
    """Whether units are drawn with replacement, for there are too few of them."""
    return sum(sizes) > units.units or units.units > _MOST


def _drawn(
    count_G: NDArray[np.int64], sizes: tuple[int, int], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many units of each kind are in control and in the treatment."""
    whole = int(count_G.sum())
    if sum(sizes) > whole or whole > _MOST:
        share_G = count_G / whole
        control_G, treatment_G = (rng.multinomial(n, share_G) for n in sizes)
        return control_G, treatment_G
    control_G = rng.multivariate_hypergeometric(count_G, sizes[0], method="marginals")
    left_G = count_G - control_G
    return control_G, rng.multivariate_hypergeometric(left_G, sizes[1], method="marginals")
