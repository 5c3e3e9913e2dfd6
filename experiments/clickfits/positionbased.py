"""The position-based model of a log."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from experiments.clickfits.climbing import (
    Climbed,
    Effort,
    climb,
    decay,
    log_likelihood_of,
    looked_at,
    refuse_unclicked_ranks,
    shares,
    top_click_rate,
)
from experiments.clickfits.impressions import Impressions

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FittedPositionBased:
    """PBM: a result is clicked if its rank is looked at and it attracts (Craswell et al., 2008).

    Only products are seen, so the top rank is taken as always looked at.

    Attributes:
        attraction_A: of each pair.
        examination_DK: chance to look at a rank, by device; NaN where no page is so long.
        shown_DK: results that told it.
    """

    name: ClassVar[str] = "pbm"
    attraction_A: Floats
    examination_DK: Floats
    shown_DK: Floats

    @classmethod
    def fit(cls, impressions: Impressions, effort: Effort) -> "Climbed[FittedPositionBased]":
        """Learn by expectation-maximisation (Chuklin, Markov & de Rijke, 2015, section 4.3.1).

        Raises:
            DataError: nobody clicks at some rank.
        """
        refuse_unclicked_ranks(impressions)
        mean = top_click_rate(impressions)
        shown_DK = _by_rank(impressions, impressions.real_PK.astype(np.float64))
        clicked_A = impressions.per_pair(impressions.clicked_PK.astype(np.float64))

        def step(now: FittedPositionBased) -> tuple[FittedPositionBased, float]:
            examined_PK = now.examination_DK[impressions.device_P]
            attraction_PK = impressions.of_pairs(now.attraction_A)
            chance_PK, seen_PK = looked_at(impressions, examined_PK, attraction_PK)
            attraction_A = shares(clicked_A, impressions.per_pair(seen_PK), mean, effort.smoothing)
            seen_DK = _by_rank(impressions, seen_PK)
            after = cls(attraction_A, _ratio(seen_DK, shown_DK), shown_DK)
            found_P = log_likelihood_of(impressions.clicked_PK, chance_PK, impressions.real_PK)
            return after, float(found_P.sum())

        half_DK = np.where(shown_DK > 0, 0.5, np.nan)
        half_DK[:, 0] = np.where(shown_DK[:, 0] > 0, 1.0, np.nan)
        start = cls(np.full(impressions.pairs, mean), half_DK, shown_DK)
        return climb(start, step, len(impressions), effort)

    def chances(self, impressions: Impressions) -> Floats:
        """See `FittedClicks`."""
        slots = impressions.pair_PK.shape[1]
        examined_PK = self.examination_DK[impressions.device_P, :slots]
        found_PK = examined_PK * impressions.of_pairs(self.attraction_A)
        return np.where(impressions.real_PK, found_PK, 0.0)

    def given_above(self, impressions: Impressions) -> Floats:
        """See `FittedClicks`: clicks do not depend on each other."""
        return self.chances(impressions)

    def slopes(self) -> Floats:
        """(devices,) eta of examination (1/k)^eta, ranks counted from 1."""
        rank_K = np.log(np.arange(1, self.examination_DK.shape[1] + 1))[:, None]
        return np.array(
            [
                decay(rank_K, np.nan_to_num(examined_K), shown_K)[0]
                for examined_K, shown_K in zip(self.examination_DK, self.shown_DK, strict=True)
            ]
        )


def _by_rank(impressions: Impressions, values_PK: Floats) -> Floats:
    """(devices, K) sums by device and rank."""
    columns = [impressions.per_device(column_P, impressions.devices) for column_P in values_PK.T]
    return np.stack(columns, axis=1)


def _ratio(seen_DK: Floats, shown_DK: Floats) -> Floats:
    """How often a rank is looked at; the top always is."""
    found_DK = np.full(seen_DK.shape, np.nan)
    np.divide(seen_DK, shown_DK, out=found_DK, where=shown_DK > 0)
    found_DK[:, 0] = np.where(shown_DK[:, 0] > 0, 1.0, np.nan)
    return found_DK
