"""How stock went between two refreshes: what was on the shelf at any moment, and who bought it."""

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
        sales: (when, session, item, units) of each purchase.
    """

    start: float
    stock_I: NDArray[np.int64]
    moves: list[tuple[float, int, int]] = field(default_factory=list)
    sales: list[tuple[float, int, int, int]] = field(default_factory=list)

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

    def sold_to(
        self,
        session_R: NDArray[np.int64],
        items_RK: Ints,
        since_R: NDArray[np.float64],
        at_R: NDArray[np.float64],
    ) -> NDArray[np.int64]:
        """(R, K) units of items that these very sessions have bought after and before a moment."""
        units_RK = np.zeros(items_RK.shape, np.int64)
        if not self.sales:
            return units_RK
        by_session = sorted(self.sales, key=lambda sale: sale[1])
        when_M, session_M, item_M, units_M = (
            np.array(column) for column in zip(*by_session, strict=True)
        )
        first_R = np.searchsorted(session_M, session_R)
        count_R = np.searchsorted(session_M, session_R, side="right") - first_R
        row_X = np.repeat(np.arange(len(session_R)), count_R)
        before_X = np.repeat(np.cumsum(count_R) - count_R, count_R)
        sale_X = first_R[row_X] + np.arange(len(row_X)) - before_X
        counts_X = (since_R[row_X] < when_M[sale_X]) & (when_M[sale_X] < at_R[row_X])
        same_XK = items_RK[row_X] == item_M[sale_X, None]
        np.add.at(units_RK, row_X, same_XK * (counts_X * units_M[sale_X])[:, None])
        return units_RK
