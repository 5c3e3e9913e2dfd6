"""How long a channel takes, as a function of how much it is asked for."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from simulator.spec import Spec


class LatencySpec(Spec):
    """Log-normal service time whose median grows with the candidates asked for."""

    base_s: float = Field(0.008, ge=0, description="median time of an empty answer (s)")
    per_item_s: float = Field(
        0.00002, ge=0, description="added to the median for each candidate asked for (s)"
    )
    sigma: float = Field(0.3, ge=0, le=3, description="spread of the log of the time (log s)")

    def seconds(self, normal_B: ArrayLike, items_B: ArrayLike) -> NDArray[np.float64]:
        """Service times: (base_s + per_item_s * items) * exp(sigma * normal).

        Args:
            normal_B: standard normal draws.
            items_B: candidates asked for, one number or one for each request.
        """
        median_B = self.base_s + self.per_item_s * np.asarray(items_B, np.float64)
        return np.asarray(median_B * np.exp(self.sigma * np.asarray(normal_B, np.float64)))

    def then(self, other: "LatencySpec", items: int) -> "LatencySpec":
        """The time of both, one after the other, by the same luck.

        The medians add up. The spread is the mean of both, weighted by the medians: exact for equal
        spreads, and to the first order for others.

        Args:
            items: candidates asked for, for these medians.
        """
        medians = [float(each.seconds(0.0, items)) for each in (self, other)]
        spread = medians[0] * self.sigma + medians[1] * other.sigma
        return LatencySpec(
            base_s=self.base_s + other.base_s,
            per_item_s=self.per_item_s + other.per_item_s,
            sigma=spread / sum(medians) if sum(medians) else self.sigma,
        )
