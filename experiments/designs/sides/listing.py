"""The design that splits items: everybody is served by one funnel, and items are in arms."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from experiments.designs.split import UnitSplit


@dataclass(frozen=True)
class ListingSplit(UnitSplit):
    """Items are split: what an arm does is done to its items, whoever asks.

    Its salt should not be that of a split of shoppers: item n and shopper n are to be drawn apart.
    """

    name: ClassVar[str] = "listing"

    def items(self, count: int) -> NDArray[np.int8]:
        """(I,) the arm of each of so many items."""
        return self.assign(np.arange(count), np.zeros(count))
