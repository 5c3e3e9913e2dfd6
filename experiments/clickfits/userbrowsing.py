"""The user browsing model of a log."""

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
Ints = NDArray[np.int64]

_UNKNOWN = 0.5  # of the imagined results of a cell, as of those of the published implementations


@dataclass(frozen=True)
class FittedUserBrowsing:
    """UBM: looking depends on the rank and on the last click (Dupret & Piwowarski, 2008).

    Only products are seen, so the top rank is taken as always looked at.

    Attributes:
        attraction_A: of each pair.
        examination_DCK: (devices, K + 1, K) chance to look at rank k after a click at rank c - 1,
            or after none (c = 0); 0 where k < c.
        shown_DCK: results that told it.
    """

    name: ClassVar[str] = "ubm"
    attraction_A: Floats
    examination_DCK: Floats
    shown_DCK: Floats

    @classmethod
    def fit(cls, impressions: Impressions, effort: Effort) -> "Climbed[FittedUserBrowsing]":
        """Learn by expectation-maximisation (Chuklin, Markov & de Rijke, 2015, section 4.3.2).

        Raises:
            DataError: nobody clicks at some rank.
        """
        refuse_unclicked_ranks(impressions)
        mean = top_click_rate(impressions)
        clicked_PK, real_PK = impressions.clicked_PK, impressions.real_PK
        cell_PK, shape = _cells(impressions)
        shown_DCK = _by_cell(cell_PK, real_PK.astype(np.float64), shape)
        clicked_A = impressions.per_pair(clicked_PK.astype(np.float64))

        def step(now: FittedUserBrowsing) -> tuple[FittedUserBrowsing, float]:
            examined_PK = now.examination_DCK.ravel()[cell_PK]
            attraction_PK = impressions.of_pairs(now.attraction_A)
            chance_PK, seen_PK = looked_at(impressions, examined_PK, attraction_PK)
            attraction_A = shares(clicked_A, impressions.per_pair(seen_PK), mean, effort.smoothing)
            seen_DCK = _by_cell(cell_PK, seen_PK, shape)
            table_DCK = shares(seen_DCK, shown_DCK, _UNKNOWN, effort.smoothing)
            found_P = log_likelihood_of(clicked_PK, chance_PK, real_PK)
            return cls(attraction_A, _allowed(table_DCK), shown_DCK), float(found_P.sum())

        start = cls(np.full(impressions.pairs, mean), _allowed(np.full(shape, _UNKNOWN)), shown_DCK)
        return climb(start, step, len(impressions), effort)

    def chances(self, impressions: Impressions) -> Floats:
        """See `FittedClicks`: the last click is one of those above, or none."""
        attraction_PK = impressions.of_pairs(self.attraction_A)
        pages, slots = attraction_PK.shape
        found_PK, last_PC = np.zeros((pages, slots)), np.zeros((pages, slots + 1))
        last_PC[:, 0] = 1.0
        for k in range(slots):
            looks_PC = self.examination_DCK[impressions.device_P, : slots + 1, k]
            clicks_PC = last_PC * looks_PC * attraction_PK[:, k : k + 1]
            found_PK[:, k] = clicks_PC.sum(axis=1)
            last_PC = last_PC - clicks_PC
            last_PC[:, k + 1] = found_PK[:, k]
        return found_PK

    def given_above(self, impressions: Impressions) -> Floats:
        """See `FittedClicks`."""
        device_P1, last_PK = impressions.device_P[:, None], last_clicks(impressions)
        slot_K = np.arange(last_PK.shape[1])
        looks_PK = self.examination_DCK[device_P1, last_PK, slot_K]
        return looks_PK * impressions.of_pairs(self.attraction_A)

    def decays(self) -> Floats:
        """(devices, 2) eta and theta of examination (1/k)^eta (1/d)^theta, see
        `simulator.behaviour.clickmodels.UserBrowsing`; ranks k and distances d counted from 1."""
        slots = self.examination_DCK.shape[2]
        c, k = np.array([(c, k) for k in range(slots) for c in range(k + 1)]).T
        steps_C2 = np.log(np.stack([k + 1, k + 1 - c], axis=1))
        return np.array(
            [
                decay(steps_C2, table_CK[c, k], shown_CK[c, k])
                for table_CK, shown_CK in zip(self.examination_DCK, self.shown_DCK, strict=True)
            ]
        )


def last_clicks(impressions: Impressions) -> Ints:
    """(P, K) rank of the last click above each result, counted from 1; 0: there is none."""
    pages, slots = impressions.clicked_PK.shape
    marked_PK = np.where(impressions.clicked_PK, np.arange(1, slots + 1), 0)
    last_PK = np.zeros((pages, slots), np.int64)
    last_PK[:, 1:] = np.maximum.accumulate(marked_PK, axis=1)[:, :-1]
    return last_PK


def _cells(impressions: Impressions) -> tuple[Ints, tuple[int, int, int]]:
    """(P, K) number of each result's cell in the table of examination, and the table's shape."""
    slots = impressions.pair_PK.shape[1]
    shape = impressions.devices, slots + 1, slots
    place = impressions.device_P[:, None], last_clicks(impressions), np.arange(slots)
    return np.ravel_multi_index(np.broadcast_arrays(*place), shape), shape


def _by_cell(cell_PK: Ints, values_PK: Floats, shape: tuple[int, int, int]) -> Floats:
    """Sums by cell of the table."""
    count = int(np.prod(shape))
    return np.bincount(cell_PK.ravel(), values_PK.ravel(), count).astype(float).reshape(shape)


def _allowed(table_DCK: Floats) -> Floats:
    """The top is always looked at, and no last click stands below a result."""
    found_DCK = table_DCK * np.triu(np.ones(table_DCK.shape[1:]))
    found_DCK[:, 0, 0] = 1.0
    return np.asarray(found_DCK)
