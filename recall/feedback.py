"""What shoppers did with items after a query: the evidence that channels learn from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints
from simulator.log.history import History
from simulator.protocols import REQUEST_BITS


@dataclass(frozen=True)
class Feedback:
    """F events: clicks, then orders.

    Attributes:
        text_F: index into the history's texts.
        session_F: session id, int64.
        item_F: item clicked or bought.
        weight_F: 1 for a click, `order_weight` for an order.
    """

    text_F: Ints
    session_F: NDArray[np.int64]
    item_F: Ints
    weight_F: NDArray[np.float64]

    @staticmethod
    def of(history: History, order_weight: float) -> "Feedback":
        """The clicks and orders of a log."""
        clicked_X = history.clicked_X.astype(bool)
        row_F = np.concatenate([history.row_X[clicked_X], history.order_row_O]).astype(np.int64)
        n_clicks = int(clicked_X.sum())
        weight_F = np.where(np.arange(len(row_F)) < n_clicks, 1.0, order_weight)
        return Feedback(
            text_F=history.text_R[row_F],
            session_F=history.request_R[row_F] >> REQUEST_BITS,
            item_F=np.concatenate([history.item_X[clicked_X], history.order_item_O]),
            weight_F=weight_F,
        )

    def __len__(self) -> int:
        return len(self.item_F)
