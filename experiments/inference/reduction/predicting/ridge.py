"""Ridge regression: a linear prediction that few shoppers are enough for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.errors import ConfigError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ridge:
    """Least squares with a penalty on slopes (Hoerl and Kennard, Technometrics 12, 1970, 55-67).

    Features are standardised; a missing one is the mean of those who have it.

    Attributes:
        penalty: on the sum of squared slopes, in shoppers: as if so many had taught that
            none of the features tells anything.

    Raises:
        ConfigError: a penalty that is not positive; without one slopes need not be determined.
    """

    penalty: float = 10.0

    def __post_init__(self) -> None:
        if not self.penalty > 0:
            raise ConfigError(f"penalty == {self.penalty}, must be > 0 (shoppers)")

    def fit(self, feature_NF: Floats, target_N: Floats, /) -> "Linear":
        """One that has learnt from these rows."""
        known_NF = np.isfinite(feature_NF)
        filled_NF = np.where(known_NF, feature_NF, 0.0)
        centre_F = filled_NF.sum(axis=0) / np.maximum(known_NF.sum(axis=0), 1)
        off_NF = np.where(known_NF, feature_NF - centre_F, 0.0)
        scale_F = np.sqrt((off_NF**2).mean(axis=0))
        scale_F = np.where(scale_F > 0, scale_F, 1.0)
        even_NF = off_NF / scale_F
        square_FF = even_NF.T @ even_NF + self.penalty * np.eye(feature_NF.shape[1])
        mean = float(target_N.mean())
        slope_F = np.linalg.solve(square_FF, even_NF.T @ (target_N - mean)) / scale_F
        return Linear(mean, centre_F, slope_F)


@dataclass(frozen=True)
class Linear:
    """A linear prediction: `mean` plus slopes times what features are off their centre."""

    mean: float
    centre_F: Floats
    slope_F: Floats

    def predict(self, feature_NF: Floats, /) -> Floats:
        """(N,) what it expects."""
        off_NF = np.where(np.isfinite(feature_NF), feature_NF - self.centre_F, 0.0)
        return np.asarray(self.mean + off_NF @ self.slope_F)
