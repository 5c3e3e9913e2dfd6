"""How shoppers react to pages: one vectorised kernel from pages to looks, clicks and choices.

Attraction comes from the perceived utility (what a result card shows), purchases from the true
utility: a multinomial logit over the clicked items against an outside option.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from simulator.behaviour.clickmodels import (
    CheckedClickModel,
    CustomClickModel,
    DynamicBayesian,
    KnownClickModel,
)
from simulator.behaviour.settings import BehaviorSpec
from simulator.behaviour.utility import Utility
from simulator.catalogue.catalog import Catalog, Ints, ItemTruth
from simulator.protocols import DAY, Pages
from simulator.randomness import Draws
from simulator.shoppers.intents import Intents
from simulator.shoppers.needs import Needs
from simulator.shoppers.shoppers import PHONE, Shoppers

Reals = NDArray[np.float32]
Flags = NDArray[np.bool_]

CHOICES = 3  # a plan's first choice and its fallbacks for items that are gone
MOST_ITEMS = 2  # different ones in one basket
MOST_UNITS = 99  # of one item in one order
_AT_LEAST = 2.0  # seconds on any page
_PACE_SIGMA = 0.8  # of the log of how long shoppers take


@dataclass(frozen=True)
class Reactions:
    """What B shoppers do with their pages.

    Attributes:
        left_B: left before the page came, because it was slow.
        examined_BK, clicked_BK, carted_BK: per slot; carted implies clicked implies examined.
        choices_BC: items that may be bought, best first, -1 padded; the plan's fallbacks included.
        slots_BC: slot of each choice.
        worth_B, joins_B: how many of the choices, the best of them, are worth buying; and would be
            bought beside another item. 0 worth buying: nothing is bought. At most `MOST_ITEMS` are;
            where an item is gone, the next choice takes its place if it is among these.
        quantity_B: units of the first item bought.
        delay_B: seconds between the decision and the purchase.
        satisfied_B: the need is met (or given up for good) on this page.
        dwell_B: seconds until the next action.
    """

    left_B: Flags
    examined_BK: Flags
    clicked_BK: Flags
    carted_BK: Flags
    choices_BC: Ints
    slots_BC: NDArray[np.int16]
    worth_B: NDArray[np.int16]
    joins_B: NDArray[np.int16]
    quantity_B: NDArray[np.int16]
    delay_B: NDArray[np.float64]
    satisfied_B: Flags
    dwell_B: NDArray[np.float64]


class Behavior:
    """The behaviour kernel of one world."""

    def __init__(
        self,
        spec: BehaviorSpec,
        catalog: Catalog,
        truth: ItemTruth,
        shoppers: Shoppers,
        intents: Intents,
        draws: Draws,
    ) -> None:
        self.spec = spec
        self.utility = Utility(spec, catalog, truth, shoppers, intents)
        self.shoppers = shoppers
        self.draws = draws
        self.click_model = _click_model(spec)

    def react(
        self, needs: Needs, pages: Pages, worth: tuple[Reals, Reals] | None = None
    ) -> Reactions:
        """Everything B shoppers do with their pages; a pure function of both and the draws.

        Args:
            needs, pages: of B requests.
            worth: perceived and true utility of the pages' items where they are known, see
                `Utility.of`; None: they are computed.
        """
        items_BK = pages.items_BK
        left_B = self._waiting(needs) < pages.latency_B
        real_BK = (items_BK >= 0) & ~left_B[:, None]
        shown_BK, true_BK = self.utility.of(needs, items_BK) if worth is None else worth
        attraction_BK = self.attraction(shown_BK, real_BK)
        satisfies_BK = self._satisfying(needs, items_BK, true_BK)
        looked = self.look(needs, items_BK, attraction_BK, self.draws, satisfies_BK)
        examined_BK, clicked_BK = looked[0] & real_BK, looked[1] & real_BK
        choice = self._choose(needs, items_BK, clicked_BK, true_BK)
        content_B = (clicked_BK & satisfies_BK).any(axis=1)
        return Reactions(
            left_B=left_B,
            examined_BK=examined_BK,
            clicked_BK=clicked_BK,
            carted_BK=choice.carted_BK,
            choices_BC=choice.items_BC,
            slots_BC=choice.slots_BC,
            worth_B=choice.worth_B,
            joins_B=choice.joins_B,
            quantity_B=self._quantity(needs),
            delay_B=self._delay(needs),
            satisfied_B=content_B | (choice.worth_B > 0),
            dwell_B=self._dwell(needs, examined_BK, clicked_BK),
        )

    def attraction(self, shown_BK: Reals, real_BK: Flags) -> Reals:
        """(B, K) chance of a click on an examined result of this perceived utility; 0 if unreal."""
        attraction_BK = real_BK * expit(shown_BK - np.float32(self.spec.click_cost))
        return np.asarray(attraction_BK, np.float32)

    def on_phone(self, needs: Needs) -> Flags:
        """(B,) whether the page is seen on a phone."""
        return np.asarray(self.shoppers.device_S[needs.shopper_B] == PHONE)

    def look(
        self,
        needs: Needs,
        items_BK: Ints,
        attraction_BK: Reals,
        draws: Draws,
        satisfies_BK: Flags | None = None,
    ) -> tuple[Flags, Flags]:
        """(B, K) examined and (B, K) clicked with the luck of `draws`.

        The luck of a look belongs to the item, as that of a click does: an item that another page
        shows elsewhere keeps it, so worlds that differ in their pages stay closely paired.

        Args:
            needs, items_BK: of B pages.
            attraction_BK: see `attraction`.
            draws: of looks and clicks.
            satisfies_BK: whether the item would satisfy whoever clicks it.
        """
        look_BK = _uniform(draws, "look", needs, items_BK)
        click_BK = _uniform(draws, "click", needs, items_BK)
        asked = attraction_BK, self.on_phone(needs), look_BK, click_BK
        if isinstance(self.click_model, DynamicBayesian):
            return self.click_model(*asked, satisfies_BK)
        return self.click_model(*asked)

    def _satisfying(self, needs: Needs, items_BK: Ints, true_BK: Reals) -> Flags:
        """(B, K) whether an item would satisfy whoever clicks it.

        How much is asked of a page is one luck for all its items, so the best of what was clicked
        decides. Where satisfaction ends the reading, each item has its own.
        """
        if isinstance(self.click_model, DynamicBayesian):
            keys = needs.shopper_B, needs.session_B, needs.request_B
            luck_BK = self.draws.uniform("content.item", *(key[:, None] for key in keys), items_BK)
        else:
            luck_BK = self._one("content", needs)[:, None]
        return np.asarray(true_BK - self.spec.satisfaction > -_logistic(luck_BK))

    def tastes(self, needs: Needs, items_BK: Ints, draws: Draws) -> NDArray[np.float64]:
        """(B, K) taste shocks (Gumbel, logits): an item keeps its own through a whole need."""
        return draws.gumbel(
            "buy",
            needs.shopper_B[:, None],
            needs.session_B[:, None],
            needs.need_B[:, None],
            items_BK,
        )

    def _choose(self, needs: Needs, items_BK: Ints, clicked_BK: Flags, true_BK: Reals) -> "_Choice":
        """Multinomial logit over the clicked items and the outside option, by Gumbel draws.

        Whether a second item joins the first is decided anew, with another outside option.
        """
        spec = self.spec
        rows, slots = np.nonzero(clicked_BK)
        shock = self.tastes(needs.rows(rows), items_BK[rows, slots][:, None], self.draws)[:, 0]
        keys = needs.shopper_B, needs.session_B, needs.request_B
        nothing_B = self.draws.gumbel("buy.nothing", *keys)
        no_more_B = spec.basket_cost + self.draws.gumbel("buy.no_more", *keys)
        value_BK = np.full(items_BK.shape, -np.inf)
        value_BK[rows, slots] = true_BK[rows, slots] + shock - spec.outside
        order_BC = np.argsort(-value_BK, axis=1, kind="stable")[:, :CHOICES]
        value_BC = np.take_along_axis(value_BK, order_BC, axis=1)
        worth_BC, joins_BC = value_BC > nothing_B[:, None], value_BC > no_more_B[:, None]
        buys_B1 = worth_BC[:, :1]
        items_BC = np.take_along_axis(items_BK, order_BC, axis=1)
        carts_BC = np.zeros(order_BC.shape, np.bool_)
        carts_BC[:, :1] = value_BC[:, :1] > nothing_B[:, None] - spec.cart_margin
        carts_BC[:, 1:MOST_ITEMS] = buys_B1 & joins_BC[:, 1:MOST_ITEMS]
        carted_BK = np.zeros(items_BK.shape, np.bool_)
        np.put_along_axis(carted_BK, order_BC, carts_BC, axis=1)
        return _Choice(
            carted_BK=carted_BK,
            items_BC=np.where(buys_B1 & (worth_BC | joins_BC), items_BC, -1).astype(np.int32),
            slots_BC=order_BC.astype(np.int16),
            worth_B=worth_BC.sum(axis=1, dtype=np.int16),
            joins_B=joins_BC.sum(axis=1, dtype=np.int16),
        )

    def _one(self, purpose: str, needs: Needs) -> NDArray[np.float64]:
        return self.draws.uniform(purpose, needs.shopper_B, needs.session_B, needs.request_B)

    def _waiting(self, needs: Needs) -> NDArray[np.float64]:
        """How long each shopper would wait for the page (seconds, exponential)."""
        mean_B = self.shoppers.tolerance_S[needs.shopper_B]
        return -np.log(self._one("waiting", needs)) * mean_B

    def _quantity(self, needs: Needs) -> NDArray[np.int16]:
        """Geometric number of units."""
        again = max(self.spec.repeat_quantity, 1e-12)
        more_B = np.floor(np.log(self._one("quantity", needs)) / np.log(again))
        return np.asarray(1 + np.minimum(more_B, MOST_UNITS - 1), np.int16)

    def _delay(self, needs: Needs) -> NDArray[np.float64]:
        """Seconds from decision to purchase: at once for most, exponential days for some."""
        later_B = self._one("delayed", needs) < self.spec.delayed
        days_B = -np.log(self._one("delay", needs)) * self.spec.delay_days
        return np.asarray(later_B * days_B * DAY)

    def dwells_beyond(
        self, seconds: float, examined_BK: Flags, clicked_BK: Flags
    ) -> NDArray[np.float64]:
        """(B,) chance that the next action comes later than after so many seconds."""
        usual_B = self._usual_dwell(examined_BK, clicked_BK)
        with np.errstate(divide="ignore"):  # nothing was looked at: never
            return np.asarray(ndtr(np.log(usual_B / (seconds - _AT_LEAST)) / _PACE_SIGMA))

    def mean_dwell(
        self, examined_B: NDArray[np.float64], clicked_B: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(B,) mean time on a page of which so much is examined and clicked (seconds)."""
        usual_B = self._usual_dwell(examined_B[:, None], clicked_B[:, None])
        return np.asarray(_AT_LEAST + np.exp(_PACE_SIGMA**2 / 2) * usual_B)

    def _dwell(self, needs: Needs, examined_BK: Flags, clicked_BK: Flags) -> NDArray[np.float64]:
        luck_B = self.draws.normal("pace", needs.shopper_B, needs.session_B, needs.request_B)
        usual_B = self._usual_dwell(examined_BK, clicked_BK)
        return np.asarray(_AT_LEAST + np.exp(_PACE_SIGMA * luck_B) * usual_B)

    def _usual_dwell(
        self, examined_BK: NDArray[Any], clicked_BK: NDArray[Any]
    ) -> NDArray[np.float64]:
        """(B,) median time on a page and the items visited from it (seconds)."""
        reading_B = self.spec.seconds_per_result * examined_BK.sum(axis=1)
        return np.asarray(reading_B + self.spec.seconds_per_click * clicked_BK.sum(axis=1))


@dataclass(frozen=True)
class _Choice:
    carted_BK: Flags
    items_BC: Ints
    slots_BC: NDArray[np.int16]
    worth_B: NDArray[np.int16]
    joins_B: NDArray[np.int16]


def _click_model(spec: BehaviorSpec) -> KnownClickModel | CheckedClickModel:
    model = spec.click_model
    if isinstance(model, CustomClickModel):
        return model.made()
    return model


def _uniform(draws: Draws, purpose: str, needs: Needs, slot: NDArray[np.integer]) -> Reals:
    return draws.uniform(
        purpose,
        needs.shopper_B[:, None],
        needs.session_B[:, None],
        needs.request_B[:, None],
        slot,
    ).astype(np.float32)


def _logistic(uniform_B: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.log(uniform_B / (1 - uniform_B)))
