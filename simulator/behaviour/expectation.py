"""What a page is worth: the expectation of a shopper's reaction, over all luck.

A replay that asks "what would this page have brought?" need not roll dice: waiting, looking,
clicking and buying have closed forms, so two pages are compared without noise of the simulation.
So has the chance that the shopper's need is still open afterwards, which links the pages of a
session (see `simulator.following.walk`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from simulator.behaviour.behavior import MOST_UNITS, Behavior, Flags
from simulator.behaviour.choices import Basket
from simulator.behaviour.clicklaws import Independent, Law
from simulator.behaviour.clickmodels import CheckedClickModel
from simulator.behaviour.settings import BehaviorSpec
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


@dataclass(frozen=True)
class Prospect:
    """What B pages bring on average, and how the need behind them goes on; (B,) chances.

    Attributes:
        brings: what is seen, clicked and bought.
        stays_B: that the page comes before the shopper leaves.
        click_BK, first_BK, second_BK: of a page that is seen: that an item is clicked, is the first
            and the second choice.
        open_B, clickless_B: of a page that is seen: that nothing is bought and nobody is content
            with what was clicked; that nothing is clicked.
        dwell_B: mean seconds on a page on which something is clicked.
    """

    brings: Expected
    stays_B: Floats
    click_BK: Floats
    first_BK: Floats
    second_BK: Floats
    open_B: Floats
    clickless_B: Floats
    dwell_B: Floats

    @property
    def bought_B(self) -> Floats:
        """(B,) that something is bought from a page that is seen."""
        return np.asarray(self.first_BK.sum(axis=1))


@dataclass(frozen=True)
class Known:
    """What B seen pages bring under M sets of tastes; (B, M), fields as of `Prospect`."""

    carts_BM: Floats
    orders_BM: Floats
    gmv_BM: Floats
    bought_BM: Floats
    open_BM: Floats


def expected(behavior: Behavior, needs: Needs, pages: Pages, price_I: Floats) -> Expected:
    """The expectation of `Behavior.react` and of the purchases that follow from it.

    Over the luck of this request alone: what it changes in later requests is not counted, and what
    earlier requests of the same need gave away of the shopper's taste shocks is not known. Each
    purchase is made in a shop where nothing is sold out, so no fallback is ever needed; purchases
    that come days later count like those at once.

    Exact up to 1e-10 per chance for the click models that come with funnelab; for a user's own,
    looks and clicks are `REPLICATES` keyed draws, and only what follows is exact.

    Args:
        behavior: the kernel of the world; the prices that it was refreshed with are those seen.
        needs: what stands behind the B requests.
        pages: what each of them is shown; an item at most once on a page.
        price_I: price paid for each item.
    """
    return Outlook(behavior, needs, pages, price_I).prospect().brings


class Outlook:
    """Pages about to be seen, with all that their expectations are made of.

    Args: as of `expected`.

    Attributes:
        worth: perceived and true utility of the items, (B, K) each.
    """

    def __init__(self, behavior: Behavior, needs: Needs, pages: Pages, price_I: Floats) -> None:
        self.behavior = behavior
        self.needs = needs
        self.items_BK = pages.items_BK
        self.real_BK = pages.items_BK >= 0
        self.price_BK = price_I[pages.items_BK]
        self.stays_B = stays(behavior, needs, pages.latency_B)
        self.worth = shown_BK, true_BK = behavior.utility.of(needs, pages.items_BK)
        self.attraction_BK = np.nan_to_num(behavior.attraction(shown_BK, self.real_BK))
        self.gain_BK = true_BK.astype(np.float64) - behavior.spec.outside
        self.discontent_BK = expit(behavior.spec.satisfaction - true_BK.astype(np.float64))

    def prospect(self) -> Prospect:
        """What the pages bring over all luck and tastes."""
        spec, shape = self.behavior.spec, self.items_BK.shape
        click_BK, first_BK, second_BK, carted_BK = np.zeros((4, *shape))
        open_B, clickless_B = np.zeros((2, shape[0]))
        for weight, law in self._laws():
            found = law.chances(self.gain_BK, basket_of(spec), self.discontent_BK)
            click_BK += weight * law.click_BK
            first_BK += weight * found.first_BK
            second_BK += weight * found.second_BK
            carted_BK += weight * found.carted_BK
            open_B += weight * found.open_B
            clickless_B += weight * law.clickless_B
        seen_BK = self.stays_B[:, None] * self.real_BK
        units_BK = mean_units(spec.repeat_quantity) * first_BK + second_BK
        brings = Expected(
            seen_BK=seen_BK,
            clicks_BK=seen_BK * click_BK,
            carts_BK=seen_BK * carted_BK,
            orders_BK=seen_BK * (first_BK + second_BK),
            gmv_BK=seen_BK * units_BK * self.price_BK,
        )
        chances = self.stays_B, click_BK, first_BK, second_BK, open_B, clickless_B
        return Prospect(brings, *chances, self._dwell(click_BK, clickless_B))

    def _dwell(self, click_BK: Floats, clickless_B: Floats) -> Floats:
        """See `Prospect`; an examined result is clicked with the chance of its attraction."""
        attraction_BK = self.attraction_BK.astype(np.float64)
        examined_BK = np.zeros(click_BK.shape)
        np.divide(click_BK, attraction_BK, out=examined_BK, where=attraction_BK > 0)
        clicked_B = np.maximum(1 - clickless_B, np.finfo(np.float64).tiny)
        clicks_B = np.maximum(click_BK.sum(axis=1) / clicked_B, 1.0)
        return self.behavior.mean_dwell(examined_BK.sum(axis=1), clicks_B)

    def known(self, rows: NDArray[np.intp], sets: int) -> Known:
        """What some of the pages bring where the shopper's tastes are known.

        A taste belongs to a shopper, a need and an item, so the M sets are the same on every page
        of a need, in every arm.

        Args:
            rows: of the pages.
            sets: how many sets M of tastes are drawn.
        """
        spec, needs, items_RK = self.behavior.spec, self.needs.rows(rows), self.items_BK[rows]
        gain_RK, discontent_RK = self.gain_BK[rows], self.discontent_BK[rows]
        taste_RMK = np.empty((len(rows), sets, items_RK.shape[1]))
        for m in range(sets):
            draws = self.behavior.draws.child(f"taste.{m}")
            taste_RMK[:, m] = self.behavior.tastes(needs, items_RK, draws)
        first_RMK, second_RMK, carted_RMK = np.zeros((3, *taste_RMK.shape))
        open_RM = np.zeros(taste_RMK.shape[:2])
        for weight, law in self._laws(rows):
            found = law.known(gain_RK, basket_of(spec), discontent_RK, taste_RMK)
            first_RMK += weight * found.first_BMK
            second_RMK += weight * found.second_BMK
            carted_RMK += weight * found.carted_BMK
            open_RM += weight * found.open_BM
        units = mean_units(spec.repeat_quantity)
        price_R1K = np.where(items_RK >= 0, self.price_BK[rows], 0.0)[:, None]
        return Known(
            carts_BM=carted_RMK.sum(axis=2),
            orders_BM=(first_RMK + second_RMK).sum(axis=2),
            gmv_BM=((units * first_RMK + second_RMK) * price_R1K).sum(axis=2),
            bought_BM=first_RMK.sum(axis=2),
            open_BM=open_RM,
        )

    def _laws(self, rows: NDArray[np.intp] | slice = slice(None)) -> Iterator[tuple[float, Law]]:
        """How the pages are clicked: a law in closed form, or one for each drawn replicate, and
        its weight among all."""
        behavior, needs = self.behavior, self.needs.rows(rows)
        model, attraction_BK = behavior.click_model, self.attraction_BK[rows]
        # A user's model may inherit from one of ours and look otherwise: only they are trusted.
        if not isinstance(model, CheckedClickModel):
            phone_B = behavior.on_phone(needs)
            yield 1.0, model.law(attraction_BK, phone_B, self.discontent_BK[rows])
            return
        items_BK, real_BK = self.items_BK[rows], self.real_BK[rows]
        for replicate in range(REPLICATES):
            draws = behavior.draws.child(f"expected.{replicate}")
            clicked_BK: Flags = behavior.look(needs, items_BK, attraction_BK, draws)[1] & real_BK
            yield 1 / REPLICATES, Independent(clicked_BK.astype(np.float64))


def basket_of(spec: BehaviorSpec) -> Basket:
    """What the cart and a second choice ask for."""
    return Basket(margin=spec.cart_margin, second=spec.basket_cost)


def mean_units(repeat_quantity: float) -> float:
    """Mean units of the first item bought: geometric, cut off at `MOST_UNITS`."""
    return float(np.sum(repeat_quantity ** np.arange(MOST_UNITS)))


def stays(behavior: Behavior, needs: Needs, late_B: NDArray[np.float32]) -> Floats:
    """(B,) chance that the shopper waits so many seconds for a page: patience is exponential."""
    latency_B = late_B.astype(np.float64)
    tolerance_B = behavior.shoppers.tolerance_S[needs.shopper_B].astype(np.float64)
    waits_B = latency_B > 0
    with np.errstate(divide="ignore", over="ignore"):  # no patience at all: exp(-inf) is 0
        patience_B = np.divide(-latency_B, tolerance_B, out=np.zeros(len(waits_B)), where=waits_B)
    return np.exp(patience_B)
