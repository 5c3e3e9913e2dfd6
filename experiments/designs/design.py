"""Designs: which unit of an experiment sees which arm."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Design(Protocol):
    """Assigns the units of an experiment to its arms."""

    @property
    def name(self) -> str:
        """As `design` in metrics.json; also what the unit of analysis is."""

    def assign(self, unit_U: NDArray[np.int64], at_U: NDArray[np.float64]) -> NDArray[np.int8]:
        """Arm (index into the arms of the experiment) of each unit at simulated seconds."""
