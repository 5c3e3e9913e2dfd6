"""What an item is worth to a shopper with a need: perceived on the page, and in truth.

Both are built from structured attributes, traits and idiosyncratic noise, never from an embedding
that a channel can see. Human grades, where there are any, are the truth of the match.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.behaviour.settings import UtilitySpec
from simulator.catalogue.catalog import Catalog, Ints, ItemTruth
from simulator.protocols import Index
from simulator.shoppers.intents import Intents
from simulator.shoppers.needs import Needs
from simulator.shoppers.shoppers import Shoppers

Reals = NDArray[np.float32]

_BEST_GRADE = np.float32(3.0)
# Parts of a match, uncalibrated: the right category is half of it and the wanted values the other
# half; a neighbouring category of the department has a little; another brand than the wanted one
# takes a third away.
_CATEGORY, _VALUES = 0.5, 0.5
_NEAR_CATEGORY, _NEAR_VALUES = 0.15, 0.1
_OTHER_BRAND = 0.65
_CHEAPEST = np.float32(-2.0)  # below e^-2 of the budget, cheaper is no better


class Utility:
    """The utilities of one world."""

    def __init__(
        self,
        spec: UtilitySpec,
        catalog: Catalog,
        truth: ItemTruth,
        shoppers: Shoppers,
        intents: Intents,
    ) -> None:
        self.spec = spec
        self.truth = truth
        self.shoppers = shoppers
        self.intents = intents
        self._reference_I = truth.log_price_C[truth.category_I].astype(np.float32)
        self._shown_quality_I = standardised(catalog.rating_I)
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
        share_BK = _share_of_wanted(truth.values_IV, items_BK, wanted_BW)
        match_BK = np.where(
            same_BK,
            _CATEGORY + _VALUES * share_BK,
            near_BK * (_NEAR_CATEGORY + _NEAR_VALUES * share_BK),
        )
        brand_B = intents.brand_Q[intent_B][:, None]
        other_brand_BK = (brand_B >= 0) & (truth.brand_I[items_BK] != brand_B)
        match_BK = match_BK * np.where(other_brand_BK, _OTHER_BRAND, 1.0)
        return self._overrule(match_BK.astype(np.float32), intent_B, items_BK)

    def of_kind(self, intent_B: NDArray[np.int64], items_BK: Ints) -> NDArray[np.bool_]:
        """(B,) whether a page shows anything of the wanted kind, with or without its values.

        Items of a related kind match less than that, and so do those that people grade irrelevant.
        """
        match_BK = self.match(intent_B, items_BK) * (items_BK >= 0)
        return np.asarray((match_BK > _NEAR_CATEGORY + _NEAR_VALUES).any(axis=1))

    def _overrule(self, match_BK: Reals, intent_B: NDArray[np.int64], items_BK: Ints) -> Reals:
        judged_B = self.intents.judged_Q[intent_B]
        rows = np.flatnonzero(judged_B >= 0)
        if not len(rows):
            return match_BK
        grades = self.intents.judgments.grades(
            judged_B[rows], items_BK[rows], len(self.truth.category_I)
        )
        unjudged = match_BK[rows] * np.float32(self.spec.unjudged_match)
        match_BK[rows] = np.where(np.isnan(grades), unjudged, grades / _BEST_GRADE)
        return match_BK

    def of(self, needs: Needs, items_BK: Ints) -> tuple[Reals, Reals]:
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
        owned_BK = _owned(items_BK, needs.owned_BM)
        common_BK = (
            np.float32(spec.match) * self.match(needs.intent_B, items_BK)
            + np.float32(spec.taste / np.sqrt(taste_BT.shape[1])) * taste_BK
            - shoppers.sensitivity_S[who_B][:, None] * np.maximum(dear_BK, _CHEAPEST)
            + shoppers.loyalty_S[who_B][:, None] * loved_BK
            - np.float32(spec.owned) * owned_BK
        )
        shown_BK = common_BK + np.float32(spec.quality) * self._shown_quality_I[items_BK]
        true_BK = common_BK + np.float32(spec.quality) * truth.quality_I[items_BK]
        return shown_BK.astype(np.float32), true_BK.astype(np.float32)


@njit(cache=True, nogil=True)
def _owned(items_BK: Any, owned_BM: Any) -> Any:  # pragma: no cover
    """(B, K) whether an item is among those that the shopper has."""
    owned_BK = np.zeros(items_BK.shape, np.bool_)
    for b in range(items_BK.shape[0]):
        for k in range(items_BK.shape[1]):
            for m in range(owned_BM.shape[1]):
                owned_BK[b, k] |= items_BK[b, k] == owned_BM[b, m]
    return owned_BK


@njit(cache=True, nogil=True)
def _share_of_wanted(values_IV: Any, items_BK: Any, wanted_BW: Any) -> Any:  # pragma: no cover
    """(B, K) share of the wanted values that items have; 1 where nothing is wanted."""
    share_BK = np.ones(items_BK.shape, np.float32)
    for b in range(items_BK.shape[0]):
        wanted = 0
        for w in range(wanted_BW.shape[1]):
            wanted += wanted_BW[b, w] >= 0
        for k in range(items_BK.shape[1] if wanted else 0):
            found = 0
            for w in range(wanted_BW.shape[1]):
                for v in range(values_IV.shape[1]):
                    if wanted_BW[b, w] >= 0 and values_IV[items_BK[b, k], v] == wanted_BW[b, w]:
                        found += 1
                        break
            share_BK[b, k] = np.float32(found) / np.float32(wanted)
    return share_BK


def standardised(values_I: Reals) -> Reals:
    """The same values with mean 0 and standard deviation 1; all 0 where they do not differ."""
    spread = float(values_I.std())
    return np.asarray((values_I - values_I.mean()) / (spread if spread > 0 else 1.0), np.float32)
