"""Lists of different lengths, sparse counts, and the k best under one total order."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csc_matrix, csr_matrix

from recall.candidates import Candidates
from simulator.catalogue.catalog import Ints


@dataclass(frozen=True)
class Ragged:
    """R lists of numbers; list r is `values[pointer[r] : pointer[r + 1]]`."""

    values: NDArray[Any]
    pointer: NDArray[np.int64]

    @staticmethod
    def of(lists: Sequence[Sequence[int]]) -> "Ragged":
        """Pack Python lists."""
        pointer = np.zeros(len(lists) + 1, np.int64)
        np.cumsum([len(one) for one in lists], out=pointer[1:])
        flat = np.fromiter(chain.from_iterable(lists), np.int32, count=int(pointer[-1]))
        return Ragged(flat, pointer)

    def __len__(self) -> int:
        return len(self.pointer) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(R,) length of each list."""
        return np.diff(self.pointer)

    def take(self, rows: NDArray[np.integer]) -> "Ragged":
        """Some of the lists, in the order of `rows`, repeats allowed."""
        lengths = self.pointer[1:][rows] - self.pointer[:-1][rows]
        pointer = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=pointer[1:])
        shift = np.repeat(self.pointer[rows] - pointer[:-1], lengths)
        return Ragged(self.values[shift + np.arange(pointer[-1])], pointer)

    def among(self, rows: NDArray[np.integer], size: int) -> "Ragged":
        """These lists as the ascending `rows` of so many; the others are empty."""
        pointer = np.zeros(size + 1, np.int64)
        pointer[rows + 1] = self.lengths
        return Ragged(self.values, np.cumsum(pointer))

    def followed_by(self, other: "Ragged") -> "Ragged":
        """These lists, then those of another."""
        pointer = np.concatenate([self.pointer, self.pointer[-1] + other.pointer[1:]])
        return Ragged(np.concatenate([self.values, other.values]), pointer)

    def expand(self, inner: "Ragged") -> "Ragged":
        """Replace every value v by the list `inner[v]`, joined within each of the R lists."""
        joined = inner.take(self.values)
        return Ragged(joined.values, joined.pointer[self.pointer])


def counts(
    row_F: NDArray[np.integer],
    column_F: NDArray[np.integer],
    weight_F: NDArray[np.float64],
    shape: tuple[int, int],
) -> csr_matrix:
    """Sum of the weights of each (row, column) pair, columns sorted."""
    return csr_matrix(coo_matrix((weight_F, (row_F, column_F)), shape=shape))


def stored(matrix: csr_matrix | csc_matrix) -> tuple[NDArray[Any], ...]:
    """Where each row (or column) of a compressed matrix starts, the other index, and the data."""
    return matrix.indptr, matrix.indices, matrix.data


def normalised_rows(matrix: csr_matrix) -> csr_matrix:
    """The matrix with rows that sum to 1; empty rows stay empty."""
    total = np.asarray(matrix.sum(axis=1)).ravel()
    scaled = matrix.copy()
    scaled.data = matrix.data / np.repeat(total, np.diff(matrix.indptr))
    return scaled


def strongest(matrix: csr_matrix, depth: int) -> csr_matrix:
    """Each row's `depth` largest entries; of equal ones, those with the lower column."""
    sizes = np.diff(matrix.indptr)
    row_E = np.repeat(np.arange(matrix.shape[0]), sizes)
    order_E = np.lexsort((matrix.indices, -matrix.data, row_E))
    rank_E = np.arange(len(order_E)) - np.repeat(matrix.indptr[:-1], sizes)
    kept = np.sort(order_E[rank_E < depth])
    pointer = np.concatenate([[0], np.cumsum(np.minimum(sizes, depth))])
    return csr_matrix((matrix.data[kept], matrix.indices[kept], pointer), shape=matrix.shape)


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
