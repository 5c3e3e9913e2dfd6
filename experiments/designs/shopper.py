"""The design that splits shoppers: each stays in one arm, whatever the time."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from experiments.designs.split import Split
from simulator.protocols import Requests


@dataclass(frozen=True)
class ShopperSplit(Split):
    """Shoppers are split: whoever comes again is served by the same arm."""

    name: ClassVar[str] = "shopper"

    def units(self, requests: Requests) -> NDArray[np.int64]:
        """(B,) the shopper of each request."""
        return requests.shopper_B
