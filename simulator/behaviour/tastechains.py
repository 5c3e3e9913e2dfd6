"""Choice chances over a chain of clicks where the shopper's tastes are known.

No integral is left (see `simulator.behaviour.clickchains`). With items by falling value, T_i, the
chance that none of the i best is clicked, gives the first choice as T_i - T_(i+1), and Q_i, the
chance that one of them is and that the outside option lies below it, whose chance is F_i, the
second one as Q_i - Q_(i+1) + F_i (T_i - T_(i+1)). Between two neighbouring values the outside
option bars the same items, which makes the chance that a need stays open a sum over K + 1 pieces.
Only these differences lose digits, to 1e-16.
"""

import math
from typing import Any

import numpy as np
from numba import njit

from simulator.behaviour.clickchains import by_gain, link


@njit(cache=True, nogil=True)
def known(
    attraction_BK: Any,
    looks_DCK: Any,
    device_B: Any,
    ends_BK: Any,
    reads_on: Any,
    by_best: Any,
    gains_BK: Any,
    discontent_BK: Any,
    margin: Any,
    hurdle: Any,
    taste_BMK: Any,
    first_BMK: Any,
    second_BMK: Any,
    carted_BMK: Any,
    open_BM: Any,
) -> None:  # pragma: no cover
    """Fill in every page under each set of tastes; arguments as of `choices`.

    Args:
        gains_BK: over the outside option (logits).
        margin, hurdle: rates of `simulator.behaviour.choices.Basket`.
        taste_BMK: shocks of each item in each set (logits).
    """
    rows, sets, slots = taste_BMK.shape
    next_CK, last_2C = np.empty((slots + 1, slots)), np.empty((2, slots + 1))
    level_K, falls_L = np.empty(slots, np.int64), np.empty(slots)
    value_K, below_K, place_K = np.empty(slots), np.empty(slots), np.empty(slots, np.int64)
    room_3P = np.empty((3, slots + 1))
    for row in range(rows):
        attraction_K = attraction_BK[row]
        link(attraction_K, looks_DCK[device_B[row]], ends_BK[row], reads_on, next_CK, last_2C)
        levels = by_gain(attraction_K, gains_BK[row], discontent_BK[row], level_K, falls_L)
        for m in range(sets):
            for k in range(slots):
                value_K[k] = gains_BK[row, k] + taste_BMK[row, m, k]
                below_K[k] = math.exp(-math.exp(-value_K[k]))  # the outside option lies below
            places = 0
            for slot in np.argsort(-value_K, kind="mergesort"):
                place_K[slot] = -1
                if attraction_K[slot] > 0:
                    place_K[slot] = places
                    places += 1
            none_3P = room_3P[:, : places + 1]
            _barred(next_CK, last_2C, place_K, below_K, none_3P)
            if by_best:
                _barred_and_open(
                    next_CK, last_2C[0], place_K, level_K, falls_L[:levels], none_3P[2]
                )
            above, found = 1.0, 0.0
            for slot in np.argsort(-value_K, kind="mergesort"):
                i = place_K[slot]
                if i < 0:
                    continue
                below = below_K[slot]
                none = none_3P[0, i] - none_3P[0, i + 1]
                one = none_3P[1, i] - none_3P[1, i + 1] + none * below
                rate = math.exp(-value_K[slot])
                joins = max(one, 0.0) * math.exp(-hurdle * rate)
                first_BMK[row, m, slot] = max(none, 0.0) * below
                second_BMK[row, m, slot] = joins
                carted_BMK[row, m, slot] = max(none, 0.0) * math.exp(-margin * rate) + joins
                found += (above - below) * none_3P[2, i]
                above = below
            open_BM[row, m] = found + above * none_3P[2, places]


@njit(cache=True, nogil=True)
def _barred(
    next_CK: Any, last_2C: Any, place_K: Any, below_K: Any, none_3P: Any
) -> None:  # pragma: no cover
    """Fill in, of the first items in number 0, 1 .. of all: that none of them is clicked; that one
    is, and the outside option lies below it; that none is, and that the reading did not end with
    the last click."""
    slots, places = len(place_K), none_3P.shape[1]
    reach_KP, other_KP = np.empty((slots, places)), np.zeros((slots, places))
    for i in range(places):
        none_3P[0, i] = last_2C[0, 0]
        none_3P[1, i] = 0.0
        none_3P[2, i] = last_2C[1, 0]
        for k in range(slots):
            reach_KP[k, i] = next_CK[0, k]
    for k in range(slots):
        free = place_K[k] + 1  # with so many barred at least, the item is one of them
        if free == 0:
            continue
        for i in range(free, places):
            other_KP[k, i] = reach_KP[k, i] * below_K[k]
            reach_KP[k, i] = 0.0
        for i in range(places):
            none_3P[0, i] += reach_KP[k, i] * last_2C[0, k + 1]
            none_3P[1, i] += other_KP[k, i] * last_2C[0, k + 1]
            none_3P[2, i] += reach_KP[k, i] * last_2C[1, k + 1]
        for j in range(k + 1, slots):
            follows = next_CK[k + 1, j]
            for i in range(places):
                reach_KP[j, i] += reach_KP[k, i] * follows
                other_KP[j, i] += other_KP[k, i] * follows


@njit(cache=True, nogil=True)
def _barred_and_open(
    next_CK: Any, stop_C: Any, place_K: Any, level_K: Any, falls_L: Any, open_P: Any
) -> None:  # pragma: no cover
    """Fill in that none of the first items is clicked, and that the best click does not content."""
    slots, places, levels = len(place_K), len(open_P), len(falls_L)
    reach_KPL = np.empty((slots, places, levels))
    for k in range(slots):
        for i in range(places):
            for level in range(levels):
                reach_KPL[k, i, level] = next_CK[0, k]
    for i in range(places):
        open_P[i] = stop_C[0]
    for k in range(slots):
        least = level_K[k]
        if least < 0:
            continue
        for i in range(place_K[k] + 1):
            for level in range(least, levels):
                open_P[i] += falls_L[level] * reach_KPL[k, i, level] * stop_C[k + 1]
        for j in range(k + 1, slots):
            follows = next_CK[k + 1, j]
            for i in range(place_K[k] + 1):
                for level in range(least, levels):
                    reach_KPL[j, i, level] += reach_KPL[k, i, level] * follows
