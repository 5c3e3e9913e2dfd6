"""Maximum likelihood of one or two numbers, with Wald's intervals on a scale without bounds."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from simulator.errors import DataError

Floats = NDArray[np.float64]
_STEP = 1e-4  # of the differences that make the curvature, on the scale without bounds


@dataclass(frozen=True)
class Fit:
    """Where a likelihood is greatest.

    Attributes:
        at: the numbers, on the scale without bounds.
        covariance: of them, the inverse of the observed information.
        log_likelihood: there.
    """

    at: Floats
    covariance: Floats
    log_likelihood: float

    def error(self, gradient: Sequence[float]) -> float:
        """The standard error of a function of the numbers, by its gradient (delta method)."""
        slope = np.asarray(gradient, np.float64)
        return math.sqrt(max(float(slope @ self.covariance @ slope), 0.0))


def greatest(log_likelihood: Callable[[Floats], float], start: Sequence[float], what: str) -> Fit:
    """Climb from a start, by the simplex of Nelder and Mead.

    Raises:
        DataError: the data do not determine the numbers: there is no peak, or it is flat.
    """

    def loss(at: Floats) -> float:
        value = -log_likelihood(at)
        return value if math.isfinite(value) else 1e300

    found = optimize.minimize(
        loss,
        np.asarray(start, np.float64),
        method="Nelder-Mead",
        options={"xatol": 1e-6, "fatol": 1e-8, "maxiter": 4_000, "maxfev": 4_000},
    )
    at = np.asarray(found.x, np.float64)
    information = _curvature(loss, at)
    try:
        covariance = np.asarray(np.linalg.inv(information), np.float64)
    except np.linalg.LinAlgError:
        covariance = np.full((len(at), len(at)), math.nan)
    if (
        not found.success
        or not np.all(np.isfinite(covariance))
        or np.any(np.linalg.eigvalsh(information) <= 0)
    ):
        raise DataError(f"{what}: the log does not determine it, must tell more than it does")
    return Fit(at, covariance, -float(found.fun))


def _curvature(loss: Callable[[Floats], float], at: Floats) -> Floats:
    """Second derivatives, by central differences."""
    size = len(at)
    found = np.empty((size, size))
    steps = _STEP * np.maximum(1.0, np.abs(at))
    for i in range(size):
        for j in range(size):
            total = 0.0
            for one in (1, -1):
                for other in (1, -1):
                    shifted = at.copy()
                    shifted[i] += one * steps[i]
                    shifted[j] += other * steps[j]
                    total += one * other * loss(shifted)
            found[i, j] = total / (4 * steps[i] * steps[j])
    return (found + found.T) / 2


def slope(of: Callable[[Floats], float], at: Floats) -> Floats:
    """The gradient of a function, by central differences."""
    steps = np.eye(len(at)) * _STEP
    return np.array([(of(at + step) - of(at - step)) / (2 * _STEP) for step in steps])


def rows_of_matrix(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    """A matrix as a record tells it."""
    return tuple(tuple(float(each) for each in row) for row in matrix)


def quantile(confidence: float) -> float:
    """Standard errors to either side of an interval."""
    return -float(special.ndtri((1 - confidence) / 2))
