"""What an adjustment is: it narrows an estimate's interval without changing what is estimated."""

import math
from dataclasses import dataclass
from typing import Protocol

from experiments.inference.intervals.student import welch
from experiments.inference.metrics import Ratio
from experiments.inference.reduction.arm import Arm
from experiments.inference.reduction.covariate import Covariate

IMBALANCE_ALARM = 0.001
"""A difference of the arms' pasts this improbable is an alarm, as of a sample ratio."""


@dataclass(frozen=True)
class Means:
    """A metric in control and in treatment, and how sure it is.

    Attributes:
        levels: the metric in both arms, adjusted or not.
        errors: their standard errors.
        freedom: degrees of freedom of the error of their difference.
        together: covariance of the two levels; not 0 where both lean on the same shoppers.
        doubt: why they mislead, though they are numbers; "" where nothing says so.
        notes: what else a reader must be told.
    """

    levels: tuple[float, float]
    errors: tuple[float, float]
    freedom: float
    together: float = 0.0
    doubt: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def apart(
        cls, levels: tuple[float, float], errors: tuple[float, float], counts: tuple[int, int]
    ) -> "Means":
        """Those of two arms that share nothing, with Welch's degrees of freedom."""
        return cls(levels, errors, welch(errors, (counts[0] - 1, counts[1] - 1)))

    @property
    def effect(self) -> float:
        """Treatment minus control."""
        return self.levels[1] - self.levels[0]

    @property
    def error(self) -> float:
        """Its standard error."""
        apart = math.hypot(*self.errors)
        return math.sqrt(apart**2 - 2 * self.together) if self.together else apart


@dataclass(frozen=True)
class Refusal:
    """Why there is no adjusted estimate."""

    reason: str


class Adjustment(Protocol):
    """A way to adjust a metric in two arms, from their statistics alone."""

    @property
    def name(self) -> str:
        """How outputs call it."""

    @property
    def strata(self) -> tuple[Covariate, ...]:
        """The columns by whose values shoppers must be split; () where they need not be."""

    def columns(self, metric: Ratio) -> tuple[str, ...]:
        """The columns whose statistics it reads."""

    def nothing_to_adjust_by(self, metric: Ratio, control: Arm, treatment: Arm) -> str:
        """Why it cannot say anything about the metric; "" where it may."""

    def adjust(self, metric: Ratio, control: Arm, treatment: Arm) -> Means | Refusal:
        """The adjusted means of two arms that have something to adjust by."""
