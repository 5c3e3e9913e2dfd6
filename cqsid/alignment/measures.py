"""Offline measures of a policy's beams, request by request, and their names.

`clk@N` and `exp@N` are called click and exposure hit rate at N, and `pvr@10` the mean coverage of
the exposed list, in readings of arXiv 2605.14434. That a request counts as an exposure hit if any
of its exposed items is covered is inferred: the published exp@10 of .87 beside a pvr@10 of .44
fits no mean over items. `clk@N` is the share of clicked items that are covered.

Axis suffixes: B requests, N beams, C columns.
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cqsid.alignment.settings import BEST
from cqsid.decoding.evaluate import hit_rate_B, recall_B
from cqsid.decoding.shelves import Shelves
from cqsid.tokenizer.ids import SemanticIds
from recall.arrays import Ragged
from simulator.catalogue.catalog import Catalog, Ints
from simulator.errors import DataError

if TYPE_CHECKING:  # it loads torch, which readers of the names do not need
    from cqsid.rewards.logged import Logged

Floats = NDArray[np.float64]

CLK_1: Final = "clk@1"
CLK_10: Final = "clk@10"
CLK_100: Final = "clk@100"
EXP_1: Final = "exp@1"
EXP_10: Final = "exp@10"
PVR_10: Final = "pvr@10"
RECALL_200: Final = "recall@200"
DIVERSITY: Final = "diversity"
FIRST_CODES: Final = "first_codes"
MEASURES: Final = (
    *(CLK_1, CLK_10, CLK_100, EXP_1, EXP_10, PVR_10),
    *(RECALL_200, DIVERSITY, FIRST_CODES),
)

WIDTHS: Final = (1, 10, 100)
"""Beams whose hit rates are told of."""


ITEMS: Final = 200
"""Items of item recall."""


def measures(
    sid_BN: Ints, logged: "Logged", ids: SemanticIds, shelves: Shelves, catalog: Catalog
) -> dict[str, Floats]:
    """All measures of B requests, by name, each (B,) and finite.

    clk@N: share of the clicked items whose id is among the first N. exp@N: 1 if that of any
    exposed item is. pvr@10: share of the exposed items whose id is among the first ten.
    recall@200: share of the clicked items among the first 200 items of the beam, ids taken whole.
    diversity: distinct categories of the first items of the best ten ids, over ten; unknown
    categories do not count. first_codes: distinct first codes of the best ten ids.

    Args:
        sid_BN: beams, best first, distinct rows of the id table, -1 padded; clk@100 is of
            the whole beam where it is narrower.
        logged: the requests; each with clicks and exposures.
        ids: the id table that the beams are of.
        shelves: items on sale behind each id.
        catalog: categories.

    Raises:
        DataError: a request without clicks or without exposures, fewer than ten columns, or an
            item or id that does not exist.
    """
    if sid_BN.ndim != 2 or sid_BN.shape[1] < BEST:
        raise DataError(f"sid_BN.shape == {sid_BN.shape}, must be (requests, >= {BEST})")
    _check_some(logged.clicked, "clicked")
    _check_some(logged.exposed, "exposed")
    shown_B = {n: hit_rate_B(sid_BN, n, logged.exposed, ids) for n in (1, 10)}
    clicked_B = {n: hit_rate_B(sid_BN, n, logged.clicked, ids) for n in WIDTHS}
    return {
        CLK_1: clicked_B[1],
        CLK_10: clicked_B[10],
        CLK_100: clicked_B[100],
        EXP_1: (shown_B[1] > 0).astype(np.float64),
        EXP_10: (shown_B[10] > 0).astype(np.float64),
        PVR_10: shown_B[10],
        RECALL_200: item_recall_B(sid_BN, logged.clicked, shelves),
        DIVERSITY: categories_B(sid_BN[:, :BEST], shelves, catalog) / BEST,
        FIRST_CODES: first_codes_B(sid_BN[:, :BEST], ids).astype(np.float64),
    }


def item_recall_B(sid_BN: Ints, targets: Ragged, shelves: Shelves) -> Floats:
    """(B,) share of each request's target items among the first 200 items of its beam.

    Ids are taken whole, the best first.

    Raises:
        DataError: another number of requests, or a request without targets or with one twice.
    """
    return recall_B(shelves.first(sid_BN, ITEMS)[0], targets, ITEMS)


def categories_B(sid_BN: Ints, shelves: Shelves, catalog: Catalog) -> NDArray[np.int64]:
    """(B,) distinct known categories of the first items of ids (-1: none)."""
    size_S = np.append(np.diff(shelves.pointer_S), 0)
    filled_BN = size_S[sid_BN] > 0  # an id of -1 reads the appended 0
    category_BN = np.full(sid_BN.shape, -1, np.int64)
    first = shelves.items[shelves.pointer_S[sid_BN[filled_BN]]]
    category_BN[filled_BN] = catalog.category_I[first]
    return distinct_B(category_BN, category_BN >= 0)


def first_codes_B(sid_BN: Ints, ids: SemanticIds) -> NDArray[np.int64]:
    """(B,) distinct first codes of ids (-1: none)."""
    return distinct_B(ids.sids_SL[sid_BN, 0], sid_BN >= 0)


def distinct_B(values_BC: NDArray[Any], counted_BC: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(B,) distinct integers of each row among the counted places."""
    if not values_BC.size:
        return np.zeros(len(values_BC), np.int64)
    # What does not count becomes the least value of its row, and is taken off again.
    below = np.int64(values_BC.min()) - 1
    sorted_BC = np.sort(np.where(counted_BC, values_BC, below), axis=1)
    kinds_B = 1 + (np.diff(sorted_BC, axis=1) != 0).sum(axis=1)
    return np.asarray(kinds_B - (sorted_BC[:, 0] == below), np.int64)


def _check_some(items: Ragged, place: str) -> None:
    empty = np.flatnonzero(items.lengths == 0)
    if len(empty):
        raise DataError(f"logged.{place}[{empty[0]}] == no item, must have at least one")
