"""The dynamic Bayesian model of a log."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from experiments.clickfits import readingon
from experiments.clickfits.climbing import Climbed, Effort, climb, shares, top_click_rate
from experiments.clickfits.impressions import Impressions

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FittedDynamicBayesian:
    """DBN: read on until a click satisfies, or until giving up (Chapelle & Zhang, 2009).

    Attributes:
        attraction_A: of each pair.
        satisfaction_A: chance that a click on it satisfies.
        perseverance_D: chance to read on where nothing has satisfied, by device; NaN of a device
            without a page on which that could be seen.
    """

    name: ClassVar[str] = "dbn"
    attraction_A: Floats
    satisfaction_A: Floats
    perseverance_D: Floats

    @classmethod
    def fit(cls, impressions: Impressions, effort: Effort) -> "Climbed[FittedDynamicBayesian]":
        """Learn by expectation-maximisation (Chapelle & Zhang, appendix), perseverance too."""
        mean, devices = top_click_rate(impressions), impressions.devices
        clicked_A = impressions.per_pair(impressions.clicked_PK.astype(np.float64))

        def step(now: FittedDynamicBayesian) -> tuple[FittedDynamicBayesian, float]:
            found = readingon.read(impressions, *now._pages(impressions))
            seen_A = impressions.per_pair(found.seen_PK)
            satisfied_A = impressions.per_pair(found.satisfied_PK)
            asked_D = impressions.per_device(found.asked_P, devices)
            went_on_D = impressions.per_device(found.went_on_P, devices)
            usual = float(satisfied_A.sum() / clicked_A.sum())
            after = cls(
                shares(clicked_A, seen_A, mean, effort.smoothing),
                shares(satisfied_A, clicked_A, usual, effort.smoothing),
                shares(went_on_D, asked_D, np.nan, 0.0),
            )
            return after, found.log_likelihood

        half_A, attraction_A = np.full(impressions.pairs, 0.5), np.full(impressions.pairs, mean)
        return climb(
            cls(attraction_A, half_A, np.full(devices, 0.5)), step, len(impressions), effort
        )

    def chances(self, impressions: Impressions) -> Floats:
        """See `FittedClicks`."""
        found_PK = readingon.chances(*self._pages(impressions))
        return np.where(impressions.real_PK, found_PK, 0.0)

    def given_above(self, impressions: Impressions) -> Floats:
        """See `FittedClicks`."""
        return readingon.given_above(impressions, *self._pages(impressions))

    def _pages(self, impressions: Impressions) -> tuple[Floats, Floats, Floats]:
        """Attraction, satisfaction and perseverance."""
        columns = (self.attraction_A, self.satisfaction_A)
        attraction_PK, satisfaction_PK = (impressions.of_pairs(column_A) for column_A in columns)
        return attraction_PK, satisfaction_PK, self.perseverance_D[impressions.device_P]
