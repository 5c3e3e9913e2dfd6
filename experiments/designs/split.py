"""What designs share that hash their units: a salted split with given shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from simulator.errors import ConfigError
from simulator.protocols import Requests

if TYPE_CHECKING:  # they load numba, which readers of settings do not need
    from simulator.randomness import Draws

SHARE_TOLERANCE = 1e-9
MAX_ARMS = 127  # an arm is an int8 in the log


@dataclass(frozen=True)
class UnitSplit:
    """Every unit stays in one arm, chosen by a salted hash of the unit's number.

    A unit's arm depends on nothing but seed, salt and number: not on who else takes part, nor on
    when.

    Attributes:
        name: what is split, in the singular.
        shares: share of the units in each arm, sums to 1.
        salt: name of the experiment; another salt gives an independent split.
        draws: the luck of the world.

    Raises:
        ConfigError: shares are negative or do not sum to 1, or there are too many arms.
    """

    name: ClassVar[str]

    shares: tuple[float, ...]
    salt: str
    draws: Draws

    def __post_init__(self) -> None:
        check_shares(self.shares)

    def assign(self, unit_U: NDArray[np.int64], at_U: NDArray[np.float64]) -> NDArray[np.int8]:
        """Arm of each unit, the same at any time."""
        uniform_U = self.draws.uniform(f"assign:{self.salt}", unit_U)
        bounds = np.cumsum(self.shares)[:-1]
        return np.searchsorted(bounds, uniform_U, side="right").astype(np.int8)


@dataclass(frozen=True)
class Split(UnitSplit, ABC):
    """Units are split that every request belongs to one of."""

    @abstractmethod
    def units(self, requests: Requests) -> NDArray[np.int64]:
        """(B,) the unit of each request."""

    def arms(self, requests: Requests) -> NDArray[np.int8]:
        """(B,) the arm of each request: that of its unit."""
        return self.assign(self.units(requests), requests.at_B)


def check_shares(shares: tuple[float, ...]) -> None:
    """Refuse shares that are no split.

    Raises:
        ConfigError: with the shares found and what they must be.
    """
    if not 1 <= len(shares) <= MAX_ARMS:
        raise ConfigError(f"arms == {len(shares)} arms, must be 1 to {MAX_ARMS}")
    if not all(0 <= share <= 1 for share in shares):
        raise ConfigError(f"arms.share == {list(shares)}, must be from 0 to 1 each")
    if abs(sum(shares) - 1) > SHARE_TOLERANCE:
        raise ConfigError(f"arms.share == {list(shares)}, sum {sum(shares):.10g}, must sum to 1")
