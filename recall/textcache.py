"""Answers that depend on the query text alone, computed once a text.

Queries repeat (their frequencies follow a power law), and the documents do not change between
two refreshes, so most texts of a batch were answered before.
"""

from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray

from simulator.protocols import Requests

Columns = tuple[NDArray[np.generic], ...]
_NO_TEXTS: tuple[str, ...] = ()


class TextCache:
    """Rows of arrays, one for each query text of one world; pickles empty.

    Args:
        capacity: texts remembered at most; when a batch would pass it, all are forgotten first.
    """

    def __init__(self, capacity: int = 65_536) -> None:
        self._capacity = capacity
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._texts = _NO_TEXTS
        self._key: Hashable = None
        self._row_T = np.empty(0, np.int32)
        self._columns: Columns = ()
        self._size = 0

    def __getstate__(self) -> int:
        return self._capacity

    def __setstate__(self, capacity: int) -> None:
        self._capacity = capacity
        self.clear()

    def __call__(
        self, requests: Requests, compute: Callable[[list[str]], Columns], key: Hashable = None
    ) -> Columns:
        """Arrays of one row for each request.

        Args:
            requests: whose texts are asked for.
            compute: gives, for distinct texts, arrays of one row each.
            key: whatever else the answer depends on; a new key forgets the old answers.
        """
        if self._texts is not requests.texts or self._key != key:
            self.clear()
            self._texts, self._key = requests.texts, key
            self._row_T = np.full(len(requests.texts), -1, np.int32)
        new = np.unique(requests.text_B[self._row_T[requests.text_B] < 0])
        if len(new) and self._size + len(new) > self._capacity:
            self._row_T[:] = -1
            self._size = 0
            new = np.unique(requests.text_B)
        if len(new) or not self._columns:
            self._append(new, compute([requests.texts[text] for text in new]))
        row_B = self._row_T[requests.text_B]
        return tuple(column[row_B] for column in self._columns)

    def _append(self, new: NDArray[np.int32], values: Columns) -> None:
        size = self._size + len(new)
        if not self._columns:
            self._columns = tuple(value[:0] for value in values)
        if size > len(self._columns[0]):
            self._columns = tuple(_grown(column, 2 * size) for column in self._columns)
        for column, value in zip(self._columns, values, strict=True):
            column[self._size : size] = value
        self._row_T[new] = np.arange(self._size, size)
        self._size = size


def _grown(column: NDArray[np.generic], length: int) -> NDArray[np.generic]:
    longer = np.empty((length, *column.shape[1:]), column.dtype)
    longer[: len(column)] = column
    return longer
