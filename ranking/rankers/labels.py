"""What became of exposures, row by row."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.examples import Examples


@dataclass(frozen=True)
class Labels:
    """What became of P exposures.

    Attributes:
        device_P, slot_P: 0-based device, and place on its page, at which the item was shown.
        clicked_P, wanted_P: what the shopper did; whoever wants an item, which is to put it into
            the cart or to buy it, has clicked. Carts are more than purchases, and go for the same.
    """

    device_P: NDArray[np.int64]
    slot_P: NDArray[np.int64]
    clicked_P: NDArray[np.bool_]
    wanted_P: NDArray[np.bool_]

    def rows(self, rows: NDArray[np.bool_]) -> "Labels":
        """The labels of some exposures."""
        return Labels(
            self.device_P[rows], self.slot_P[rows], self.clicked_P[rows], self.wanted_P[rows]
        )

    @classmethod
    def of(cls, examples: Examples) -> "Labels":
        """Those of the exposures of examples, row by row."""
        held_BN, clicked_BN = examples.pool.items_BN >= 0, examples.clicked_BN
        device_BN = np.broadcast_to(examples.requests.device_B[:, None], held_BN.shape)
        return cls(
            device_P=device_BN[held_BN].astype(np.int64),
            slot_P=examples.slot_BN[held_BN].astype(np.int64),
            clicked_P=clicked_BN[held_BN],
            wanted_P=((examples.carted_BN | examples.bought_BN) & clicked_BN)[held_BN],
        )
