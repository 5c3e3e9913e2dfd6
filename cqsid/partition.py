"""What turns logits into log-probabilities: the logarithm of their summed exponentials.

Taken up block by block, while a block is still near the processor. Axis suffixes: A rows, V logits.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cqsid.lanes import (
    LANES,
    add,
    exponential,
    fused,
    larger,
    largest,
    leading,
    load,
    spread,
    subtract,
    total,
)

Floats = NDArray[np.float32]
_NEVER = np.float32(-3e38)


class Partition:
    """The sum of the exponentials of A rows of logits, so far."""

    def __init__(self, logits_AV: Floats) -> None:
        self._top_A = np.full(len(logits_AV), _NEVER)
        self._total_A = np.zeros(len(logits_AV), np.float32)
        self.take(logits_AV)

    def take(self, logits_AV: Floats, first: int = 0) -> None:
        """Take up more logits, of the rows from `first` on."""
        some = slice(first, first + len(logits_AV))
        _take(logits_AV, self._top_A[some], self._total_A[some])

    def rows(self, some: NDArray[np.int64]) -> "Partition":
        """Some of the rows; going on with them leaves these as they are."""
        part = Partition.__new__(Partition)
        part._top_A, part._total_A = self._top_A[some], self._total_A[some]
        return part

    def log(self) -> Floats:
        """(A,) the logarithm of the sum; not finite where a logit was not."""
        found_A: Floats = self._top_A + np.log(self._total_A)
        return found_A


@njit(cache=True, nogil=True, error_model="numpy")
def _take(logits_AV: Any, top_A: Any, total_A: Any) -> None:  # pragma: no cover
    size, zero, never = logits_AV.shape[1], spread(np.float32(0.0)), spread(_NEVER)
    whole = size // LANES * LANES
    paired = whole // (2 * LANES) * (2 * LANES)
    for a in range(len(logits_AV)):
        logits_V = logits_AV[a]
        last = leading(load(logits_V, whole, size - whole), size - whole, never)
        top, other = larger(last, spread(top_A[a])), never
        broken, wrong = fused(last, zero, zero), zero  # 0 times what is not finite is no number
        for v in range(0, paired, 2 * LANES):
            one, two = load(logits_V, v, LANES), load(logits_V, v + LANES, LANES)
            top, other = larger(one, top), larger(two, other)
            broken, wrong = fused(one, zero, broken), fused(two, zero, wrong)
        if paired < whole:
            one = load(logits_V, paired, LANES)
            top, broken = larger(one, top), fused(one, zero, broken)
        highest = largest(larger(top, other))
        top = spread(highest)
        sums = exponential(subtract(last, top))  # lanes beyond the end add nothing
        for v in range(0, whole, LANES):
            sums = add(sums, exponential(subtract(load(logits_V, v, LANES), top)))
        before = largest(exponential(subtract(spread(top_A[a]), top)))
        total_A[a] = total_A[a] * before + total(sums) + total(add(broken, wrong))
        top_A[a] = highest
