"""The table from ids to items: which items stand behind an id, in which order, and how many."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cqsid.expansion import expanded
from cqsid.ids import SemanticIds
from recall.candidates import Candidates
from simulator.catalog import Ints
from simulator.protocols import ItemStatistics
from simulator.spec import Spec

_ORDER_WEIGHT = 3.0  # an order counts as this many clicks, as in the item-to-item channel
_PRIOR_EXPOSURES = 100.0  # weight of the shop's mean rate in an item's own


class ShelfSpec(Spec):
    """How ids become items."""

    order: Literal["value", "popularity", "newest"] = Field(
        "value",
        description="which items of an id come first: value: clicks and orders per exposure, "
        "shrunk to the shop's mean; popularity: their number; newest: the latest in the shop",
    )
    cap: int = Field(50, gt=0, description="most items taken from one id (items)")


@dataclass(frozen=True)
class Shelves:
    """Items behind each of S ids; those of id s are `items[pointer_S[s] : pointer_S[s + 1]]`.

    Attributes:
        items: item numbers, best first within an id.
        pointer_S: (S + 1,) where each id's items begin.
    """

    items: Ints
    pointer_S: NDArray[np.int64]

    @staticmethod
    def of(ids: SemanticIds, value_I: NDArray[np.floating]) -> "Shelves":
        """Shelves of a table's ids (rows of `ids.sids_SL`), by falling value, then by item."""
        placed = np.flatnonzero(ids.sid_I >= 0)
        order = np.lexsort((placed, -np.asarray(value_I)[placed], ids.sid_I[placed]))
        pointer_S = np.zeros(len(ids.sids_SL) + 1, np.int64)
        np.cumsum(np.bincount(ids.sid_I[placed], minlength=len(ids.sids_SL)), out=pointer_S[1:])
        return Shelves(placed[order].astype(np.int32), pointer_S)

    def on_sale(self, available_I: NDArray[np.bool_]) -> "Shelves":
        """The same ids with the available items alone; an id may be left with none."""
        kept = available_I[self.items]
        before = np.concatenate([[0], np.cumsum(kept)])
        return Shelves(self.items[kept], before[self.pointer_S])

    def expand(
        self, sid_BN: Ints, scores_BN: NDArray[np.float32], limit: int, cap: int
    ) -> Candidates:
        """The items of each row's ids, in the order of the ids, at most `cap` from each.

        Args:
            sid_BN: distinct rows of the id table, best first, -1 padded on the right.
            scores_BN: non-increasing; every item gets the score of its id.
            limit: most items of a row.
            cap: most items of an id.
        """
        items_BN, place_BN = expanded(sid_BN, self.pointer_S, self.items, limit, cap)
        rows_B1 = np.arange(len(sid_BN))[:, None]
        return Candidates(items_BN, np.where(place_BN >= 0, scores_BN[rows_B1, place_BN], 0))


def item_values(
    spec: ShelfSpec, statistics: ItemStatistics, created_at_I: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(I,) what decides the order inside an id.

    The value is an empirical-Bayes rate `(v + a * p0) / (c + a)` with v = clicks + 3 orders,
    c exposures and p0 the shop's mean rate (the form of VARG; weights inferred).
    """
    if spec.order == "newest":
        return created_at_I
    events_I = statistics.clicks_I.astype(np.float64) + _ORDER_WEIGHT * statistics.orders_I
    if spec.order == "popularity":
        return events_I
    shown_I = statistics.exposures_I.astype(np.float64)
    mean = events_I.sum() / max(shown_I.sum(), 1.0)
    value_I = (events_I + _PRIOR_EXPOSURES * mean) / (shown_I + _PRIOR_EXPOSURES)
    return np.asarray(value_I)
