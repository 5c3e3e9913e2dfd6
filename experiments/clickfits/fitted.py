"""What all fitted click models answer."""

from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from experiments.clickfits.climbing import Climbed, Effort
from experiments.clickfits.impressions import Impressions

Floats = NDArray[np.float64]


class FittedClicks(Protocol):
    """A click model with parameters from a log.

    `name` is the type that the settings give it; what a page would be foretold may be asked of
    pages of other devices and ranks than were learned from only where the model has their
    parameters.
    """

    name: ClassVar[str]

    @classmethod
    def fit(cls, impressions: Impressions, effort: Effort) -> "Climbed[FittedClicks]":
        """Learn from pages.

        Raises:
            DataError: what was clicked is not as this model has it.
        """

    def chances(self, impressions: Impressions) -> Floats:
        """(P, K) chance of each click, before anything is known of the page; 0 on padding."""

    def given_above(self, impressions: Impressions) -> Floats:
        """(P, K) chance of each click, given the clicks above it; 0 on padding."""
