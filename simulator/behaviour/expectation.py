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
from simulator.behaviour.choices import choice_chances, known_taste
from simulator.behaviour.clickmodels import Cascade, PositionBased
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

    Exact up to 1e-10 per chance for the position-based and the cascade model; for a user's click
    model, looks and clicks are `REPLICATES` keyed draws, and only what follows is exact.

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
    """

    def __init__(self, behavior: Behavior, needs: Needs, pages: Pages, price_I: Floats) -> None:
        self.behavior = behavior
        self.needs = needs
        self.items_BK = pages.items_BK
        self.real_BK = pages.items_BK >= 0
        self.price_BK = price_I[pages.items_BK]
        self.stays_B = stays(behavior, needs, pages.latency_B)
        shown_BK, true_BK = behavior.utility.of(needs, pages.items_BK)
        self.attraction_BK = np.nan_to_num(behavior.attraction(shown_BK, self.real_BK))
        self.gain_BK = true_BK.astype(np.float64) - behavior.spec.outside
        self.discontent_BK = expit(behavior.spec.satisfaction - true_BK.astype(np.float64))

    @property
    def one_click(self) -> bool:
        """Whether a page has one click at most."""
        return type(self.behavior.click_model) is Cascade

    def prospect(self) -> Prospect:
        """What the pages bring over all luck and tastes."""
        spec, shape = self.behavior.spec, self.items_BK.shape
        click_BK, first_BK, second_BK = np.zeros((3, *shape))
        open_B, clickless_B = np.zeros((2, shape[0]))
        for law in self._laws():
            found = law.chances(self.gain_BK, spec.basket_cost, self.discontent_BK)
            click_BK += law.weight * law.click_BK
            first_BK += law.weight * found[0]
            second_BK += law.weight * found[1]
            open_B += law.weight * found[2]
            clickless_B += law.weight * law.clickless_B
        seen_BK = self.stays_B[:, None] * self.real_BK
        carted_BK = np.nan_to_num(expit(self.gain_BK + spec.cart_margin))
        units_BK = mean_units(spec.repeat_quantity) * first_BK + second_BK
        brings = Expected(
            seen_BK=seen_BK,
            clicks_BK=seen_BK * click_BK,
            carts_BK=seen_BK * click_BK * carted_BK,
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
        first_RMK, second_RMK = np.zeros((2, *taste_RMK.shape))
        open_RM, click_RK = np.zeros(taste_RMK.shape[:2]), np.zeros(items_RK.shape)
        for law in self._laws(rows):
            found = law.known(gain_RK, spec.basket_cost, discontent_RK, taste_RMK)
            first_RMK += law.weight * found[0]
            second_RMK += law.weight * found[1]
            open_RM += law.weight * found[2]
            click_RK += law.weight * law.click_BK
        value_RMK = np.nan_to_num(gain_RK, nan=-np.inf)[:, None] + taste_RMK + spec.cart_margin
        with np.errstate(over="ignore"):  # surely not into the cart: exp(-inf) is 0
            carted_RMK = np.exp(-np.exp(-value_RMK))
        units = mean_units(spec.repeat_quantity)
        price_R1K = np.where(items_RK >= 0, self.price_BK[rows], 0.0)[:, None]
        return Known(
            carts_BM=(click_RK[:, None] * carted_RMK).sum(axis=2),
            orders_BM=(first_RMK + second_RMK).sum(axis=2),
            gmv_BM=((units * first_RMK + second_RMK) * price_R1K).sum(axis=2),
            bought_BM=first_RMK.sum(axis=2),
            open_BM=open_RM,
        )

    def _laws(self, rows: NDArray[np.intp] | slice = slice(None)) -> "Iterator[_Law]":
        """How the pages are clicked: a law in closed form, or one for each drawn replicate."""
        behavior, needs = self.behavior, self.needs.rows(rows)
        model, attraction_BK = behavior.click_model, self.attraction_BK[rows]
        # A user's model may inherit from one of these and look otherwise: only they count.
        if type(model) is PositionBased or type(model) is Cascade:
            click_BK = model.click_chances(attraction_BK, behavior.on_phone(needs))
            yield _Law(click_BK, 1.0, one_click=type(model) is Cascade)
            return
        items_BK, real_BK = self.items_BK[rows], self.real_BK[rows]
        for replicate in range(REPLICATES):
            draws = behavior.draws.child(f"expected.{replicate}")
            clicked_BK: Flags = behavior.look(needs, items_BK, attraction_BK, draws)[1] & real_BK
            yield _Law(clicked_BK.astype(np.float64), 1 / REPLICATES, one_click=False)


@dataclass(frozen=True)
class _Law:
    """How pages are clicked.

    Attributes:
        click_BK: chance of a click on each item.
        weight: of this law among all.
        one_click: clicks of a page exclude each other, rather than not depend on each other.
    """

    click_BK: Floats
    weight: float
    one_click: bool

    @property
    def clickless_B(self) -> Floats:
        """(B,) chance of no click at all."""
        if self.one_click:
            return np.asarray(1 - self.click_BK.sum(axis=1))
        return np.asarray((1 - self.click_BK).prod(axis=1))

    def chances(
        self, gain_BK: Floats, second: float, discontent_BK: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """See `choice_chances`."""
        if not self.one_click:
            return choice_chances(self.click_BK, gain_BK, second, discontent_BK)
        bought_BK = np.nan_to_num(expit(gain_BK))
        first_BK = self.click_BK * bought_BK
        stays_BK = self.click_BK * np.nan_to_num(discontent_BK) * (1 - bought_BK)
        return first_BK, np.zeros(first_BK.shape), self.clickless_B + stays_BK.sum(axis=1)

    def known(
        self, gain_BK: Floats, second: float, discontent_BK: Floats, taste_BMK: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """See `known_taste`."""
        if not self.one_click:
            return known_taste(self.click_BK, gain_BK, second, discontent_BK, taste_BMK)
        value_BMK = np.nan_to_num(gain_BK, nan=-np.inf)[:, None] + taste_BMK
        with np.errstate(over="ignore"):
            bought_BMK = np.exp(-np.exp(-value_BMK))
        click_B1K = self.click_BK[:, None]
        stays_BMK = click_B1K * np.nan_to_num(discontent_BK)[:, None] * (1 - bought_BMK)
        first_BMK = click_B1K * bought_BMK
        open_BM = self.clickless_B[:, None] + stays_BMK.sum(axis=2)
        return first_BMK, np.zeros(first_BMK.shape), open_BM


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
