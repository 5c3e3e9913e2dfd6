"""How shoppers react to pages: one vectorised kernel from pages to looks, clicks and choices.

Attraction comes from the perceived utility (what a result card shows), purchases from the true
utility: a multinomial logit over the clicked items against an outside option. Both are built
from structured attributes, traits and keyed draws, never from an embedding that a channel sees.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simulator.arrivals import DAY
from simulator.catalog import Catalog, Ints, ItemTruth
from simulator.clickmodels import Cascade, ClickModel, CustomClickModel, PositionBased
from simulator.plugins import load_object
from simulator.protocols import Index, Pages
from simulator.queries import Intents
from simulator.randomness import Draws
from simulator.shoppers import PHONE, Shoppers
from simulator.spec import Spec

Reals = NDArray[np.float32]
Flags = NDArray[np.bool_]

CHOICES = 3  # a plan's first choice and its fallbacks for items that are gone
_JUDGED_GRADES = 3.0  # best human grade


class BehaviorSpec(Spec):
    """Utilities and thresholds of looking, clicking and buying (in logits)."""

    click_model: Annotated[
        PositionBased | Cascade | CustomClickModel, Field(discriminator="type")
    ] = PositionBased()
    match: float = Field(5.0, ge=0, description="utility of a perfect match with the need")
    unjudged_match: float = Field(
        0.6, ge=0, le=1, description="match of an unjudged item for a judged query, at most"
    )
    quality: float = Field(0.5, ge=0, description="utility of one standard deviation of quality")
    taste: float = Field(0.5, ge=0, description="utility of one standard deviation of taste")
    owned: float = Field(2.0, ge=0, description="utility lost where one has bought the item")
    click_cost: float = Field(5.5, description="perceived utility at which half would click")
    outside: float = Field(9.4, description="utility of buying nothing")
    cart_margin: float = Field(
        1.1, ge=0, description="how far below the outside option an item still goes to the cart"
    )
    basket_cost: float = Field(
        0.7, ge=0, description="extra utility that a second item in one basket needs"
    )
    repeat_quantity: float = Field(
        0.12, ge=0, lt=1, description="chance of one more unit of a bought item"
    )
    satisfaction: float = Field(4.6, description="true utility that satisfies half of the clickers")
    delayed: float = Field(0.1, ge=0, le=1, description="share of purchases that come days later")
    delay_days: float = Field(2.0, gt=0, description="mean delay of those (days)")
    seconds_per_result: float = Field(1.5, ge=0, description="time on an examined result (s)")
    seconds_per_click: float = Field(35.0, ge=0, description="median time on a clicked item (s)")


@dataclass(frozen=True)
class Needs:
    """What stands behind B requests. Latent.

    Attributes:
        shopper_B, session_B, request_B, need_B: keys of the draws: shopper, ordinal of the
            session, of the request in it, of the need in it.
        intent_B: index into intents.
        at_B: simulated seconds.
        owned_BM: items the shopper bought before, -1 padded.
    """

    shopper_B: NDArray[np.int64]
    session_B: NDArray[np.int64]
    request_B: NDArray[np.int64]
    need_B: NDArray[np.int64]
    intent_B: NDArray[np.int64]
    at_B: NDArray[np.float64]
    owned_BM: Ints


@dataclass(frozen=True)
class Reactions:
    """What B shoppers do with their pages.

    Attributes:
        left_B: left before the page came, because it was slow.
        examined_BK, clicked_BK, carted_BK: per slot; carted implies clicked implies examined.
        choices_BC: items worth buying, best first, -1 padded; the plan's fallbacks included.
        slots_BC: slot of each choice.
        wanted_B: how many different items the shopper buys, 0 for none.
        quantity_B: units of the first of them.
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
    wanted_B: NDArray[np.int16]
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
        self.truth = truth
        self.shoppers = shoppers
        self.intents = intents
        self.draws = draws
        self.click_model = _click_model(spec)
        self._reference_I = truth.log_price_C[truth.category_I].astype(np.float32)
        self._shown_quality_I = _standardised(catalog.rating_I)
        self._log_price_I = self._reference_I

    def refresh(self, index: Index) -> None:
        """Shoppers see the prices of the current index."""
        self._log_price_I = np.log(index.price_I).astype(np.float32)

    def match(self, intent_B: NDArray[np.int64], items_BK: Ints) -> Reals:
        """(B, K) match of items with needs, 0 to 1; human grades overrule where they exist."""
        truth, intents = self.truth, self.intents
        wanted_BW = intents.values_QW[intent_B]
        category_B = intents.category_Q[intent_B][:, None]
        item_category_BK = truth.category_I[items_BK]
        same_BK = item_category_BK == category_B
        department_B = np.where(category_B >= 0, truth.department_C[category_B], -1)
        near_BK = truth.department_C[item_category_BK] == department_B
        share_BK = _share_of_wanted(truth.values_IV[items_BK], wanted_BW)
        match_BK = np.where(same_BK, 0.5 + 0.5 * share_BK, near_BK * (0.15 + 0.1 * share_BK))
        brand_B = intents.brand_Q[intent_B][:, None]
        other_brand_BK = (brand_B >= 0) & (truth.brand_I[items_BK] != brand_B)
        match_BK = match_BK * np.where(other_brand_BK, 0.65, 1.0)
        return self._overrule(match_BK.astype(np.float32), intent_B, items_BK)

    def _overrule(self, match_BK: Reals, intent_B: NDArray[np.int64], items_BK: Ints) -> Reals:
        judged_B = self.intents.judged_Q[intent_B]
        rows = np.flatnonzero(judged_B >= 0)
        if not len(rows):
            return match_BK
        grades = self.intents.judgments.grades(
            judged_B[rows], items_BK[rows], len(self.truth.category_I)
        )
        unjudged = match_BK[rows] * np.float32(self.spec.unjudged_match)
        match_BK[rows] = np.where(np.isnan(grades), unjudged, grades / np.float32(_JUDGED_GRADES))
        return match_BK

    def utilities(self, needs: Needs, items_BK: Ints) -> tuple[Reals, Reals]:
        """(B, K) perceived and (B, K) true utility, deterministic parts; padding is arbitrary."""
        spec, truth, shoppers = self.spec, self.truth, self.shoppers
        who_B = needs.shopper_B
        taste_BT = shoppers.tastes(who_B, needs.at_B)
        taste_BK = np.einsum("bt,bkt->bk", taste_BT, truth.vector_IT[items_BK])
        dear_BK = (
            self._log_price_I[items_BK]
            - self._reference_I[items_BK]
            - shoppers.budget_S[who_B][:, None]
        )
        loved_BK = truth.brand_I[items_BK] == shoppers.favourite_S[who_B][:, None]
        loved_BK &= truth.brand_I[items_BK] >= 0
        owned_BK = (items_BK[:, :, None] == needs.owned_BM[:, None, :]).any(axis=2)
        common_BK = (
            np.float32(spec.match) * self.match(needs.intent_B, items_BK)
            + np.float32(spec.taste / np.sqrt(taste_BT.shape[1])) * taste_BK
            - shoppers.sensitivity_S[who_B][:, None] * np.maximum(dear_BK, np.float32(-2.0))
            + shoppers.loyalty_S[who_B][:, None] * loved_BK
            - np.float32(spec.owned) * owned_BK
        )
        shown_BK = common_BK + np.float32(spec.quality) * self._shown_quality_I[items_BK]
        true_BK = common_BK + np.float32(spec.quality) * truth.quality_I[items_BK]
        return shown_BK.astype(np.float32), true_BK.astype(np.float32)

    def react(self, needs: Needs, pages: Pages) -> Reactions:
        """Everything B shoppers do with their pages; a pure function of both and the draws."""
        spec, items_BK = self.spec, pages.items_BK
        left_B = self._waiting(needs) < pages.latency_B
        real_BK = (items_BK >= 0) & ~left_B[:, None]
        shown_BK, true_BK = self.utilities(needs, items_BK)
        attraction_BK = real_BK / (1 + np.exp(np.float32(spec.click_cost) - shown_BK))
        examined_BK, clicked_BK = self.click_model(
            attraction_BK.astype(np.float32),
            self.shoppers.device_S[needs.shopper_B] == PHONE,
            self._uniform("look", needs, np.arange(items_BK.shape[1])),
            self._uniform("click", needs, items_BK),
        )
        examined_BK &= real_BK
        choice = self._choose(needs, items_BK, clicked_BK, true_BK)
        best_B = np.where(clicked_BK, true_BK, -np.inf).max(axis=1)
        content_B = best_B - spec.satisfaction > -_logistic(self._one("content", needs))
        return Reactions(
            left_B=left_B,
            examined_BK=examined_BK,
            clicked_BK=clicked_BK,
            carted_BK=choice.carted_BK,
            choices_BC=choice.items_BC,
            slots_BC=choice.slots_BC,
            wanted_B=choice.wanted_B,
            quantity_B=self._quantity(needs),
            delay_B=self._delay(needs),
            satisfied_B=content_B | (choice.wanted_B > 0),
            dwell_B=self._dwell(needs, examined_BK, clicked_BK),
        )

    def _choose(self, needs: Needs, items_BK: Ints, clicked_BK: Flags, true_BK: Reals) -> "_Choice":
        """Multinomial logit over the clicked items and the outside option, by Gumbel draws."""
        spec = self.spec
        rows, slots = np.nonzero(clicked_BK)
        shock = self.draws.gumbel(
            "buy",
            needs.shopper_B[rows],
            needs.session_B[rows],
            needs.need_B[rows],
            items_BK[rows, slots],
        )
        outside_B = spec.outside + self.draws.gumbel(
            "buy.nothing", needs.shopper_B, needs.session_B, needs.request_B
        )
        gain_BK = np.full(items_BK.shape, -np.inf)
        gain_BK[rows, slots] = true_BK[rows, slots] + shock - outside_B[rows]
        order_BC = np.argsort(-gain_BK, axis=1, kind="stable")[:, :CHOICES]
        gain_BC = np.take_along_axis(gain_BK, order_BC, axis=1)
        worth_BC = gain_BC > 0
        items_BC = np.where(worth_BC, np.take_along_axis(items_BK, order_BC, axis=1), -1)
        wanted_B = worth_BC[:, 0].astype(np.int16)
        if items_BC.shape[1] > 1:
            wanted_B += gain_BC[:, 1] > spec.basket_cost
        return _Choice(
            carted_BK=clicked_BK & (gain_BK > -spec.cart_margin),
            items_BC=items_BC.astype(np.int32),
            slots_BC=order_BC.astype(np.int16),
            wanted_B=wanted_B,
        )

    def _one(self, purpose: str, needs: Needs) -> NDArray[np.float64]:
        return self.draws.uniform(purpose, needs.shopper_B, needs.session_B, needs.request_B)

    def _uniform(self, purpose: str, needs: Needs, slot: NDArray[np.integer]) -> Reals:
        return self.draws.uniform(
            purpose,
            needs.shopper_B[:, None],
            needs.session_B[:, None],
            needs.request_B[:, None],
            slot,
        ).astype(np.float32)

    def _waiting(self, needs: Needs) -> NDArray[np.float64]:
        """How long each shopper would wait for the page (seconds, exponential)."""
        mean_B = self.shoppers.tolerance_S[needs.shopper_B]
        return -np.log(self._one("waiting", needs)) * mean_B

    def _quantity(self, needs: Needs) -> NDArray[np.int16]:
        """Geometric number of units."""
        again = max(self.spec.repeat_quantity, 1e-12)
        more_B = np.floor(np.log(self._one("quantity", needs)) / np.log(again))
        return np.asarray(1 + np.minimum(more_B, 98), np.int16)

    def _delay(self, needs: Needs) -> NDArray[np.float64]:
        """Seconds from decision to purchase: at once for most, exponential days for some."""
        later_B = self._one("delayed", needs) < self.spec.delayed
        days_B = -np.log(self._one("delay", needs)) * self.spec.delay_days
        return np.asarray(later_B * days_B * DAY)

    def _dwell(self, needs: Needs, examined_BK: Flags, clicked_BK: Flags) -> NDArray[np.float64]:
        pace_B = np.exp(
            0.8 * self.draws.normal("pace", needs.shopper_B, needs.session_B, needs.request_B)
        )
        reading_B = self.spec.seconds_per_result * examined_BK.sum(axis=1)
        visiting_B = self.spec.seconds_per_click * clicked_BK.sum(axis=1)
        return np.asarray(2.0 + pace_B * (reading_B + visiting_B))


