"""The days that a test needs, and what it can find after any number of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.inference.power.aim import Aim
from experiments.inference.power.analytic import FEWEST, detectable, power_of
from experiments.inference.power.change import Change
from experiments.inference.power.pilot import Pilot
from simulator.errors import ConfigError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Design:
    """What is planned.

    Attributes:
        aim: how sure it shall be.
        shares: of all units that are in control, and in the smallest treatment.
        effect: what is to be found; in a test of non-inferiority what the treatment really does;
            None: nothing in particular.
        margin: loss that is allowed, > 0; None: a test of a difference.
        better: 1 where more of the metric is better, -1 where less is.

    Raises:
        ConfigError: an aim that does not fit the margin, an effect of 0 that is to be found, or
            a margin that is not positive or is of another scale than the effect.
    """

    aim: Aim
    shares: tuple[float, float]
    effect: Change | None = None
    margin: Change | None = None
    better: int = 1

    def __post_init__(self) -> None:
        if (self.margin is not None) != self.aim.one_sided:
            raise ConfigError("margin == only in a test of non-inferiority, must be there")
        if self.margin is None:
            if self.effect is not None and self.effect.size == 0:
                raise ConfigError("effect == 0, must be another number: no test finds it")
            return
        if self.margin.size <= 0:
            raise ConfigError(f"margin == {self.margin.size:g}, must be > 0")
        if self.effect is None or self.effect.size == 0:
            return
        if self.effect.relative != self.margin.relative:
            raise ConfigError(
                "effect and margin == of two scales, must both be relative (1%) or both absolute"
            )
        if self.margin.size + self.better * self.effect.size <= 0:
            raise ConfigError(
                f"effect == {self.effect.size:g}, must be a loss smaller than the margin "
                f"({self.margin.size:g})"
            )

    def distance(self, level_D: Floats) -> Floats | None:
        """(D,) how far what is to be found is from what the test rejects; None without an effect.

        Args:
            level_D: of control.
        """
        if self.margin is None:
            return None if self.effect is None else np.abs(self.effect.of(level_D))
        return np.asarray(self.margin.of(level_D) + self._gain(level_D))

    def least(self, pilot: Pilot, method: str) -> Floats:
        """(D,) the least effect that is found after each day; NaN where an arm has too few units.

        In a test of non-inferiority the least margin within which the treatment is shown to be.
        """
        return np.asarray(self._least_distance(pilot, method) - self._known(pilot))

    def power(self, pilot: Pilot, method: str) -> Floats | None:
        """(D,) the chance of finding the effect after each day; None without an effect."""
        distance_D = self.distance(pilot.level_D)
        if distance_D is None:
            return None
        power_D = np.full(pilot.days, np.nan)
        at_D = self._sound(pilot, method)
        sizes = tuple(pilot.units_D[at_D] * share for share in self.shares)
        variance_D = pilot.left(method)[at_D]
        power_D[at_D] = power_of(distance_D[at_D], variance_D, (sizes[0], sizes[1]), self.aim)
        return power_D

    def days_needed(self, pilot: Pilot, method: str) -> int | None:
        """The first day after which the effect is found with the aim's power.

        None where that is none of the pilot's days, or where there is no effect.
        """
        distance_D = self.distance(pilot.level_D)
        if distance_D is None:
            return None
        enough_D = self._least_distance(pilot, method) <= distance_D
        return int(np.argmax(enough_D)) + 1 if enough_D.any() else None

    def _gain(self, level_D: Floats) -> Floats:
        return self.better * self.effect.of(level_D) if self.effect else np.zeros_like(level_D)

    def _known(self, pilot: Pilot) -> Floats:
        """What of a distance is not the margin."""
        none_D = np.zeros_like(pilot.level_D)
        return none_D if self.margin is None else self._gain(pilot.level_D)

    def _sound(self, pilot: Pilot, method: str) -> NDArray[np.bool_]:
        """(D,) on which days both arms have two units, and these differ."""
        enough_D = pilot.units_D * min(self.shares) >= FEWEST
        return np.asarray(enough_D & (np.nan_to_num(pilot.left(method)) > 0))

    def _least_distance(self, pilot: Pilot, method: str) -> Floats:
        least_D = np.full(pilot.days, np.nan)
        at_D = self._sound(pilot, method)
        sizes = tuple(pilot.units_D[at_D] * share for share in self.shares)
        least_D[at_D] = detectable(pilot.left(method)[at_D], (sizes[0], sizes[1]), self.aim)
        return least_D
