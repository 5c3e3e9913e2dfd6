"""Who wins when an unknown set of items is weighed: choice chances in closed form.

A multinomial logit over random clicks is a race. `exp(-Gumbel)` is a standard exponential time, so
the largest of shifted Gumbels is the earliest of clocks (Holman & Marley, in Luce & Suppes, 1965):
an item of gain u over the outside option has a clock of rate r = exp(u), the outside option one of
rate 1, and a click lets the item take part. With `s_j(t) = 1 - c_j (1 - exp(-r_j t))`, the chance
that item j has not rung by t, and item i ringing at t,

    P(i first)             = c_i int r_i e^(-r_i t) e^(-t)       prod_(j != i) s_j           dt
    P(i second, gain > b)  = c_i int r_i e^(-r_i t) e^(-e^b t)   sum_j (1 - s_j) prod_k s_k  dt

where the sum is over j != i and the product over k other than i and j: one integral for each item
instead of a sum over all sets of clicks.
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GAIN_LIMIT = 300.0
"""Gains are counted up to this far from the outside option (logits); beyond it all are alike."""

# The trapezoid rule in log t, whose error falls as exp(-pi^2 / step) since the integrands are
# analytic wherever |arg t| < pi / 2 (Trefethen & Weideman, SIAM Review 2014). With this step every
# second node doubles t, and 1 - exp(-2 r t) follows from d = 1 - exp(-r t) as d (2 - d), without
# another exponential and without loss: an error of d shrinks as it is handed on.
_STEP = math.log(2) / 2
_FIRST = 2e-6  # first node: so much is the chance, at most, that any clock has rung by then
_REST = 1e-12  # last node: so much is left to ring
_SURE = 1 - 1e-15  # has rung; the doubling alone would stop one bit short of 1, and r is large


def choice_chances(
    clicks_BK: NDArray[np.floating[Any]], gains_BK: NDArray[np.floating[Any]], second: float
) -> tuple[Floats, Floats]:
    """Chances that each item of a page is the first and the second choice.

    Exact up to 1e-10.

    Args:
        clicks_BK: chance that an item is clicked, each on its own; 0 on padding.
        gains_BK: true utility less that of the outside option (logits). NaN is never chosen.
        second: gain that a second choice must exceed, >= 0 (logits).

    Returns:
        (B, K) chance that the item is clicked, best of the clicked ones and better than the
        outside option; (B, K) chance that it is second best and its gain exceeds `second`.
    """
    shape = clicks_BK.shape
    first_BK, second_BK = np.zeros(shape), np.zeros(shape)
    clipped_BK = np.clip(
        np.nan_to_num(gains_BK.astype(np.float64), nan=-np.inf), -GAIN_LIMIT, GAIN_LIMIT
    )
    _races(
        clicks_BK.astype(np.float64),
        np.exp(clipped_BK),
        math.exp(min(second, GAIN_LIMIT)),
        first_BK,
        second_BK,
    )
    return first_BK, second_BK


@njit(cache=True, nogil=True)
def _races(
    clicks_BK: Any, rates_BK: Any, hurdle: Any, first_BK: Any, second_BK: Any
) -> None:  # pragma: no cover
    """Fill in every page; `hurdle` is the rate of the outside option for second choices."""
    slots = clicks_BK.shape[1]
    slot_N = np.empty(slots, np.int64)
    chance_N, rate_N = np.empty(slots), np.empty(slots)
    sum_N2, rung_2N = np.empty((slots, 2)), np.empty((2, slots))
    for row in range(len(clicks_BK)):
        size, total = 0, 1.0
        for slot in range(slots):
            if clicks_BK[row, slot] > 0:
                slot_N[size] = slot
                chance_N[size] = clicks_BK[row, slot]
                rate_N[size] = rates_BK[row, slot]
                total += rate_N[size]
                size += 1
        if size:
            _race(chance_N[:size], rate_N[:size], hurdle, _FIRST / total, sum_N2, rung_2N)
        for n in range(size):
            scale = chance_N[n] * rate_N[n] * _STEP
            first_BK[row, slot_N[n]] = scale * sum_N2[n, 0]
            second_BK[row, slot_N[n]] = scale * sum_N2[n, 1]


@njit(cache=True, nogil=True)
def _race(
    chance_N: Any, rate_N: Any, hurdle: Any, start: Any, sum_N2: Any, rung_2N: Any
) -> None:  # pragma: no cover
    """Sum the integrands of one page over the nodes, without their constant factors.

    `rung_2N` holds the chances that each clock has rung by this node and by the one after it.
    """
    size = len(chance_N)
    ratio = math.exp(_STEP)
    at, after, turn = start, start * ratio, 0
    for n in range(size):
        rung_2N[0, n] = -math.expm1(-rate_N[n] * at)
        rung_2N[1, n] = -math.expm1(-rate_N[n] * after)
        sum_N2[n, 0] = start / (ratio - 1)  # all earlier nodes: nothing has rung, t alone counts
        sum_N2[n, 1] = 0.0
    left = 1.0
    while left > _REST:
        none, one = 1.0, 0.0  # chances that no item has rung, and that a single one has
        for n in range(size):
            out = chance_N[n] * rung_2N[turn, n]
            one = one * (1.0 - out) + none * out
            none *= 1.0 - out
        outside, hard_outside = math.exp(-at), math.exp(-hurdle * at)
        for n in range(size):
            rung = rung_2N[turn, n]
            out = chance_N[n] * rung
            # None and one of the others are had by taking n out again. What divides is never less
            # than 1 - rung, so that no rounding error grows.
            inverse = 1.0 / (1.0 - out) if out < 1.0 else 0.0
            now = at * (1.0 - rung) * inverse
            sum_N2[n, 0] += now * outside * none
            sum_N2[n, 1] += now * hard_outside * max(one - out * none * inverse, 0.0)
            rung_2N[turn, n] = rung * (2.0 - rung) if rung < _SURE else 1.0
        left = (none + one) * outside
        at, after, turn = after, 2.0 * at, 1 - turn
