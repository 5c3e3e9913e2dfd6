"""The design that splits shoppers: each stays in one arm, whatever the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.errors import ConfigError

if TYPE_CHECKING:  # they load numba, which readers of settings do not need
    from simulator.randomness import Draws

SHARE_TOLERANCE = 1e-9
MAX_ARMS = 127  # an arm is an int8 in the log


@dataclass(frozen=True)
class ShopperSplit:
    """Every shopper stays in one arm, chosen by a salted hash of the shopper's number.

    A shopper's arm depends on nothing but seed, salt and number: not on who else takes part.

    Attributes:
        shares: share of the shoppers in each arm, sums to 1.
        salt: name of the experiment; another salt gives an independent split.
        draws: the luck of the world.

    Raises:
        ConfigError: shares are negative or do not sum to 1, or there are too many arms.
    """

    shares: tuple[float, ...]
    salt: str
    draws: Draws
    name: str = "shopper"

    def __post_init__(self) -> None:
        check_shares(self.shares)

    def assign(self, unit_U: NDArray[np.int64], at_U: NDArray[np.float64]) -> NDArray[np.int8]:
        """Arm of each shopper, the same at any time."""
        uniform_U = self.draws.uniform(f"assign:{self.salt}", unit_U)
        bounds = np.cumsum(self.shares)[:-1]
        return np.searchsorted(bounds, uniform_U, side="right").astype(np.int8)


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
