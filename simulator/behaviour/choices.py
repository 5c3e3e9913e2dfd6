"""Who wins when an unknown set of items is weighed: choice chances in closed form.

A multinomial logit over random clicks is a race. `exp(-Gumbel)` is a standard exponential time, so
the largest of shifted Gumbels is the earliest of clocks (Holman & Marley, in Luce & Suppes, 1965):
an item of gain u over the outside option has a clock of rate r = exp(u), the outside option one of
rate 1, and a click lets the item take part. Whether the next best item joins the first one is
decided anew, against an outside option with another luck and with the utility b on top: one more
clock, of rate h = exp(b). With `s_j(t) = 1 - c_j (1 - exp(-r_j t))`, the chance that item j has not
rung by t, with `f_j(t) = c_j r_j / (1 + r_j) (1 - exp(-(1 + r_j) t))`, the chance that it has, and
before the first outside option, and with item i ringing at t,

    P(i first)   = c_i int r_i e^(-r_i t) e^(-t)     prod_(j != i) s_j    dt
    P(i second)  = c_i int r_i e^(-r_i t) e^(-h t)   sum_j f_j prod_k s_k  dt

where the sum is over j != i and the product over k other than i and j: one integral for each item
instead of a sum over all sets of clicks. The best item goes to the cart where it is less than a
margin m below the outside option, bought or not: as P(i first), with a clock of rate exp(-m).

A need stays open where nothing is bought and nobody is content with the best of what was clicked.
With `d_i` the chance of not being content with item i, and with items by falling utility,

    P(open) = prod_j (1 - c_j) + sum_i c_i d_i int e^(-t) e^(-r_i t) prod_(better j) (1 - c_j)
                                                                    prod_(worse j) s_j dt

Where the taste of the items is known, no integral is left: see `known_taste`.
"""

import math
from typing import Any, NamedTuple

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
STEP = math.log(2) / 2
FIRST = 2e-6  # first node: so much is the chance, at most, that any clock has rung by then
REST = 1e-12  # last node: so much is left to ring
SURE = 1 - 1e-15  # has rung; the doubling alone would stop one bit short of 1, and r is large


class Basket(NamedTuple):
    """What it takes to come into the cart, and to be bought beside another item (logits).

    Attributes:
        margin: how far below the outside option the best item still goes to the cart, >= 0.
        second: what a second choice needs more than a first one, or less if negative.
    """

    margin: float
    second: float

    @property
    def rates(self) -> tuple[float, float]:
        """Rates of the outside options' clocks: for the cart, and for second choices."""
        margin, second = (min(max(each, -GAIN_LIMIT), GAIN_LIMIT) for each in self)
        return math.exp(-margin), math.exp(second)


class Choices(NamedTuple):
    """What becomes of B pages of K slots that are seen.

    Attributes:
        first_BK: chance that the item is clicked, best of the clicked ones and better than the
            outside option.
        second_BK: chance that it is second best and joins the first one in the basket.
        carted_BK: chance that it goes to the cart: as the best, or as the second that is bought.
        open_B: chance that nothing is chosen and nobody is content with what was clicked.
    """

    first_BK: Floats
    second_BK: Floats
    carted_BK: Floats
    open_B: Floats


def choice_chances(
    clicks_BK: NDArray[np.floating[Any]],
    gains_BK: NDArray[np.floating[Any]],
    basket: Basket,
    discontent_BK: NDArray[np.floating[Any]] | None = None,
) -> Choices:
    """Chances of the first and the second choice, of the cart, and of none.

    Exact up to 1e-10.

    Args:
        clicks_BK: chance that an item is clicked, each on its own; 0 on padding.
        gains_BK: true utility less that of the outside option (logits). NaN is never chosen.
        basket: what the cart and a second choice ask for.
        discontent_BK: chance of not being content where this item is the best that was clicked;
            it never rises with the gain. None: nobody is ever content.
    """
    shape = clicks_BK.shape
    found = Choices(np.zeros(shape), np.zeros(shape), np.zeros(shape), np.ones(shape[0]))
    if discontent_BK is None:
        discontent_BK = np.ones(shape)
    _races(
        clicks_BK.astype(np.float64),
        np.exp(clipped(gains_BK)),
        np.nan_to_num(discontent_BK.astype(np.float64), nan=1.0),
        *basket.rates,
        *found,
    )
    return found


