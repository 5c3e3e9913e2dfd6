"""How many requests a second the servers of a channel get, through the day."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator.living.arrivals import day_factor, rush
from simulator.living.settings import ArrivalSpec


@dataclass(frozen=True)
class Traffic:
    """The requests of a whole shop, of which the simulated ones are a thin sample.

    Attributes:
        arrivals: their profile over day and week.
        peak: how many come at the peak hour of an ordinary day (requests a second).
        share: of them that the channel is asked, between 0 and 1.
    """

    arrivals: ArrivalSpec
    peak: float
    share: float = 1.0

    def per_s(self, at_B: ArrayLike) -> NDArray[np.float64]:
        """Requests a second at the channel at some moments (simulated seconds)."""
        return self.share * self.peak * rush(self.arrivals, at_B)

    def busiest(self, days: Iterable[int]) -> float:
        """The most requests a second at the channel on these days."""
        most = max((day_factor(self.arrivals, day) for day in days), default=0.0)
        return self.share * self.peak * most
