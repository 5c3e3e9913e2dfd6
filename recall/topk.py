"""The k best items under one total order: higher score first, then lower item id.

A score and an item id pack into one int64 that sorts that way, so a bounded heap of integers
selects exactly, whatever the order in which the items come.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recall.candidates import Candidates
from simulator.catalog import Ints

_LOW = 0x7FFFFFFF  # all but the sign bit of 32: also the largest item id


@njit(cache=True, nogil=True)
def order_key(score: Any, item: Any) -> Any:  # pragma: no cover
    """Pack a float32 score and an item id; a better candidate has a larger key."""
    plain = np.float32(score + np.float32(0.0))  # -0.0 becomes 0.0
    bits = np.int64(plain.view(np.int32))
    if bits < 0:  # negative floats order backwards as integers
        bits ^= _LOW
    return (bits << 32) | (_LOW - item)


@njit(cache=True, nogil=True)
def key_score(key: Any) -> Any:  # pragma: no cover
    """The float32 score of a key."""
    bits = key >> 32
    if bits < 0:
        bits ^= _LOW
    plain = np.int32(bits)
    return plain.view(np.float32)


@njit(cache=True, nogil=True)
def offer(heap: Any, size: Any, key: Any) -> Any:  # pragma: no cover
    """Offer a key to a min-heap of the `len(heap)` best; returns its new size."""
    if size < len(heap):
        place = size
        while place > 0 and heap[(place - 1) >> 1] > key:
            heap[place] = heap[(place - 1) >> 1]
            place = (place - 1) >> 1
        heap[place] = key
        return size + 1
    if key <= heap[0]:
        return size
    place, child = 0, 1
    while child < size:
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[place] = heap[child]
        place, child = child, 2 * child + 1
    heap[place] = key
    return size


@njit(cache=True, nogil=True)
def drain(heap: Any, size: Any, items_N: Any, scores_N: Any) -> None:  # pragma: no cover
    """Write the heap's candidates best first; the rest of the row stays as it is."""
    keys = np.sort(heap[:size])
    for n in range(size):
        key = keys[size - 1 - n]
        items_N[n] = _LOW - (key & 0xFFFFFFFF)
        scores_N[n] = key_score(key)


def blank(n_rows: int, limit: int) -> Candidates:
    """Candidates without any item: -1 and zeros."""
    items = np.full((n_rows, limit), -1, np.int32)
    return Candidates(items, np.zeros((n_rows, limit), np.float32))


@njit(cache=True, nogil=True)
def _rows(items_BM: Any, scores_BM: Any, items_BN: Any, scores_BN: Any) -> None:  # pragma: no cover
    heap = np.empty(items_BN.shape[1], np.int64)
    for b in range(items_BM.shape[0]):
        size = 0
        for m in range(items_BM.shape[1]):
            if items_BM[b, m] >= 0:
                size = offer(heap, size, order_key(scores_BM[b, m], items_BM[b, m]))
        drain(heap, size, items_BN[b], scores_BN[b])


def best(items_BM: Ints, scores_BM: NDArray[np.float32], limit: int) -> Candidates:
    """The `limit` best of M distinct candidates a row (-1: none)."""
    found = blank(len(items_BM), limit)
    _rows(items_BM, scores_BM, found.items_BN, found.scores_BN)
    return found