def clipped(gains_BK: NDArray[np.floating[Any]]) -> Floats:
    """Gains within `GAIN_LIMIT`; what is not known is never chosen."""
    known_BK = np.nan_to_num(gains_BK.astype(np.float64), nan=-np.inf)
    return np.clip(known_BK, -GAIN_LIMIT, GAIN_LIMIT)


@njit(cache=True, nogil=True)
def _races(
    clicks_BK: Any,
    rates_BK: Any,
    discontent_BK: Any,
    margin: Any,
    hurdle: Any,
    first_BK: Any,
    second_BK: Any,
    carted_BK: Any,
    open_B: Any,
) -> None:  # pragma: no cover
    """Fill in every page; `margin` and `hurdle` are the rates of `Basket`."""
    slots = clicks_BK.shape[1]
    slot_N = np.empty(slots, np.int64)
    columns_3N, room_3N = np.empty((3, slots)), np.empty((3, slots))
    sum_N3 = np.empty((slots, 3))
    for row in range(len(clicks_BK)):
        size, total = 0, 1.0
        for slot in range(slots):
            if clicks_BK[row, slot] > 0:
                at = size  # kept by rising rate, that is by rising utility
                while at and rates_BK[row, slot_N[at - 1]] > rates_BK[row, slot]:
                    slot_N[at] = slot_N[at - 1]
                    at -= 1
                slot_N[at] = slot
                total += rates_BK[row, slot]
                size += 1
        for n in range(size):
            columns_3N[0, n] = clicks_BK[row, slot_N[n]]
            columns_3N[1, n] = rates_BK[row, slot_N[n]]
            columns_3N[2, n] = discontent_BK[row, slot_N[n]]
        if size:
            start = FIRST / total
            open_B[row] = _race(columns_3N[:, :size], margin, hurdle, start, sum_N3, room_3N)
        for n in range(size):
            scale = columns_3N[0, n] * columns_3N[1, n] * STEP
            first_BK[row, slot_N[n]] = scale * sum_N3[n, 0]
            second_BK[row, slot_N[n]] = scale * sum_N3[n, 1]
            carted_BK[row, slot_N[n]] = scale * (sum_N3[n, 1] + sum_N3[n, 2])


@njit(cache=True, nogil=True)
def _race(
    columns_3N: Any, margin: Any, hurdle: Any, start: Any, sum_N3: Any, room_3N: Any
) -> Any:  # pragma: no cover
    """Sum the integrands of one page over the nodes; returns the chance that the need stays open.

    `sum_N3`, of the first item, the second and the best one in the cart, lacks the constant
    factors. `room_3N` is for the chances that each clock has rung by this node and by the one
    after it, and that the item is clicked and has rung before the outside option.
    """
    chance_N, rate_N, discontent_N = columns_3N
    size = len(chance_N)
    rung_2N, leads_N = room_3N[:2], room_3N[2]
    ratio = math.exp(STEP)
    at, after, turn = start, start * ratio, 0
    before = start / (ratio - 1)  # all earlier nodes: nothing has rung, t alone counts
    open_at = 1.0
    for n in range(size):
        rung_2N[0, n] = -math.expm1(-rate_N[n] * at)
        rung_2N[1, n] = -math.expm1(-rate_N[n] * after)
        sum_N3[n, 0] = before
        sum_N3[n, 1] = 0.0
        sum_N3[n, 2] = before
        open_at = (1.0 - chance_N[n]) * open_at + chance_N[n] * discontent_N[n]
    open_sum = before * open_at
    left = 1.0
    while left > REST:
        outside, hard_outside = math.exp(-at), math.exp(-hurdle * at)
        near_outside = math.exp(-margin * at)
        none, one = 1.0, 0.0  # chances that no item has rung, and that a single one leads
        open_at = 1.0
        for n in range(size):
            rung = rung_2N[turn, n]
            out = chance_N[n] * rung
            leads = rate_N[n] / (1.0 + rate_N[n]) * (1.0 - (1.0 - rung) * outside)
            leads_N[n] = chance_N[n] * leads
            open_at *= 1.0 - chance_N[n]
            open_at += chance_N[n] * (1.0 - rung) * discontent_N[n] * none
            one = one * (1.0 - out) + none * leads_N[n]
            none *= 1.0 - out
        open_sum += at * outside * open_at
        for n in range(size):
            rung = rung_2N[turn, n]
            out = chance_N[n] * rung
            # None and one of the others are had by taking n out again. What divides is never less
            # than 1 - rung, so that no rounding error grows.
            inverse = 1.0 / (1.0 - out) if out < 1.0 else 0.0
            now = at * (1.0 - rung) * inverse
            sum_N3[n, 0] += now * outside * none
            sum_N3[n, 2] += now * near_outside * none
            sum_N3[n, 1] += now * hard_outside * max(one - leads_N[n] * none * inverse, 0.0)
            rung_2N[turn, n] = rung * (2.0 - rung) if rung < SURE else 1.0
        left = none * near_outside + one * hard_outside
        at, after, turn = after, 2.0 * at, 1 - turn
    return open_sum * STEP


