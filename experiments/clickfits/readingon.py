"""Models of readers who go on from result to result: what a page tells of where they stopped.

All above the last click was looked at, and no click there satisfied. Below it nothing was clicked,
because the last click satisfied, because the reader gave up, or because nothing attracted. With a
the attraction and g the perseverance, the chance that no click comes at or below slot k, which is
looked at, is

    Y_k = (1 - a_k) H_k,    H_k = 1 - g + g Y_(k+1),    H = 1 at the last slot,

and what is below the last click l has the chance s_l + (1 - s_l) H_l.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.clickfits.climbing import log_likelihood_of
from experiments.clickfits.impressions import Impressions

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Read:
    """What is expected of P pages, given their clicks.

    Attributes:
        seen_PK: chance that a result was looked at.
        satisfied_PK: chance that a click satisfied; 0 where none is.
        asked_P, went_on_P: how often a reader who was not satisfied stood before a next result,
            and how often they looked at it.
        log_likelihood: of all pages.
    """

    seen_PK: Floats
    satisfied_PK: Floats
    asked_P: Floats
    went_on_P: Floats
    log_likelihood: float


def read(
    impressions: Impressions, attraction_PK: Floats, satisfaction_PK: Floats, goes_on_P: Floats
) -> Read:
    """What is expected of pages under these parameters."""
    clicked_PK, real_PK = impressions.clicked_PK, impressions.real_PK
    pages, slots = clicked_PK.shape
    slot_K = np.arange(slots)
    length_P = real_PK.sum(axis=1)
    last_P = np.where(clicked_PK.any(axis=1), slots - 1 - clicked_PK[:, ::-1].argmax(axis=1), -1)
    none_PK, after_PK = _no_click_below(attraction_PK, goes_on_P, length_P)
    satisfied_PK = np.zeros((pages, slots))
    some = np.flatnonzero(last_P >= 0)
    at = some, last_P[some]
    left_S = (1 - satisfaction_PK[at]) * after_PK[at]
    below_S = satisfaction_PK[at] + left_S
    satisfied_PK[at] = np.divide(
        satisfaction_PK[at], below_S, out=np.zeros(len(some)), where=below_S > 0
    )
    seen_PK = (slot_K <= last_P[:, None]).astype(np.float64)
    seen_PK[last_P < 0, 0] = 1.0
    reading_P, asked_P, went_on_P = seen_PK[:, 0].copy(), np.zeros(pages), np.zeros(pages)
    for k in range(slots - 1):
        # Of those who stand before slot k + 1: all above the last click, else what is likely.
        here_P = np.where(k < last_P, 1.0, reading_P * (1 - satisfied_PK[:, k]))
        there_P = (k + 1 < length_P).astype(np.float64)
        onward_P = goes_on_P * none_PK[:, k + 1] / np.maximum(after_PK[:, k], 1e-300)
        next_P = there_P * np.where(k < last_P, 1.0, here_P * onward_P)
        asked_P += here_P * there_P
        went_on_P += next_P
        seen_PK[:, k + 1] = next_P
        reading_P = next_P
    chance_PK = given_above(impressions, attraction_PK, satisfaction_PK, goes_on_P)
    found_P = log_likelihood_of(clicked_PK, chance_PK, real_PK)
    return Read(seen_PK, satisfied_PK, asked_P, went_on_P, float(found_P.sum()))


def _no_click_below(
    attraction_PK: Floats, goes_on_P: Floats, length_P: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Y and H of the room's formula, (P, K) each."""
    pages, slots = attraction_PK.shape
    none_PK, after_PK = np.ones((pages, slots)), np.ones((pages, slots))
    for k in range(slots - 1, -1, -1):
        if k + 1 < slots:
            more_P = 1 - goes_on_P + goes_on_P * none_PK[:, k + 1]
            after_PK[:, k] = np.where(k + 1 < length_P, more_P, 1.0)
        none_PK[:, k] = (1 - attraction_PK[:, k]) * after_PK[:, k]
    return none_PK, after_PK


def given_above(
    impressions: Impressions, attraction_PK: Floats, satisfaction_PK: Floats, goes_on_P: Floats
) -> Floats:
    """(P, K) chance of each click, given the clicks above it; 0 on padding."""
    found_PK, seen_P = np.zeros(attraction_PK.shape), np.ones(len(attraction_PK))
    for k in range(attraction_PK.shape[1]):
        found_PK[:, k] = seen_P * attraction_PK[:, k]
        missed_P = np.maximum(1 - found_PK[:, k], 1e-300)
        seen_P = goes_on_P * np.where(
            impressions.clicked_PK[:, k],
            1 - satisfaction_PK[:, k],
            seen_P * (1 - attraction_PK[:, k]) / missed_P,
        )
    return np.where(impressions.real_PK, found_PK, 0.0)


def chances(attraction_PK: Floats, satisfaction_PK: Floats, goes_on_P: Floats) -> Floats:
    """(P, K) chance of each click before anything is known of a page."""
    found_PK, seen_P = np.zeros(attraction_PK.shape), np.ones(len(attraction_PK))
    for k in range(attraction_PK.shape[1]):
        found_PK[:, k] = seen_P * attraction_PK[:, k]
        seen_P = seen_P * goes_on_P * (1 - attraction_PK[:, k] * satisfaction_PK[:, k])
    return found_PK
