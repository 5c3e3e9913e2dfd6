"""What is known of a planned test's units, day by day, found or foretold."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PLAIN = "plain"
CUPED = "cuped"


@dataclass(frozen=True)
class Pilot:
    """The units of a test and what they are like, after 1, 2, .. days.

    Attributes:
        units_D: distinct units, all arms together.
        level_D: the metric.
        variance_D: of a unit's value; of a ratio by the delta method.
        explained: part of the variance that a method takes away (R^2), by method and day.
        found: how many of the days were seen; the others are foretold.
    """

    units_D: Floats
    level_D: Floats
    variance_D: Floats
    explained: Mapping[str, Floats]
    found: int

    @property
    def days(self) -> int:
        """How many days there are."""
        return len(self.units_D)

    def left(self, method: str) -> Floats:
        """(D,) the variance that a method leaves."""
        return np.asarray(self.variance_D * (1 - self.explained[method]))

    @classmethod
    def steady(
        cls,
        units_per_day: float,
        level: float,
        variance: float,
        explained: Mapping[str, float],
        days: int,
    ) -> "Pilot":
        """New units of one kind on each day; none of them comes back.

        Args:
            units_per_day: how many.
            level, variance: of the metric.
            explained: R^2 by method.
            days: for how many days.
        """
        ones_D = np.ones(days)
        return cls(
            units_per_day * np.arange(1.0, days + 1),
            level * ones_D,
            variance * ones_D,
            {method: share * ones_D for method, share in explained.items()},
            found=0,
        )

    def with_traffic(self, share: float) -> "Pilot":
        """The same where only a share of the units takes part."""
        return Pilot(
            self.units_D * share, self.level_D, self.variance_D, self.explained, self.found
        )
