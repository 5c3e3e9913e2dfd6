"""Weighted choice from a uniform draw: one choice list per row, and the power laws of a market."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.randomness import Floats

Indices = NDArray[np.int64]


def power_law(size: int, exponent: float, shift: float = 0.0) -> Floats:
    """(size,) shares of a Zipf-Mandelbrot law by rank, largest first, summing to 1."""
    shares = (np.arange(1, size + 1, dtype=np.float64) + shift) ** -exponent
    return np.asarray(shares / shares.sum(), np.float64)


@dataclass(frozen=True)
class RowChoice:
    """A weighted choice among each row's own entries, by inversion.

    Attributes:
        start_R: first entry of each row in the flat list of E entries.
        length_R: number of entries of each row, may be 0.
        cumulative_E: row number plus the cumulative share within the row.
    """

    start_R: Indices
    length_R: Indices
    cumulative_E: Floats

    @classmethod
    def of(cls, lengths: Indices, weights: Floats) -> "RowChoice":
        """From the rows' lengths and the flat list of non-negative weights."""
        start_R = np.cumsum(lengths) - lengths
        row_E = np.repeat(np.arange(len(lengths)), lengths)
        running_E = np.cumsum(weights)
        before_R = np.concatenate([[0.0], running_E])[start_R]
        total_R = np.bincount(row_E, weights=weights, minlength=len(lengths))
        within_E = (running_E - before_R[row_E]) / total_R[row_E]
        return cls(start_R, lengths, row_E + within_E)

    def pick(self, row_B: Indices, uniform_B: Floats) -> Indices:
        """(B,) entries of the given rows, -1 where a row has none."""
        first_B, count_B = self.start_R[row_B], self.length_R[row_B]
        at_B = np.searchsorted(self.cumulative_E, row_B + uniform_B, side="right")
        inside_B = np.clip(at_B, first_B, np.maximum(first_B + count_B - 1, first_B))
        return np.where(count_B > 0, inside_B, -1)
