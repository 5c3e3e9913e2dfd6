"""Answers that depend on the text of a query alone, computed when it is first asked."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recall.arrays import Ragged
from simulator.protocols import Requests

Column = NDArray[Any] | Ragged
Columns = TypeVar("Columns", bound=tuple[Column, ...])
_NO_TEXTS: tuple[str, ...] = ()


class TextCache:
    """Columns with one row, or one list, for each query text of one world; kept empty.

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
        self._columns: tuple[_Rows | _Lists, ...] = ()
        self._size = 0

    def __getstate__(self) -> int:
        return self._capacity

    def __setstate__(self, capacity: int) -> None:
        self._capacity = capacity
        self.clear()

    def __call__(
        self, requests: Requests, compute: Callable[[list[str]], Columns], key: Hashable = None
    ) -> Columns:
        """Columns of one row for each request.

        Args:
            requests: whose texts are asked for.
            compute: gives, for distinct texts, columns of one row each: arrays, or lists.
            key: whatever else the answer depends on; a new key forgets the old answers.
        """
        if self._texts is not requests.texts or self._key != key:
            self.clear()
            self._texts, self._key = requests.texts, key
            self._row_T = np.full(len(requests.texts), -1, np.int32)
        new = np.unique(requests.text_B[self._row_T[requests.text_B] < 0])
        if len(new) and self._size + len(new) > self._capacity:
            self._row_T[:] = -1
            self._columns, self._size = (), 0
            new = np.unique(requests.text_B)
        if len(new) or not self._columns:
            self._append(new, compute([requests.texts[text] for text in new]))
        row_B = self._row_T[requests.text_B]
        taken: Any = tuple(column.take(row_B) for column in self._columns)
        return taken  # type: ignore[no-any-return]  # the columns that `compute` gave, other rows

    def _append(self, new: NDArray[np.int32], values: tuple[Column, ...]) -> None:
        if not self._columns:
            self._columns = tuple(
                _Lists(value) if isinstance(value, Ragged) else _Rows(value) for value in values
            )
        else:
            for column, value in zip(self._columns, values, strict=True):
                column.append(value)
        self._row_T[new] = np.arange(self._size, self._size + len(new))
        self._size += len(new)


class _Rows:
    """Rows of an array, which grows at its end."""

    def __init__(self, rows: NDArray[Any]) -> None:
        self._rows, self.size = rows, len(rows)

    def append(self, rows: Any) -> None:
        size = self.size + len(rows)
        if size > len(self._rows):
            longer = np.empty((2 * size, *self._rows.shape[1:]), self._rows.dtype)
            longer[: self.size] = self._rows[: self.size]
            self._rows = longer
        self._rows[self.size : size] = rows
        self.size = size

    def all(self) -> NDArray[Any]:
        return self._rows[: self.size]

    def take(self, row_B: NDArray[np.int32]) -> NDArray[Any]:
        taken: NDArray[Any] = self._rows[row_B]
        return taken


class _Lists:
    """Lists of numbers, likewise."""

    def __init__(self, lists: Ragged) -> None:
        self._values, self._pointer = _Rows(lists.values), _Rows(lists.pointer)

    def append(self, lists: Any) -> None:
        self._pointer.append(self._values.size + lists.pointer[1:])
        self._values.append(lists.values)

    def take(self, row_B: NDArray[np.int32]) -> Ragged:
        return Ragged(self._values.all(), self._pointer.all()).take(row_B)
