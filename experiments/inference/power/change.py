"""A change of a metric, on either of two scales."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """A change of a metric.

    Attributes:
        size: treatment minus control, or that over control.
        relative: which of the two.
    """

    size: float
    relative: bool

    def of(self, level_D: Floats) -> Floats:
        """The change in the metric's unit, at these levels of control."""
        return np.asarray(
            self.size * level_D if self.relative else np.full_like(level_D, self.size)
        )
