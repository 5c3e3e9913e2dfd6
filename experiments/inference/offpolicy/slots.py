"""What was logged and what is judged in its stead, slot by slot."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Slots:
    """N slots of logged requests, each as it was logged and as it is judged.

    What was logged and what is judged need not stand in one row: where the judged policy is random,
    it has a row for each item that it may show at a place, and these log nothing.

    Attributes:
        shopper_N: row of the shopper in the totals; any unit whose slots belong together.
        first_N: whether it is the first slot of its request; every request has one.
        logged_N: whether the log shows something here.
        propensity_N: probability of the logged item here by the log, in (0, 1].
        target_N: the same by the judged pages: 1 or 0 where these are not random.
        outcomes_EN: of the logged item.
        model_EN: what is predicted of the logged item.
        judged_N: probability that the judged pages hold the judged item here; 0 where none is.
        chance_N: probability of the judged item here by the log, 0 where the log could not show it.
        judged_model_EN: what is predicted of the judged item, times `judged_N`.
    """

    shopper_N: NDArray[np.integer]
    first_N: NDArray[np.bool_]
    logged_N: NDArray[np.bool_]
    propensity_N: Floats
    target_N: Floats
    outcomes_EN: Floats
    model_EN: Floats
    judged_N: Floats
    chance_N: Floats
    judged_model_EN: Floats
