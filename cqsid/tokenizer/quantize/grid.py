"""Vectors as small whole numbers, whose products are exact.

A component becomes an integer of at most 8 bits. Sums of products of such integers stay below
2**24, which int32 and float32 hold exactly, so a product has one value (see
`cqsid.kernels.integers`): whatever the order of summation, the rows beside it, the number of
threads or the machine. Rounding moves a vector far less than quantising it does; see `Grid.of`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.errors import DataError

Floats = NDArray[np.float32]
Bytes = NDArray[np.int8]
Counts = NDArray[np.int32]

_EXACT = 2**24  # float32 holds every whole number up to here
_BYTE = 127
_TYPICAL = 0.999  # share of vectors that the grid must hold without clipping


@dataclass(frozen=True)
class Grid:
    """Where and how finely vectors are rounded: integer = round((component - mean) / step).

    Attributes:
        mean_D: (D,) float32 origin.
        step: size of one step, in units of the vectors.
        most: the largest integer; components beyond are clipped.
    """

    mean_D: Floats
    step: float
    most: int

    @staticmethod
    def of(x_ND: Floats, mean_D: Floats) -> "Grid":
        """The finest grid that holds nearly all of some vectors.

        The rounding error is D / 12 squared steps a vector; for unit vectors of 384 dimensions
        0.002 at the very most, and 1e-4 of the variance for normal ones. Few vectors far out are
        clipped, so that one outlier cannot coarsen the grid of all.
        """
        reach_N = np.empty(len(x_ND), np.float32)
        _reach(x_ND, mean_D, reach_N)
        reach = float(np.quantile(reach_N, _TYPICAL, method="higher")) if len(x_ND) else 0.0
        most = largest(x_ND.shape[1])
        return Grid(mean_D, reach / most if reach > 0 else 1.0, most)

    def round(self, x_ND: Floats, place: str = "x_ND") -> Bytes:
        """(N, D) int8 integers of vectors.

        Raises:
            DataError: a component is not a number.
        """
        rounded_ND = np.empty(x_ND.shape, np.int8)
        scale = np.float32(1.0 / self.step)
        if _round(x_ND, self.mean_D, scale, self.most, rounded_ND):
            check_finite(x_ND, place)
        return rounded_ND


def check_finite(x_ND: Floats, place: str, row_N: NDArray[Any] | None = None) -> None:
    """Refuse vectors with a component that is not a number.

    Args:
        x_ND: (N, D) vectors.
        place: what the message calls them.
        row_N: (N,) numbers by which it calls the rows; none: 0 to N - 1.

    Raises:
        DataError: there is one, named by row and column.
    """
    if not x_ND.size or (np.isfinite(x_ND.min()) and np.isfinite(x_ND.max())):
        return
    n, column = (int(at[0]) for at in np.nonzero(~np.isfinite(x_ND)))
    row = n if row_N is None else row_N[n]
    raise DataError(f"{place}[{row}, {column}] == {x_ND[n, column]}, must be a finite number")


def finest(means_KD: Floats) -> tuple[Bytes, float]:
    """Vectors as integers about 0, and the size of one step: as fine as all of them allow."""
    reach, most = float(np.abs(means_KD).max(initial=0.0)), largest(means_KD.shape[1])
    step = reach / most if reach > 0 else 1.0
    return np.rint(means_KD / np.float32(step)).astype(np.int8), step


def largest(dimensions: int) -> int:
    """The largest integer of which that many squares add up exactly."""
    return min(_BYTE, int((_EXACT / max(dimensions, 1)) ** 0.5))


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def _reach(x_ND: Any, mean_D: Any, reach_N: Any) -> None:  # pragma: no cover
    """Fill in how far each vector's farthest component is from the mean."""
    for n in range(x_ND.shape[0]):
        reach = np.float32(0)
        for d in range(x_ND.shape[1]):
            reach = max(reach, abs(x_ND[n, d] - mean_D[d]))
        reach_N[n] = reach


@njit(cache=True, nogil=True)
def _round(
    x_ND: Any, mean_D: Any, scale: Any, most: Any, rounded_ND: Any
) -> bool:  # pragma: no cover
    """Fill the integers; whether some component was no number."""
    low, high = np.float32(-most), np.float32(most)
    wrong = 0
    for n in range(x_ND.shape[0]):
        for d in range(x_ND.shape[1]):
            wrong += not (abs(x_ND[n, d]) < np.inf)
            value = np.rint((x_ND[n, d] - mean_D[d]) * scale)
            rounded_ND[n, d] = np.int8(min(max(value, low), high))
    return wrong > 0
