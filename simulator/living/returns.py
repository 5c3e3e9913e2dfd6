"""What comes back days after it was bought."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from simulator.behaviour.utility import standardised
from simulator.catalogue.catalog import Supply
from simulator.living.settings import ReturnsSpec
from simulator.protocols import DAY
from simulator.randomness import Draws


class Returns:
    """Which purchases come back, and when.

    An item comes back the more often the more its rating promised: with z the difference between
    the shown and the true quality (standard deviations), the chance is
    expit(logit(share) + disappointment * z). The delay is exponential.

    Attributes:
        chance_I: that an item comes back once bought.
    """

    def __init__(self, spec: ReturnsSpec, supply: Supply, draws: Draws) -> None:
        self.spec = spec
        self.draws = draws
        promised_I = standardised(supply.catalog.rating_I) - supply.truth.quality_I
        self.chance_I: NDArray[np.float64] = expit(
            logit(spec.share) + spec.disappointment * promised_I.astype(np.float64)
        )

    def back(self, request: int, item: int, at: float) -> float | None:
        """When an item that was just bought comes back (simulated seconds); None: it is kept.

        Args:
            request: page on which it was found.
            item: the item.
            at: when it was bought.
        """
        if self.draws.uniform("returned", request, slot=item) >= self.chance_I[item]:
            return None
        wait = -np.log(self.draws.uniform("return.delay", request, slot=item))
        return at + float(wait) * self.spec.delay_days * DAY
