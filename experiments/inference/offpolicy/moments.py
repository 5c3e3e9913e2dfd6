"""Means and covariances of what estimators are made of, over units; and the delta method on them.

A unit is what was drawn by itself: a shopper with all their slots, or a round. Memory is flat in
units where the moments come from a log engine.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from experiments.inference.intervals.student import ROUNDING, student
from experiments.inference.offpolicy.totals import Totals
from experiments.records.interval import UNKNOWN, Interval

Floats = NDArray[np.float64]

Column = Literal["requests", "judged", "weights", "logged", "weighted", "doubly", "weak", "kept"]
"""What is summed of each unit: see `Totals`; doubly: what the doubly robust estimator sums."""

COLUMNS: tuple[Column, ...] = get_args(Column)


@dataclass(frozen=True)
class Moments:
    """Moments over units of the sums of one kind of outcome.

    Attributes:
        units: how many.
        mean_C: (columns,) in the order of `COLUMNS`.
        covariance_CC: of two units' columns, with n - 1; zeros for fewer than two units.
    """

    units: int
    mean_C: Floats
    covariance_CC: Floats

    @classmethod
    def of(cls, totals: Totals, event: int) -> "Moments":
        """The moments of one kind of outcome of all shoppers' totals."""
        rows_CU = np.array(
            [
                totals.requests_U,
                totals.judged_U,
                totals.weights_U,
                totals.logged_EU[event],
                totals.weighted_EU[event],
                totals.modelled_EU[event] + totals.residual_EU[event],
                totals.weak_U,
                totals.kept_EU[event],
            ]
        )
        columns, units = rows_CU.shape
        if units < 2:
            mean_C = rows_CU.sum(axis=1)
            return cls(units, mean_C, np.zeros((columns, columns)))
        return cls(units, rows_CU.mean(axis=1), np.cov(rows_CU))

    def mean(self, column: Column) -> float:
        """The mean of a column."""
        return float(self.mean_C[COLUMNS.index(column)])

    @property
    def events(self) -> float:
        """How many units with equal weighted outcomes these are worth: (sum)^2 / sum of squares."""
        at = COLUMNS.index("weighted")
        size = float(self.mean_C[at]) ** 2
        spread = float(self.covariance_CC[at, at]) * (self.units - 1) / max(self.units, 1)
        return self.units * size / (size + spread) if size else 0.0

    def linear(self, parts: Mapping[Column, float], *, confidence: float) -> Interval:
        """A weighted sum of columns for each request, unknown without one.

        By the delta method: the ratio of sums r = N / D varies as the mean of (N - r D) / mean(D)
        (Cochran, Sampling Techniques, 1977, section 2.11).
        """
        requests = self.mean("requests")
        if not requests:
            return UNKNOWN
        slope_C = np.zeros(len(COLUMNS))
        for column, part in parts.items():
            slope_C[COLUMNS.index(column)] += part
        found = float(slope_C @ self.mean_C) / requests
        slope_C[COLUMNS.index("requests")] -= found
        return self._interval(found, slope_C / requests, confidence)

    def normalised(self, *, confidence: float) -> Interval:
        """Weighted outcomes over the weights, times the judged slots of a request (SNIPS).

        Its linearisation is the derivative of weighted / weights * judged / requests.
        """
        weights, judged = self.mean("weights"), self.mean("judged")
        requests, weighted = self.mean("requests"), self.mean("weighted")
        if not weights or not judged or not requests:
            return UNKNOWN
        scale = judged / (weights * requests)
        found = weighted * scale
        slope_C = np.zeros(len(COLUMNS))
        slope_C[COLUMNS.index("weighted")] = scale
        slope_C[COLUMNS.index("judged")] = found / judged
        slope_C[COLUMNS.index("weights")] = -found / weights
        slope_C[COLUMNS.index("requests")] = -found / requests
        return self._interval(found, slope_C, confidence)

    def _interval(self, found: float, slope_C: Floats, confidence: float) -> Interval:
        """Student's interval over units; none of fewer than two, or where nothing varies."""
        variance = float(slope_C @ self.covariance_CC @ slope_C)
        of_spread = float(slope_C**2 @ np.diag(self.covariance_CC))
        of_size = float(slope_C**2 @ self.mean_C**2)
        if self.units < 2 or variance <= ROUNDING * of_spread + ROUNDING**2 * of_size:
            return Interval(found, None, None)
        error = math.sqrt(variance / self.units)
        return student(found, error, self.units - 1, confidence=confidence)[0]
