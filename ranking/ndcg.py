"""How well an order of exposed items puts the clicked ones first."""

import numpy as np
from numpy.typing import NDArray

from ranking.ordering import best_first
from simulator.catalogue.catalog import Ints


def ndcg(scores_BN: NDArray[np.float32], items_BN: Ints, gains_BN: NDArray[np.generic]) -> float:
    """DCG over the best DCG (Järvelin and Kekäläinen, TOIS 2002), of all rows together.

    Sums and not a mean over rows: gains that are weighted against a bias of what was seen are
    right in the sum alone. NaN without any gain.

    Args:
        scores_BN: higher comes first, ties by item id.
        items_BN: item ids, -1 padded.
        gains_BN: gain of each item, >= 0.
    """
    held_BN = np.where(items_BN >= 0, gains_BN, 0).astype(np.float64)
    rows_B = held_BN.sum(axis=1) > 0
    if not rows_B.any():
        return float("nan")
    order_BN = best_first(scores_BN[rows_B], items_BN[rows_B])
    ordered_BN = np.take_along_axis(held_BN[rows_B], order_BN, axis=1)
    ideal_BN = -np.sort(-held_BN[rows_B], axis=1)
    discount_N = 1 / np.log2(np.arange(held_BN.shape[1]) + 2)
    return float((ordered_BN @ discount_N).sum() / (ideal_BN @ discount_N).sum())
