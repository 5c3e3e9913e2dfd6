"""What is known of a planned test's units, day by day, found or foretold."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.inference.metrics import UNIT_COLUMNS
from experiments.inference.power.accrual import Accrual
from experiments.inference.power.betabinomial import FEWEST_DAYS
from experiments.inference.power.growth import Growth
from simulator.errors import DataError

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

    @classmethod
    def of_log(cls, accrual: Accrual, explained: Mapping[str, float], days: int) -> "Pilot":
        """What a log tells, with CUPED where it has a history.

        What the history explains is foretold up to twice the days of the log, and stays so: it
        rests on what few shoppers did on several days.

        Args:
            accrual: of the log.
            explained: R^2 of further methods, the same on all days.
            days: for how many days; beyond those of the log only where these allow a law.

        Raises:
            DataError: days beyond the log of which it tells nothing, with the reason.
        """
        layout, found = accrual.layout, min(accrual.days, days)
        table_DKK = accrual.table_DKK[:found]
        if days > found:
            if reason := untold(accrual):
                raise DataError(reason)
            table_DKK = Growth.fit(accrual, accrual.days).tables(days)
        shares = {name: np.full(days, share) for name, share in explained.items()}
        if layout.before is not None:
            last = min(2 * accrual.days, days)
            share_D = layout.explained(table_DKK[:last])
            shares[CUPED] = np.concatenate([share_D, np.full(days - last, share_D[-1])])
        return cls(
            layout.units(table_DKK),
            layout.level(table_DKK),
            layout.variance(table_DKK),
            {PLAIN: np.zeros(days), **shares},
            found,
        )

    def with_traffic(self, share: float) -> "Pilot":
        """The same where only a share of the units takes part."""
        return Pilot(
            self.units_D * share, self.level_D, self.variance_D, self.explained, self.found
        )


def untold(accrual: Accrual) -> str:
    """Why a log foretells no further days, "" where it does."""
    if accrual.days < FEWEST_DAYS:
        return (
            f"days of the log == {accrual.days}, must be >= {FEWEST_DAYS} to foretell more of them"
        )
    layout = accrual.layout
    if layout.bottom and any(UNIT_COLUMNS[n].positive for n in layout.names[1 : layout.own]):
        return "a ratio with a column that is 0 or 1 is not foretold beyond the days of the log"
    return ""
