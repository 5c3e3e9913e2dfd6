"""What an experiment is planned to end with, and so which share of its information a look has.

Both sequential rules need a clock of the information that does not hang on results. Two are
offered, because neither is right everywhere.

*Units* is right where each unit's value is whole once it is counted. Where values go on growing
(GMV per shopper so far), later days bring information without new units, and this clock stands
still.

*Precision* is the effect's error relative to control's level. Where the effect is the same share of
the level all the time, level over error, squared, is the information, and increments follow the
canonical law: for new units, and for values that add up by independent days with a part that stays
with the unit. With y(k) = k a + e(1) + ... + e(k) for a unit, a its taste and e its days,
corr(z(j), z(k))^2 = j (k var a + var e) / (k (j var a + var e)), which is the ratio of the
precisions. It needs a level above 0, and it is an estimate itself: few dear purchases move it.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from experiments.inference.sequential.looks import Looks, effective_units
from experiments.records.experiment.sequential import Clock
from simulator.errors import ConfigError, DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class UnitsPlan:
    """It ends with so many units.

    Attributes:
        control, treatment: units of each arm.
    """

    control: float
    treatment: float

    clock: ClassVar[Clock] = "units"

    @property
    def planned(self) -> float:
        """Effective units (see `effective_units`)."""
        return float(effective_units(self.control, self.treatment))

    def fraction(self, looks: Looks) -> Floats:
        """(K,) the share of the planned information at each look.

        Raises:
            ConfigError: an arm is planned to have no units.
        """
        for name, units in (("control", self.control), ("treatment", self.treatment)):
            if not 0 < units < math.inf:
                raise ConfigError(f"plan.{name} == {units}, must be > 0 (units)")
        return looks.units_K / self.planned


@dataclass(frozen=True)
class PrecisionPlan:
    """It ends when the effect is known to so much.

    Attributes:
        relative_error: standard error of the effect over control's level, such as 0.005.
    """

    relative_error: float

    clock: ClassVar[Clock] = "precision"

    @property
    def planned(self) -> float:
        """The relative standard error."""
        return self.relative_error

    def fraction(self, looks: Looks) -> Floats:
        """(K,) the share of the planned information at each look.

        Raises:
            ConfigError: an error that is not above 0.
            DataError: a level of control that is not above 0.
        """
        if not 0 < self.relative_error < math.inf:
            raise ConfigError(f"plan.relative_error == {self.relative_error}, must be > 0")
        level_K = looks.control.level_K
        for at in np.flatnonzero(level_K <= 0)[:1]:
            raise DataError(
                f"control.level_K[{at}] == {level_K[at]}, must be > 0 where precision is the "
                "clock; plan by units"
            )
        return looks.precision_K * self.relative_error**2


Plan = UnitsPlan | PrecisionPlan


def as_it_ended(looks: Looks, clock: Clock) -> Plan:
    """The plan of an experiment that is over: what its last look has.

    Raises:
        DataError: precision is the clock, and control's last level is not above 0.
    """
    if clock == "units":
        return UnitsPlan(float(looks.control.n_K[-1]), float(looks.treatment.n_K[-1]))
    precision = float(looks.precision_K[-1])
    if precision == 0:
        raise DataError(
            f"control.level_K[-1] == {looks.control.level_K[-1]}, must be > 0 where precision is "
            "the clock; plan by units"
        )
    return PrecisionPlan(1 / math.sqrt(precision))