@dataclass(frozen=True)
class _Choice:
    carted_BK: Flags
    items_BC: Ints
    slots_BC: NDArray[np.int16]
    wanted_B: NDArray[np.int16]


def _click_model(spec: BehaviorSpec) -> ClickModel:
    model = spec.click_model
    if isinstance(model, CustomClickModel):
        made: ClickModel = load_object(model.object, "behavior.click_model.object")(**model.options)
        return made
    return model


def _share_of_wanted(values_BKV: Ints, wanted_BW: Ints) -> Reals:
    """(B, K) share of the wanted values that items have; 1 where nothing is wanted."""
    found_BK = np.zeros(values_BKV.shape[:2], np.float32)
    for column in range(wanted_BW.shape[1]):
        wanted_B = wanted_BW[:, column]
        has_BK = (values_BKV == wanted_B[:, None, None]).any(axis=2)
        found_BK += has_BK & (wanted_B >= 0)[:, None]
    count_B = (wanted_BW >= 0).sum(axis=1).astype(np.float32)
    return np.where(count_B[:, None] > 0, found_BK / np.maximum(count_B, 1)[:, None], 1.0).astype(
        np.float32
    )


def _standardised(values_I: Reals) -> Reals:
    spread = float(values_I.std())
    return np.asarray((values_I - values_I.mean()) / (spread if spread > 0 else 1.0), np.float32)


def _logistic(uniform_B: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.log(uniform_B / (1 - uniform_B)))
