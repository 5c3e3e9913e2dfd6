"""Choice chances where clicks follow each other down the page: a race over a Markov chain.

Clicks of the dynamic Bayesian and of the user browsing model depend on each other, yet given the
last click those below it do not depend on those above it. So a page is told by `N[c, k]`, the
chance that slot k is clicked next after a click on slot c - 1 (c = 0: after none), and by what is
missing to 1, the chance that no click follows. The mean over all sets of clicks of a product of
weights z of the clicked items is then a sum from the top to the bottom of the page,

    F_0 = 1,  A_k = sum_(c <= k) F_c N[c, k],  F_(k+1) = A_k z_k,  mean = sum_c F_c stop_c,

and the same from the bottom up, R_c = stop_c + sum_(k >= c) N[c, k] z_k R_(k+1). With the clocks of
`simulator.behaviour.choices`, z_k = e^(-r_k t) says that a clicked item has not rung by t, so

    P(k first)            = int r_k e^(-r_k t) e^(-t) A_k R_(k+1) dt,

and the second choice from the part of A_k R_(k+1) that is linear in the chances to have rung, with
those of having rung before the outside option in their place. A need stays open, where shoppers are
content by the best of what they clicked, with the telescoped sum over items by rising utility, d_l
being the chance not to be content with item l,

    P(open) = stop_0 + sum_l (d_l - d_(l+1)) int e^(-t) mean_l(t) dt,  d_(n+1) = 0,

where mean_l is over sets of clicks on some of the l least items alone. Where each click by itself
makes content and ends the reading, F alone tells it: the last click must not have done so.

All terms have one sign, so no digits are lost.
"""

import math
from typing import Any

import numpy as np
from numba import njit

from simulator.behaviour.choices import FIRST, REST, STEP, SURE


@njit(cache=True, nogil=True)
def link(
    attraction_K: Any, looks_CK: Any, ends_K: Any, reads_on: Any, next_CK: Any, last_2C: Any
) -> None:  # pragma: no cover
    """Fill in how one page's clicks follow each other.

    Args:
        attraction_K: chance of a click on an examined result.
        looks_CK: chance to look at slot k, after a click on slot c - 1, for k >= c.
        ends_K: chance that a click ends the reading.
        reads_on: whoever does not look at a slot looks at nothing below it.
        next_CK: (K + 1, K) filled with the chance that slot k is clicked next.
        last_2C: (2, K + 1) filled with the chance that no click follows; and that none does
            although the reading did not end with the last one.
    """
    slots = len(attraction_K)
    for c in range(slots + 1):
        ends = ends_K[c - 1] if c else 0.0
        left, gone = 1.0 - ends, 0.0
        for k in range(c):
            next_CK[c, k] = 0.0
        for k in range(c, slots):
            look, attraction = looks_CK[c, k], attraction_K[k]
            next_CK[c, k] = left * look * attraction
            if reads_on:
                gone += left * (1.0 - look)
                left *= look * (1.0 - attraction)
            else:
                left *= 1.0 - look * attraction
        last_2C[1, c] = left + gone
        last_2C[0, c] = ends + left + gone


@njit(cache=True, nogil=True)
def click_chances(
    attraction_BK: Any,
    looks_DCK: Any,
    device_B: Any,
    ends_BK: Any,
    reads_on: Any,
    click_BK: Any,
    clickless_B: Any,
) -> None:  # pragma: no cover
    """Fill in the chance of each click, and of none; arguments as of `link`, by page."""
    slots = attraction_BK.shape[1]
    next_CK, last_2C = np.empty((slots + 1, slots)), np.empty((2, slots + 1))
    for row in range(len(attraction_BK)):
        link(attraction_BK[row], looks_DCK[device_B[row]], ends_BK[row], reads_on, next_CK, last_2C)
        clickless_B[row] = last_2C[0, 0]
        for k in range(slots):
            click = next_CK[0, k]
            for c in range(k):
                click += click_BK[row, c] * next_CK[c + 1, k]
            click_BK[row, k] = click


