"""The cascade model of a log."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from experiments.clickfits import readingon
from experiments.clickfits.climbing import Climbed, Effort, climb, shares, top_click_rate
from experiments.clickfits.impressions import Impressions
from simulator.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FittedCascade:
    """Cascade: read on until the first click (Craswell et al., 2008), or until giving up.

    Attributes:
        attraction_A: of each pair.
        persistence_D: chance to read on from a result that is not clicked, by device; NaN of a
            device without a page on which that could be seen.
    """

    name: ClassVar[str] = "cascade"
    attraction_A: Floats
    persistence_D: Floats

    @classmethod
    def fit(cls, impressions: Impressions, effort: Effort) -> "Climbed[FittedCascade]":
        """Learn by expectation-maximisation.

        Raises:
            DataError: a page has two clicks, which this model says cannot be.
        """
        several = int((impressions.clicked_PK.sum(axis=1) > 1).sum())
        if several:
            raise DataError(
                f"pages with two clicks or more == {several} of {len(impressions)}, must be 0 for"
                " the cascade model, which ends with the first click"
            )
        mean, devices = top_click_rate(impressions), impressions.devices
        clicked_A = impressions.per_pair(impressions.clicked_PK.astype(np.float64))

        def step(now: FittedCascade) -> tuple[FittedCascade, float]:
            found = readingon.read(impressions, *now._pages(impressions))
            seen_A = impressions.per_pair(found.seen_PK)
            asked_D = impressions.per_device(found.asked_P, devices)
            went_on_D = impressions.per_device(found.went_on_P, devices)
            after = cls(
                shares(clicked_A, seen_A, mean, effort.smoothing),
                shares(went_on_D, asked_D, np.nan, 0.0),
            )
            return after, found.log_likelihood

        start = cls(np.full(impressions.pairs, mean), np.full(devices, 0.5))
        return climb(start, step, len(impressions), effort)

    def chances(self, impressions: Impressions) -> Floats:
        """See `FittedClicks`."""
        found_PK = readingon.chances(*self._pages(impressions))
        return np.where(impressions.real_PK, found_PK, 0.0)

    def given_above(self, impressions: Impressions) -> Floats:
        """See `FittedClicks`."""
        return readingon.given_above(impressions, *self._pages(impressions))

    def _pages(self, impressions: Impressions) -> tuple[Floats, Floats, Floats]:
        """Attraction, satisfaction (every click satisfies) and persistence."""
        attraction_PK = impressions.of_pairs(self.attraction_A)
        goes_on_P = self.persistence_D[impressions.device_P]
        return attraction_PK, np.ones(attraction_PK.shape), goes_on_P
