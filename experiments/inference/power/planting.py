"""Effects that are planted into the units of a simulated treatment."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.inference.power.change import Change
from experiments.inference.power.crossproducts import cross
from experiments.inference.power.unittable import UnitTable
from experiments.records.experiment.power import Planting
from simulator.errors import ConfigError

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Planted:
    """A known effect on the numerator of every unit that is treated; its mean is exact.

    Attributes:
        way: how: `shift` (the same for each unit), `scale` (each unit's amount times the same),
            `events` (each event is repeated, or is left out, with the same chance), `turn` (some of
            those with 0 become 1, or the other way), or `none`.
        values_GK: the rows of the unit table with what is not luck.
        trials_G: how many events of a unit of each kind may come or go.
        chance: that each of them does.
        sign: 1 where they come, -1 where they go.
        top: the column of the numerator.
    """

    way: Planting
    values_GK: Floats
    trials_G: Counts
    chance: float
    sign: float
    top: int

    @classmethod
    def of(cls, units: UnitTable, change: Change | None) -> "Planted":
        """What plants a change.

        A relative change multiplies: events are repeated or left out, 0 and 1 turned, amounts
        scaled. An absolute one adds the same to each unit (of a ratio, as much for each unit of its
        denominator).

        Args:
            units: what is drawn from.
            change: of the metric; None: nothing.

        Raises:
            ConfigError: a change that these units cannot have.
        """
        none_G = np.zeros(len(units.count_G), np.int64)
        values_GK, top = units.values_GK, units.layout.top
        if change is None or change.size == 0:
            return cls("none", values_GK, none_G, 0.0, 1.0, top)
        size = change.size
        changed_GK = values_GK.copy()
        if not change.relative:
            changed_GK[:, top] += size * values_GK[:, units.layout.bottom]
            return cls("shift", changed_GK, none_G, 0.0, 1.0, top)
        if size < -1:
            raise ConfigError(f"effect == {size:g}, must be > -1: no more than all can be lost")
        if units.counted == "amount" or (units.counted == "count" and size > 1):
            changed_GK[:, top] *= 1 + size
            return cls("scale", changed_GK, none_G, 0.0, 1.0, top)
        trials_G = values_GK[:, top].astype(np.int64)
        if units.counted == "count" or size < 0:
            way: Planting = "events" if units.counted == "count" else "turn"
            return cls(way, values_GK, trials_G, abs(size), np.sign(size), top)
        share = float(units.count_G @ trials_G) / units.units
        chance = size * share / (1 - share) if share < 1 else np.inf
        if chance > 1:
            raise ConfigError(
                f"effect == {size:g}, must be at most {1 / share - 1:.4g}: "
                f"{share:.4g} of the units have it already"
            )
        return cls("turn", values_GK, 1 - trials_G, chance, 1.0, top)

    def table(self, count_G: Counts, rng: np.random.Generator) -> Floats:
        """(K, K) cross products of units of each kind after the effect.

        Args:
            count_G: how many of each kind are treated.
            rng: the luck of events.
        """
        table_KK = cross(self.values_GK, count_G.astype(np.float64))
        kinds_L = np.flatnonzero((self.trials_G > 0) & (count_G > 0))
        if self.chance == 0 or not len(kinds_L):
            return table_KK
        kind_U = np.repeat(kinds_L, count_G[kinds_L])
        came_U = self.sign * rng.binomial(self.trials_G[kind_U], self.chance)
        moved_U = np.flatnonzero(came_U)
        change_U, values_UK = came_U[moved_U], self.values_GK[kind_U[moved_U]]
        added_K = change_U @ values_UK
        table_KK[self.top] += added_K
        table_KK[:, self.top] += added_K
        table_KK[self.top, self.top] += change_U @ change_U
        return table_KK
