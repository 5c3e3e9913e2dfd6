"""What a reward is: a function of logged requests, generated ids and the shop."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cqsid.rewards.logged import Logged
from cqsid.rewards.shop import Shop
from simulator.catalog import Ints

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Samples:
    """A group of G ids for each of B requests: sampled by the policy, or injected.

    Attributes:
        codes_BGL: int32 codes of each id, one for each of L levels.
        sid_BG: row of the id in `Shop.ids.sids_SL`; -1: no item has this id.
    """

    codes_BGL: Ints
    sid_BG: Ints

    @property
    def shape(self) -> tuple[int, int]:
        """(B, G)."""
        return self.sid_BG.shape[0], self.sid_BG.shape[1]


class Reward(Protocol):
    """The worth of ids; any callable of this signature is one.

    A group is there as a whole, so that an id may be worth less for being generated twice. The
    same arguments must give the same values.
    """

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) finite values, the higher the better."""