@njit(cache=True, nogil=True)
def choices(
    attraction_BK: Any,
    looks_DCK: Any,
    device_B: Any,
    ends_BK: Any,
    reads_on: Any,
    by_best: Any,
    rates_BK: Any,
    discontent_BK: Any,
    margin: Any,
    hurdle: Any,
    first_BK: Any,
    second_BK: Any,
    carted_BK: Any,
    open_B: Any,
) -> None:  # pragma: no cover
    """Fill in every page; those on which nothing attracts are left as they are.

    Args:
        attraction_BK, looks_DCK, device_B, ends_BK, reads_on: as of `link`, by page.
        by_best: the best of what was clicked makes content; else the click that ends the reading.
        rates_BK: of the items' clocks.
        discontent_BK: chance of not being content with an item.
        margin, hurdle: rates of `simulator.behaviour.choices.Basket`.
        first_BK, second_BK, carted_BK, open_B: see `simulator.behaviour.choices.Choices`.
    """
    slots = attraction_BK.shape[1]
    next_CK, last_2C = np.empty((slots + 1, slots)), np.empty((2, slots + 1))
    level_K, falls_L = np.empty(slots, np.int64), np.empty(slots)
    for row in range(len(attraction_BK)):
        attraction_K = attraction_BK[row]
        link(attraction_K, looks_DCK[device_B[row]], ends_BK[row], reads_on, next_CK, last_2C)
        levels = 0
        if by_best:
            levels = by_gain(attraction_K, rates_BK[row], discontent_BK[row], level_K, falls_L)
        total, attracts = 1.0, False
        for k in range(slots):
            if attraction_K[k] > 0:
                total, attracts = total + rates_BK[row, k], True
        if not attracts:
            continue
        open_B[row] = _race(
            next_CK,
            last_2C,
            rates_BK[row],
            level_K,
            falls_L[:levels],
            margin,
            hurdle,
            FIRST / total,
            first_BK[row],
            second_BK[row],
            carted_BK[row],
        )


@njit(cache=True, nogil=True)
def by_gain(
    attraction_K: Any, gain_K: Any, discontent_K: Any, level_K: Any, falls_L: Any
) -> Any:  # pragma: no cover
    """Fill in the rank of each attractive item by rising gain, -1 for others, and by how much less
    one is discontent with the next one; returns how many there are."""
    levels, last = 0, -1
    for slot in np.argsort(gain_K, kind="mergesort"):
        level_K[slot] = -1
        if attraction_K[slot] > 0:
            level_K[slot] = levels
            if levels:
                falls_L[levels - 1] = discontent_K[last] - discontent_K[slot]
            last = slot
            levels += 1
    if levels:
        falls_L[levels - 1] = discontent_K[last]
    return levels


@njit(cache=True, nogil=True)
def _race(
    next_CK: Any,
    last_2C: Any,
    rate_K: Any,
    level_K: Any,
    falls_L: Any,
    margin: Any,
    hurdle: Any,
    start: Any,
    first_K: Any,
    second_K: Any,
    carted_K: Any,
) -> Any:  # pragma: no cover
    """Sum one page over the nodes of `choices`; returns the chance that the need stays open.

    `falls_L` is empty where each click makes content by itself.
    """
    slots = len(rate_K)
    ratio = math.exp(STEP)
    at, after, turn = start, start * ratio, 0
    rung_2K = np.empty((2, slots))
    none_KL, out_L = np.empty((slots, len(falls_L))), np.empty(len(falls_L))
    down_2C, up_2C = np.empty((2, slots + 1)), np.empty((2, slots + 1))
    reach_2K, still_K, leads_K = np.empty((2, slots)), np.ones(slots), np.zeros(slots)
    # All earlier nodes: nothing has rung, t alone counts.
    before = start / (ratio - 1)
    _pass(next_CK, last_2C[0], leads_K, leads_K, down_2C, up_2C, reach_2K)
    open_sum = before * _open(next_CK, last_2C, still_K, down_2C, level_K, falls_L, none_KL, out_L)
    for k in range(slots):
        rung_2K[0, k] = -math.expm1(-rate_K[k] * at)
        rung_2K[1, k] = -math.expm1(-rate_K[k] * after)
        first_K[k] = before * reach_2K[0, k]
        second_K[k] = 0.0
        carted_K[k] = first_K[k]
    left = 1.0
    while left > REST:
        rung_K = rung_2K[turn]
        outside, hard_outside = math.exp(-at), math.exp(-hurdle * at)
        near_outside = math.exp(-margin * at)
        for k in range(slots):
            share = rate_K[k] / (1.0 + rate_K[k])
            leads_K[k] = share * (1.0 - (1.0 - rung_K[k]) * outside)
        none, one = _pass(next_CK, last_2C[0], rung_K, leads_K, down_2C, up_2C, reach_2K)
        for k in range(slots):
            still_K[k] = 1.0 - rung_K[k]
            now = at * still_K[k]
            first_K[k] += now * outside * reach_2K[0, k]
            second_K[k] += now * hard_outside * reach_2K[1, k]
            carted_K[k] += now * near_outside * reach_2K[0, k]
            rung_K[k] = rung_K[k] * (2.0 - rung_K[k]) if rung_K[k] < SURE else 1.0
        here = _open(next_CK, last_2C, still_K, down_2C, level_K, falls_L, none_KL, out_L)
        open_sum += at * outside * here
        left = none * near_outside + one * hard_outside
        at, after, turn = after, 2.0 * at, 1 - turn
    for k in range(slots):
        first_K[k] *= rate_K[k] * STEP
        second_K[k] *= rate_K[k] * STEP
        carted_K[k] = carted_K[k] * rate_K[k] * STEP + second_K[k]
    return open_sum * STEP


