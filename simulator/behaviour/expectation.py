"""What a page is worth: the expectation of a shopper's reaction, over all luck.

A replay that asks "what would this page have brought?" need not roll dice: waiting, looking,
clicking and buying have closed forms, so two pages are compared without noise of the simulation.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from simulator.behaviour.behavior import MOST_UNITS, Behavior, Flags, Reals
from simulator.behaviour.choices import choice_chances
from simulator.behaviour.clickmodels import Cascade, PositionBased
from simulator.catalogue.catalog import Ints
from simulator.protocols import Pages
from simulator.shoppers.needs import Needs

Floats = NDArray[np.float64]

REPLICATES = 64
"""Draws of looks and clicks that stand for a user's click model, of which no closed form is known.

Their noise is what is left: the standard error of a click chance p is sqrt(p (1 - p) / 64), at most
0.0625 for one slot of one page, and shrinks with the number of pages that are summed. It is the
same whenever the same request and page are asked for, so it does not undo a comparison's pairing.
"""


@dataclass(frozen=True)
class Expected:
    """What B pages of K slots bring on average; float64, 0 on padding.

    Attributes:
        seen_BK: exposures: the chance that the page comes before the shopper leaves.
        clicks_BK, carts_BK: clicks on the item; those that put it into the cart.
        orders_BK: rows of the item in the log's orders.
        gmv_BK: money paid for it: price times units.
    """

    seen_BK: Floats
    clicks_BK: Floats
    carts_BK: Floats
    orders_BK: Floats
    gmv_BK: Floats


def expected(behavior: Behavior, needs: Needs, pages: Pages, price_I: Floats) -> Expected:
    """The expectation of `Behavior.react` and of the purchases that follow from it.

    Over the luck of this request alone: what it changes in later requests is not counted, and what
    earlier requests of the same need gave away of the shopper's taste shocks is not known. Each
    purchase is made in a shop where nothing is sold out, so no fallback is ever needed; purchases
    that come days later count like those at once.

    Exact up to 1e-10 per chance for the position-based and the cascade model; for a user's click
    model, looks and clicks are `REPLICATES` keyed draws, and only what follows is exact.

    Args:
        behavior: the kernel of the world; the prices that it was refreshed with are those seen.
        needs: what stands behind the B requests.
        pages: what each of them is shown; an item at most once on a page.
        price_I: price paid for each item.
    """
    real_BK = pages.items_BK >= 0
    if not real_BK.any():
        return Expected(*(np.zeros(real_BK.shape) for _ in range(5)))
    shown_BK, true_BK = behavior.utility.of(needs, pages.items_BK)
    attraction_BK = np.nan_to_num(behavior.attraction(shown_BK, real_BK))
    gain_BK = true_BK.astype(np.float64) - behavior.spec.outside
    chances = _chances(behavior, needs, pages.items_BK, attraction_BK, gain_BK)
    seen_BK = _stays(behavior, needs, pages)[:, None] * real_BK
    carted_BK = np.nan_to_num(expit(gain_BK + behavior.spec.cart_margin))
    units_BK = mean_units(behavior.spec.repeat_quantity) * chances.first_BK + chances.second_BK
    return Expected(
        seen_BK=seen_BK,
        clicks_BK=seen_BK * chances.click_BK,
        carts_BK=seen_BK * chances.click_BK * carted_BK,
        orders_BK=seen_BK * (chances.first_BK + chances.second_BK),
        gmv_BK=seen_BK * units_BK * price_I[pages.items_BK],
    )


def mean_units(repeat_quantity: float) -> float:
    """Mean units of the first item bought: geometric, cut off at `MOST_UNITS`."""
    return float(np.sum(repeat_quantity ** np.arange(MOST_UNITS)))


@dataclass(frozen=True)
class _Chances:
    """Of a page that is seen: (B, K) chances of a click, of the first and of a second order."""

    click_BK: Floats
    first_BK: Floats
    second_BK: Floats


def _chances(
    behavior: Behavior, needs: Needs, items_BK: Ints, attraction_BK: Reals, gain_BK: Floats
) -> _Chances:
    model, second = behavior.click_model, behavior.spec.basket_cost
    # A user's model may inherit from one of these and look otherwise: only they themselves count.
    if type(model) is PositionBased:
        click_BK = model.click_chances(attraction_BK, behavior.on_phone(needs))
        return _Chances(click_BK, *choice_chances(click_BK, gain_BK, second))
    if type(model) is Cascade:
        click_BK = model.click_chances(attraction_BK, behavior.on_phone(needs))
        first_BK = click_BK * np.nan_to_num(expit(gain_BK))
        return _Chances(click_BK, first_BK, np.zeros(click_BK.shape))
    return _replicated(behavior, needs, items_BK, attraction_BK, gain_BK)


def _replicated(
    behavior: Behavior, needs: Needs, items_BK: Ints, attraction_BK: Reals, gain_BK: Floats
) -> _Chances:
    """Means over drawn clicks of what exactly follows from each."""
    real_BK = items_BK >= 0
    sums_3BK = np.zeros((3, *items_BK.shape))
    for replicate in range(REPLICATES):
        draws = behavior.draws.child(f"expected.{replicate}")
        clicked_BK: Flags = behavior.look(needs, items_BK, attraction_BK, draws)[1] & real_BK
        click_BK = clicked_BK.astype(np.float64)
        sums_3BK[0] += click_BK
        sums_3BK[1:] += choice_chances(click_BK, gain_BK, behavior.spec.basket_cost)
    return _Chances(*sums_3BK / REPLICATES)


def _stays(behavior: Behavior, needs: Needs, pages: Pages) -> Floats:
    """(B,) chance that the shopper waits for the page: patience is exponential."""
    latency_B = pages.latency_B.astype(np.float64)
    tolerance_B = behavior.shoppers.tolerance_S[needs.shopper_B].astype(np.float64)
    late_B = latency_B > 0
    with np.errstate(divide="ignore", over="ignore"):  # no patience at all: exp(-inf) is 0
        patience_B = np.divide(-latency_B, tolerance_B, out=np.zeros(len(late_B)), where=late_B)
    return np.exp(patience_B)
