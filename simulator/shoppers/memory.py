"""What is remembered of shoppers: recent clicks (public) and what they own (latent)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints

CLICKS_KEPT = 10
OWNED_KEPT = 4


class Memory:
    """Fixed-size rings of the last clicks and the last purchases of S shoppers, newest first."""

    def __init__(self, shoppers: int) -> None:
        self.clicked_SH: Ints = np.full((shoppers, CLICKS_KEPT), -1, np.int32)
        self.owned_SM: Ints = np.full((shoppers, OWNED_KEPT), -1, np.int32)

    def click(
        self, shopper_B: NDArray[np.int64], items_BK: Ints, clicked_BK: NDArray[np.bool_]
    ) -> None:
        """Remember the clicks of B pages; a shopper with several pages sees them in row order."""
        rows = np.flatnonzero(clicked_BK.any(axis=1))
        while len(rows):
            _, first = np.unique(shopper_B[rows], return_index=True)
            once = rows[first]
            before_BH = self.clicked_SH[shopper_B[once]]
            self.clicked_SH[shopper_B[once]] = remembered(
                before_BH, items_BK[once], clicked_BK[once]
            )
            rows = np.delete(rows, first)

    def buy(self, shopper: int, item: int) -> None:
        """Remember one purchase."""
        self.owned_SM[shopper, 1:] = self.owned_SM[shopper, :-1]
        self.owned_SM[shopper, 0] = item

    def give_back(self, shopper: int, item: int) -> None:
        """Forget the latest purchase of an item, if it is remembered."""
        owned_M = self.owned_SM[shopper]
        place_X = np.flatnonzero(owned_M == item)
        if len(place_X):
            self.owned_SM[shopper] = np.append(np.delete(owned_M, place_X[0]), -1)

    def state(self) -> dict[str, NDArray[Any]]:
        """The arrays for `restore`."""
        return {"clicked_SH": self.clicked_SH, "owned_SM": self.owned_SM}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from a saved state."""
        self.clicked_SH = state["clicked_SH"].copy()
        self.owned_SM = state["owned_SM"].copy()


def remembered(history_BH: Ints, items_BK: Ints, clicked_BK: NDArray[np.bool_]) -> Ints:
    """(B, H) the last clicks after a page each: those on the page come first, the lowest newest."""
    newest_BK = np.where(clicked_BK, items_BK, -1)[:, ::-1]
    both = np.concatenate((newest_BK, history_BH), axis=1)
    order = np.argsort(both < 0, axis=1, kind="stable")[:, : history_BH.shape[1]]
    return np.asarray(np.take_along_axis(both, order, axis=1), np.int32)
