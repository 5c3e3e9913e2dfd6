"""Best first, the same on every machine: scores on a coarse grid, ties broken by item id.

The last bits of a sum depend on the order of its terms, and so on thread counts and on batch
shapes. Dropping them before sorting keeps them from deciding a page.
"""

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints

_DROPPED_BITS = 7  # of the 23 mantissa bits of a float32: about 5 digits remain
_HALF = np.int32(1 << (_DROPPED_BITS - 1))
_KEPT = np.int32(~((1 << _DROPPED_BITS) - 1))
_MAGNITUDE = np.int32(0x7FFFFFFF)


def on_grid(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """The scores rounded to about 5 digits; NaN becomes -inf, -0 becomes 0."""
    plain = np.where(np.isnan(scores), np.float32(-np.inf), scores).astype(np.float32)
    rounded = ((plain.view(np.int32) + _HALF) & _KEPT).view(np.float32)
    return np.where(np.isinf(plain), plain, rounded) + np.float32(0.0)


def best_first(
    scores_BN: NDArray[np.float32], items_BN: Ints, depth: int | None = None
) -> NDArray[np.intp]:
    """(B, D) columns of each row from best to worst, D = min(depth, N).

    Scores that agree `on_grid` are ordered by item id; padding (item -1) comes last.
    """
    bits_BN = on_grid(scores_BN).view(np.int32)
    order_BN = np.where(bits_BN < 0, -(bits_BN & _MAGNITUDE), bits_BN).astype(np.int64)
    keys_BN = (-order_BN << np.int64(31)) + items_BN
    keys_BN[items_BN < 0] = np.iinfo(np.int64).max
    return np.argsort(keys_BN, axis=1)[:, :depth]
