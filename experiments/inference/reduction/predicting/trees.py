"""Gradient-boosted trees: a prediction that bends, and knows what features do together."""

from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SETTINGS: dict[str, Any] = {
    "objective": "regression",
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 50,
    "lambda_l2": 10.0,
    "verbosity": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
}


@dataclass(frozen=True)
class Trees:
    """LightGBM (Ke et al., NeurIPS 2017), small, on one thread: equal rows give equal trees.

    Attributes:
        rounds: trees.
    """

    rounds: int = 60

    def fit(self, feature_NF: Floats, target_N: Floats, /) -> lightgbm.Booster:
        """One that has learnt from these rows."""
        data = lightgbm.Dataset(feature_NF, target_N)
        return lightgbm.train(_SETTINGS, data, num_boost_round=self.rounds)
