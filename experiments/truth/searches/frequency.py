"""How common texts are: head, torso and tail by the requests that commoner ones make up."""

import numpy as np
from numpy.typing import NDArray

HEAD, TORSO = 1 / 3, 2 / 3
"""Shares of requests that the most frequent texts make up: those are head, the next torso."""

FREQUENCIES = ("head", "torso", "tail")


def frequencies(count_T: NDArray[np.int64]) -> NDArray[np.int64]:
    """(T,) the number, in `FREQUENCIES`, of each of T texts; of equal ones the first is commoner.

    Args:
        count_T: how often each was asked.
    """
    order_T = np.argsort(-count_T, kind="stable")
    before_T = np.zeros(len(count_T))
    before_T[order_T] = np.cumsum(count_T[order_T]) - count_T[order_T]
    share_T = before_T / max(int(count_T.sum()), 1)
    return (share_T >= HEAD).astype(np.int64) + (share_T >= TORSO)
