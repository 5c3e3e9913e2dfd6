"""The contract of a ranker's scores, checked at every call."""

import numpy as np
from numpy.typing import NDArray


def score_fault(scores_BN: object, held_BN: NDArray[np.bool_]) -> tuple[str, str] | None:
    """What is wrong with a ranker's scores, as (value found, value wanted); None if nothing.

    Args:
        scores_BN: what the ranker returned.
        held_BN: which columns hold a candidate; the others are padding.
    """
    if not isinstance(scores_BN, np.ndarray) or scores_BN.dtype != np.float32:
        found = getattr(scores_BN, "dtype", type(scores_BN).__name__)
        return str(found), "must be a float32 array"
    if scores_BN.shape != held_BN.shape:
        return f"shape {scores_BN.shape}", f"must have shape {held_BN.shape}"
    if not np.isfinite(scores_BN[held_BN]).all():
        return str(scores_BN[held_BN].min()), "must be finite for every candidate"
    if not np.isneginf(scores_BN[~held_BN]).all():
        return str(scores_BN[~held_BN].max()), "must be -inf on padding"
    return None
