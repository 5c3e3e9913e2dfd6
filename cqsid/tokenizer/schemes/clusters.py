"""Items inside their clusters: ranks, counts, and rows cluster by cluster."""

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.int64]


def ranks(key_N: Keys, *by: NDArray[np.generic]) -> tuple[Keys, Keys]:
    """Place of each row among the rows of its key, and how many of these there are.

    Args:
        key_N: cluster of each row.
        by: (N,) columns that order the rows of a cluster, smaller first, the first one most
            important; rows that tie stay in the order given.

    Returns:
        rank_N, count_N.
    """
    order = np.lexsort((*reversed(by), key_N))
    start_C = starts(key_N[order])
    count_C = np.diff(start_C)
    rank_N, count_N = np.empty(len(key_N), np.int64), np.empty(len(key_N), np.int64)
    rank_N[order] = np.arange(len(key_N)) - np.repeat(start_C[:-1], count_C)
    count_N[order] = np.repeat(count_C, count_C)
    return rank_N, count_N


def starts(key_N: Keys) -> Keys:
    """(C + 1,) where each run of equal keys starts in a sorted column, and its length at last."""
    changes = np.flatnonzero(key_N[1:] != key_N[:-1]) + 1
    ends = [len(key_N)] if len(key_N) else []
    return np.concatenate([[0], changes, ends]).astype(np.int64)
