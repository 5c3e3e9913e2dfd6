"""How stock went between two refreshes: what was on the shelf at any moment."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints


@dataclass
class StockTrace:
    """The stock of every item from a moment on.

    Attributes:
        start: the moment, simulated seconds.
        stock_I: units on the shelf then.
        moves: (when, item, units on the shelf afterwards), in the order of time.
    """

    start: float
    stock_I: NDArray[np.int64]
    moves: list[tuple[float, int, int]] = field(default_factory=list)

    def at(self, items_RK: Ints, at_R: NDArray[np.float64]) -> NDArray[np.int64]:
        """(R, K) units of items on the shelf just before these moments."""
        stock_RK = self.stock_I[items_RK]
        if not self.moves:
            return stock_RK
        when_M, item_M, left_M = (np.array(column) for column in zip(*self.moves, strict=True))
        span = float(max(when_M.max(), at_R.max(initial=self.start)) - self.start) + 1.0
        key_M = item_M + (when_M - self.start) / span
        order_M = np.argsort(key_M, kind="stable")
        asked_RK = items_RK + np.clip((at_R - self.start) / span, 0, None)[:, None]
        before_RK = np.searchsorted(key_M[order_M], asked_RK) - 1
        last_RK = order_M[np.maximum(before_RK, 0)]
        moved_RK = (before_RK >= 0) & (item_M[last_RK] == items_RK)
        return np.where(moved_RK, left_M[last_RK], stock_RK)
