"""A split that grows: the treatments get a part of their shares first, and more from day to day."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from experiments.designs.split import Split
from simulator.errors import ConfigError
from simulator.protocols import Requests


@dataclass(frozen=True)
class RampUp:
    """Who is in a treatment at the end gets there at a time of their own, and stays.

    Attributes:
        split: the split that is reached.
        steps: (simulated seconds, part), in order of time: from then on this part of those who
            shall be in another arm than control are there. Before the first step nobody is.
        control: index of the arm in which all others wait.

    Raises:
        ConfigError: times or parts that do not grow, or parts outside 0 to 1.
    """

    split: Split
    steps: tuple[tuple[float, float], ...]
    control: int = 0

    def __post_init__(self) -> None:
        for (at, part), (later, more) in zip(self.steps, self.steps[1:], strict=False):
            if later <= at or more < part:
                raise ConfigError(
                    f"ramp-up == {(at, part)} before {(later, more)}, must grow with time"
                )
        for at, part in self.steps:
            if not 0 <= part <= 1:
                raise ConfigError(f"ramp-up == {part} from {at:g} s on, must be from 0 to 1")

    @property
    def name(self) -> str:
        """Of the split."""
        return self.split.name

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the split, once the ramp-up has ended."""
        return self.split.shares

    @cached_property
    def _starts(self) -> NDArray[np.float64]:
        return np.array([at for at, _ in self.steps], np.float64)

    @cached_property
    def _parts(self) -> NDArray[np.float64]:
        return np.array([0.0, *(part for _, part in self.steps)], np.float64)

    def part(self, at_U: NDArray[np.float64]) -> NDArray[np.float64]:
        """The part of the treatments' shares that is reached at simulated seconds."""
        return np.asarray(self._parts[np.searchsorted(self._starts, at_U, side="right")])

    def assign(self, unit_U: NDArray[np.int64], at_U: NDArray[np.float64]) -> NDArray[np.int8]:
        """Arm of each unit at simulated seconds."""
        turn_U = self.split.draws.uniform(f"ramp-up:{self.split.salt}", unit_U)
        arm_U = self.split.assign(unit_U, at_U)
        return np.where(turn_U < self.part(at_U), arm_U, self.control).astype(np.int8)

    def units(self, requests: Requests) -> NDArray[np.int64]:
        """(B,) the unit of each request, by the split."""
        return self.split.units(requests)

    def arms(self, requests: Requests) -> NDArray[np.int8]:
        """(B,) the arm of each request."""
        return self.assign(self.units(requests), requests.at_B)