class Known(NamedTuple):
    """Chances of B pages under M sets of tastes; fields as of `Choices`."""

    first_BMK: Floats
    second_BMK: Floats
    carted_BMK: Floats
    open_BM: Floats


def known_taste(
    clicks_BK: NDArray[np.floating[Any]],
    gains_BK: NDArray[np.floating[Any]],
    basket: Basket,
    discontent_BK: NDArray[np.floating[Any]],
    taste_BMK: Floats,
) -> Known:
    """`choice_chances` where the shopper's taste shocks are known, exactly.

    With v_i = gain_i + taste_i and items by falling v, an item is first where it is clicked, no
    better one is, and the outside option's Gumbel lies below: the chance
    `c_i prod_(better j) (1 - c_j) exp(-exp(-v_i))`. Between two neighbouring v the outside option
    bars the same items, which makes the chance that a need stays open a sum over K + 1 pieces.

    Args:
        clicks_BK, gains_BK, basket, discontent_BK: as of `choice_chances`.
        taste_BMK: Gumbel shocks of each item in each set (logits).
    """
    shape = taste_BMK.shape
    found = Known(np.zeros(shape), np.zeros(shape), np.zeros(shape), np.ones(shape[:2]))
    _known(
        clicks_BK.astype(np.float64),
        clipped(gains_BK),
        np.nan_to_num(discontent_BK.astype(np.float64), nan=1.0),
        *basket.rates,
        taste_BMK,
        *found,
    )
    return found


@njit(cache=True, nogil=True)
def _known(
    clicks_BK: Any,
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
    rows, sets, slots = taste_BMK.shape
    value_N, barred_N = np.empty(slots), np.empty(slots, np.bool_)
    for row in range(rows):
        by_gain = np.argsort(gains_BK[row])
        by_gain = by_gain[clicks_BK[row][by_gain] > 0]
        for m in range(sets):
            for slot in by_gain:
                value_N[slot] = gains_BK[row, slot] + taste_BMK[row, m, slot]
                barred_N[slot] = False
            falling = by_gain[np.argsort(-value_N[by_gain])]
            none, one, above, total = 1.0, 0.0, 1.0, 0.0
            for slot in falling:
                click, value = clicks_BK[row, slot], value_N[slot]
                rate = math.exp(-value)
                below = math.exp(-rate)  # the outside option lies below this item
                joins = click * one * math.exp(-hurdle * rate)
                first_BMK[row, m, slot] = click * none * below
                second_BMK[row, m, slot] = joins
                carted_BMK[row, m, slot] = click * none * math.exp(-margin * rate) + joins
                one = one * (1.0 - click) + none * click * below
                none *= 1.0 - click
                total += (above - below) * _left_open(
                    by_gain, clicks_BK[row], discontent_BK[row], barred_N
                )
                barred_N[slot], above = True, below
            open_BM[row, m] = total + above * _left_open(
                by_gain, clicks_BK[row], discontent_BK[row], barred_N
            )


@njit(cache=True, nogil=True)
def _left_open(by_gain: Any, clicks_K: Any, discontent_K: Any, barred_K: Any) -> Any:
    """Chance that no barred item is clicked and the best click leaves the shopper discontent."""
    left, none = 1.0, 1.0
    for slot in by_gain:
        click = clicks_K[slot]
        left *= 1.0 - click
        if barred_K[slot]:
            none *= 1.0 - click
        else:
            left += click * discontent_K[slot] * none
    return left
