"""The design that splits time: everybody sees one arm until the next period begins."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from experiments.designs.split import Split
from simulator.protocols import DAY, Requests


@dataclass(frozen=True)
class Switchback(Split):
    """Periods of time are split: all that happens in one is of one arm.

    With two arms of equal share, and periods that divide a day, the periods of two days in a row
    mirror each other: what the first day has in one arm at an hour, the second has in the other.
    So hours are in both arms alike, and the day's rhythm is no noise. Each such pair of days is
    drawn by itself.

    Attributes:
        period: simulated seconds of a period.
    """

    name: ClassVar[str] = "switchback"

    period: float = 3_600.0

    @property
    def mirrored(self) -> bool:
        """Whether days mirror each other in pairs."""
        return self.shares == (0.5, 0.5) and self.per_day is not None

    @property
    def per_day(self) -> int | None:
        """Periods of a day; None where they do not divide one."""
        parts = round(DAY / self.period)
        return parts if parts and abs(parts * self.period - DAY) < 1e-6 * DAY else None

    def units(self, requests: Requests) -> NDArray[np.int64]:
        """(B,) the number of the period of each request."""
        return self.periods(requests.at_B)

    def periods(self, at_U: NDArray[np.float64]) -> NDArray[np.int64]:
        """The number of the period at simulated seconds."""
        return np.floor(at_U / self.period).astype(np.int64)

    def assign(self, unit_U: NDArray[np.int64], at_U: NDArray[np.float64]) -> NDArray[np.int8]:
        """Arm of each period."""
        if not self.mirrored:
            return super().assign(unit_U, at_U)
        per_day = self.per_day or 1
        day_U, hour_U = np.divmod(unit_U, per_day)
        first_U = super().assign(day_U // 2 * per_day + hour_U, at_U)
        return (first_U ^ (day_U % 2).astype(np.int8)).astype(np.int8)