@njit(cache=True, nogil=True)
def _pass(
    next_CK: Any,
    stop_C: Any,
    rung_K: Any,
    leads_K: Any,
    down_2C: Any,
    up_2C: Any,
    reach_2K: Any,
) -> Any:  # pragma: no cover
    """Down and up a page whose clicked items have rung, and lead, with these chances.

    Rows of what is filled in: that no item has rung, and that a single one has and leads.
    `reach_2K` is of a click on slot k, with the other items alone; returned is the whole page.
    """
    slots = len(rung_K)
    for row in range(2):
        for c in range(slots + 1):
            down_2C[row, c] = 0.0
            up_2C[row, c] = stop_C[c] if row == 0 else 0.0
    down_2C[0, 0] = 1.0
    for k in range(slots - 1, -1, -1):
        # One that has not rung hands both on; one that has makes of none a single one.
        none = (1.0 - rung_K[k]) * up_2C[0, k + 1]
        one = (1.0 - rung_K[k]) * up_2C[1, k + 1] + leads_K[k] * up_2C[0, k + 1]
        for c in range(k + 1):
            up_2C[0, c] += next_CK[c, k] * none
            up_2C[1, c] += next_CK[c, k] * one
    for k in range(slots):
        none, one = 0.0, 0.0
        for c in range(k + 1):
            none += down_2C[0, c] * next_CK[c, k]
            one += down_2C[1, c] * next_CK[c, k]
        reach_2K[0, k] = none * up_2C[0, k + 1]
        reach_2K[1, k] = one * up_2C[0, k + 1] + none * up_2C[1, k + 1]
        down_2C[0, k + 1] = none * (1.0 - rung_K[k])
        down_2C[1, k + 1] = one * (1.0 - rung_K[k]) + none * leads_K[k]
    return up_2C[0, 0], up_2C[1, 0]


@njit(cache=True, nogil=True)
def _open(
    next_CK: Any,
    last_2C: Any,
    still_K: Any,
    down_2C: Any,
    level_K: Any,
    falls_L: Any,
    reach_KL: Any,
    out_L: Any,
) -> Any:  # pragma: no cover
    """Chance that no clicked item has rung and that the shopper is not content."""
    levels, slots = len(falls_L), len(still_K)
    if levels == 0:
        found = 0.0
        for c in range(slots + 1):
            found += down_2C[0, c] * last_2C[1, c]
        return found
    for level in range(levels):
        out_L[level] = 0.0
    for k in range(slots):
        for level in range(levels):
            reach_KL[k, level] = next_CK[0, k]
    for k in range(slots):
        least = level_K[k]
        if least < 0:
            continue
        for level in range(least, levels):
            reach_KL[k, level] *= still_K[k]
            out_L[level] += reach_KL[k, level] * last_2C[0, k + 1]
        for j in range(k + 1, slots):
            follows = next_CK[k + 1, j]
            for level in range(least, levels):
                reach_KL[j, level] += reach_KL[k, level] * follows
    found = last_2C[0, 0]
    for level in range(levels):
        found += falls_L[level] * out_L[level]
    return found
