"""What predicts a metric: anything that learns numbers from rows of numbers."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Predictor(Protocol):
    """A regressor that has learnt."""

    def predict(self, feature_NF: Floats, /) -> Floats:
        """(N,) what it expects of N shoppers with F features; NaN where one has no such feature."""


class Regressor(Protocol):
    """Learns to predict; those of scikit-learn are some.

    What it learns may hang on the order of rows, which is always the same, but on no other state.
    """

    def fit(self, feature_NF: Floats, target_N: Floats, /) -> Predictor:
        """One that has learnt from these rows, used before another is asked for."""
