"""Logged requests with what became of them: what a reward may know of a request."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cqsid.training.examples import acted_on
from recall.arrays import Ragged
from simulator.log.history import History
from simulator.protocols import Requests

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Logged:
    """B logged requests.

    Attributes:
        requests: the requests as the search service saw them.
        exposed: distinct items shown to each, in the order of their positions.
        clicked: distinct items clicked, in the order of their positions, then those bought that
            no click is logged of; a bought item counts as clicked.
        bought: distinct items bought, in the order of the orders.
        spent_B: price times quantity of the orders of each request (currency of the catalogue).
        propensity: float32, beside `exposed.values`: probability with which the service put the
            item at its place, that of its first exposure in the request; 1 where the service did
            not explore.
    """

    requests: Requests
    exposed: Ragged
    clicked: Ragged
    bought: Ragged
    spent_B: NDArray[np.float64]
    propensity: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.requests)

    def rows(self, rows: Rows) -> "Logged":
        """Some of the requests, in the order of `rows`, repeats allowed."""
        places = np.arange(len(self.propensity), dtype=np.int32)
        return Logged(
            self.requests.rows(rows),
            self.exposed.take(rows),
            self.clicked.take(rows),
            self.bought.take(rows),
            self.spent_B[rows],
            self.propensity[Ragged(places, self.exposed.pointer).take(rows).values],
        )

    @staticmethod
    def of(history: History, row_B: Rows, depth: int = 10) -> "Logged":
        """Some requests of a log.

        Args:
            history: the whole log; earlier clicks of a shopper are known to their requests.
            row_B: rows of the requests, repeats allowed.
            depth: recent clicks that a request carries.
        """
        row_M, once_B = np.unique(row_B, return_inverse=True)
        place_R = np.full(len(history.request_R), -1, np.int64)
        place_R[row_M] = np.arange(len(row_M))
        exposed, first_E = _exposures(history, place_R, len(row_M))
        place_O = place_R[history.order_row_O]
        kept_O = place_O >= 0
        paid_O = (history.order_price_O * history.order_quantity_O)[kept_O]
        spent_M = np.bincount(place_O[kept_O], weights=paid_O, minlength=len(row_M))
        return Logged(
            history.requests(row_M, depth),
            exposed,
            _clicks(history, place_R, len(row_M)),
            _distinct(place_O[kept_O], history.order_item_O[kept_O], len(row_M))[0],
            np.asarray(spent_M, np.float64),
            history.propensity_X[first_E],
        ).rows(once_B)


def _exposures(history: History, place_R: Rows, number: int) -> tuple[Ragged, Rows]:
    """Items shown to the requests that have a place, and the exposure that first showed each."""
    shown_E = np.flatnonzero(place_R[history.row_X] >= 0)
    place_E = place_R[history.row_X[shown_E]]
    shown_E = shown_E[np.lexsort((history.position_X[shown_E], place_E))]
    items, first = _distinct(place_R[history.row_X[shown_E]], history.item_X[shown_E], number)
    return items, shown_E[first]


def _clicks(history: History, place_R: Rows, number: int) -> Ragged:
    """Items clicked, by position, and then those bought, of the requests that have a place."""
    row_F, item_F = acted_on(history)
    clicks = int(history.clicked_X.sum())
    order_F = np.arange(len(row_F))
    order_F[:clicks] = history.position_X[history.clicked_X]
    order_F[clicks:] += int(history.position_X.max(initial=0)) + 1  # orders come after all clicks
    kept_F = np.flatnonzero(place_R[row_F] >= 0)
    kept_F = kept_F[np.argsort(order_F[kept_F], kind="stable")]
    return _distinct(place_R[row_F[kept_F]], item_F[kept_F], number)[0]


def _distinct(place_E: Rows, item_E: NDArray[np.integer], number: int) -> tuple[Ragged, Rows]:
    """The distinct items of each of `number` requests, by first event, and those events."""
    item = item_E.astype(np.int64)
    _, first_E = np.unique(place_E * (item.max(initial=0) + 1) + item, return_index=True)
    first_E = first_E[np.lexsort((first_E, place_E[first_E]))]
    pointer = np.zeros(number + 1, np.int64)
    np.cumsum(np.bincount(place_E[first_E], minlength=number), out=pointer[1:])
    return Ragged(item[first_E].astype(np.int32), pointer), first_E
