"""Designs: which unit of an experiment sees which arm."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulator.protocols import Requests


class Design(Protocol):
    """Assigns the units of an experiment to its arms, and tells the unit of a request.

    It is all that the router over arms (`ranking.router.ArmRouter`) knows of an experiment.
    """

    @property
    def name(self) -> str:
        """As `design` in metrics.json; what is assigned, such as `shopper`."""

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of the units in each arm, sums to 1; of a ramp-up, at its end."""

    def assign(self, unit_U: NDArray[np.int64], at_U: NDArray[np.float64]) -> NDArray[np.int8]:
        """Arm (index into the arms of the experiment) of each unit at simulated seconds."""

    def units(self, requests: Requests) -> NDArray[np.int64]:
        """(B,) the unit that each request belongs to."""

    def arms(self, requests: Requests) -> NDArray[np.int8]:
        """(B,) the arm that serves each request."""
