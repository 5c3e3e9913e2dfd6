"""What identifier schemes may learn from: item texts, categories, and what the log tells."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recall.feedback import Feedback
from recall.texts.words import item_texts
from simulator.catalogue.catalog import Catalog, Ints
from simulator.log.history import History
from simulator.protocols import ItemStatistics

Floats = NDArray[np.float32]


class TextVectors(Protocol):
    """Turns texts into vectors of one space."""

    def items(self, texts: list[str]) -> Floats:
        """(N, D) vectors of item texts."""

    def queries(self, texts: list[str]) -> Floats:
        """(N, D) vectors of query texts."""


@dataclass(frozen=True)
class Signals:
    """What is known of I items when ids are made.

    Attributes:
        item_ID: text vectors of the items, D dimensions, about unit length.
        category_I: category number, -1 where unknown.
        categories: how many categories there are.
        created_at_I: when each item enters the shop (simulated seconds).
        known_I: items that may be learned from: those in the shop when the log ends.
        query_QD: text vectors of the Q distinct query texts that led to a click or an order.
        pair_query_P, pair_item_P: the distinct query-item pairs of these clicks and orders.
        pair_weight_P: how often each pair occurred (events).
        session_F, session_item_F: session number and item of every click and order.
        exposures_I, clicks_I, orders_I: how often each item was shown, clicked and bought.
    """

    item_ID: Floats
    category_I: Ints
    categories: int
    created_at_I: NDArray[np.float64]
    known_I: NDArray[np.bool_]
    query_QD: Floats
    pair_query_P: Ints
    pair_item_P: Ints
    pair_weight_P: NDArray[np.float64]
    session_F: NDArray[np.int64]
    session_item_F: Ints
    exposures_I: NDArray[np.float64]
    clicks_I: NDArray[np.float64]
    orders_I: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.category_I)

    @property
    def statistics(self) -> ItemStatistics:
        """Exposures, clicks and orders as a shop counts them."""
        counts = (self.exposures_I, self.clicks_I, self.orders_I)
        return ItemStatistics(*(column.astype(np.float32) for column in counts))

    @staticmethod
    def of(catalog: Catalog, history: History, vectors: TextVectors) -> "Signals":
        """Gather them from the public catalogue and a past log.

        Without a log every item that is on sale at second 0 is known.
        """
        feedback = Feedback.of(history, order_weight=1.0)
        until = float(history.at_R.max()) if len(history.at_R) else 0.0
        text_Q, query_F = np.unique(feedback.text_F, return_inverse=True)
        keys, weight_P = np.unique(
            query_F.astype(np.int64) * len(catalog) + feedback.item_F, return_counts=True
        )
        _, session_F = np.unique(feedback.session_F, return_inverse=True)

        def counted(items: Ints) -> NDArray[np.float64]:
            return np.bincount(items, minlength=len(catalog)).astype(np.float64)

        return Signals(
            item_ID=vectors.items(catalog_texts(catalog)),
            category_I=catalog.category_I,
            categories=len(catalog.categories),
            created_at_I=catalog.created_at_I,
            known_I=catalog.created_at_I <= until,
            query_QD=vectors.queries([history.texts[text] for text in text_Q]),
            pair_query_P=(keys // len(catalog)).astype(np.int32),
            pair_item_P=(keys % len(catalog)).astype(np.int32),
            pair_weight_P=weight_P.astype(np.float64),
            session_F=session_F.astype(np.int64),
            session_item_F=feedback.item_F,
            exposures_I=counted(history.item_X),
            clicks_I=counted(history.item_X[history.clicked_X]),
            orders_I=counted(history.order_item_O),
        )


def catalog_texts(catalog: Catalog) -> list[str]:
    """What ids and the generator read of an item: title and brand, not its category.

    The category is told to a scheme apart, so that one without it does not read it in the text.
    """
    return item_texts(catalog, brand=True)
