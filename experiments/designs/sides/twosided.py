"""The design that splits shoppers and items: a treatment needs both to be in it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from experiments.designs.shopper import ShopperSplit
from experiments.designs.sides.listing import ListingSplit
from simulator.protocols import Requests


@dataclass(frozen=True)
class TwoSidedSplit:
    """Shoppers are split, and by another draw so are items.

    A shopper of the treatment sees its items as the treatment has them, and all others as control
    has them; a shopper of control sees everything as control has it (Johari, Li, Liskovich and
    Weintraub, "Experimental design in two-sided platforms", Management Science 68, 2022).

    Attributes:
        shoppers, listings: both splits, with salts of their own.
    """

    name: ClassVar[str] = "two_sided"

    shoppers: ShopperSplit
    listings: ListingSplit

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of the shoppers in each arm."""
        return self.shoppers.shares

    def arms(self, requests: Requests) -> NDArray[np.int8]:
        """(B,) the arm of each request's shopper."""
        return self.shoppers.arms(requests)
