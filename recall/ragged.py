"""Lists of different lengths in two flat arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from simulator.catalog import Ints


@dataclass(frozen=True)
class Ragged:
    """R lists of integers; list r is `values[pointer[r] : pointer[r + 1]]`."""

    values: Ints
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
        lengths = self.lengths[rows]
        pointer = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=pointer[1:])
        shift = np.repeat(self.pointer[rows] - pointer[:-1], lengths)
        return Ragged(self.values[shift + np.arange(pointer[-1])], pointer)

    def expand(self, inner: "Ragged") -> "Ragged":
        """Replace every value v by the list `inner[v]`, joined within each of the R lists."""
        joined = inner.take(self.values)
        return Ragged(joined.values, joined.pointer[self.pointer])
