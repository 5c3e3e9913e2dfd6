"""Rewards that the log tells: what became of an id's items, in events, money and prefixes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cqsid.rewards.reward import Component, Floats, Samples
from cqsid.rewards.shop import Shop
from cqsid.tokenizer.ids import SemanticIds
from simulator.catalogue.catalog import Ints
from simulator.errors import ConfigError

if TYPE_CHECKING:  # they load numba, which readers of settings do not need
    from cqsid.rewards.logged import Logged
    from recall.arrays import Ragged

Aggregate = Literal["mean", "max"]
Places = NDArray[np.int64]


def row_of(lists: Ragged) -> Places:
    """(E,) the list that each value belongs to."""
    return np.repeat(np.arange(len(lists)), lists.lengths)


def sums_behind(
    sid_BG: Ints, row_E: Places, sid_E: Ints, amount_E: NDArray[np.float64] | float = 1.0
) -> NDArray[np.float64]:
    """(B, G) the summed amounts of a request's events whose item has the id; 0 for an id of -1.

    Args:
        sid_BG: the ids.
        row_E: request of each event, 0 to B - 1.
        sid_E: id of its item, -1 where it has none.
        amount_E: what each event counts.
    """
    known_E = sid_E >= 0
    width = max(int(sid_E.max(initial=0)), int(sid_BG.max(initial=0))) + 1
    keys, event_E = np.unique(row_E[known_E] * width + sid_E[known_E], return_inverse=True)
    amounts = np.broadcast_to(amount_E, sid_E.shape)[known_E]
    total = np.append(np.bincount(event_E, amounts, minlength=len(keys)), 0.0)
    wanted_BG = np.arange(len(sid_BG))[:, None] * width + sid_BG
    at_BG = np.searchsorted(keys, wanted_BG)
    found_BG = (np.append(keys, -1)[at_BG] == wanted_BG) & (sid_BG >= 0)
    return np.where(found_BG, total[at_BG], 0.0)


def columns_of(wanted_BM: Ints, held_BN: Ints) -> Places:
    """(B, M) column at which a row of `held_BN` holds each wanted item; -1 where it does not.

    Args:
        wanted_BM: items, -1 for none.
        held_BN: distinct items of each row, -1 padded.
    """
    if not held_BN.size or not wanted_BM.size:
        return np.full(wanted_BM.shape, -1, np.int64)
    width = max(int(wanted_BM.max()), int(held_BN.max()), 0) + 1
    start_B1 = np.arange(len(held_BN))[:, None] * width
    key_H = np.where(held_BN >= 0, start_B1 + held_BN, -1).ravel()
    by_key = np.argsort(key_H, kind="stable")
    wanted_BM = np.where(wanted_BM >= 0, start_B1 + wanted_BM, -2)
    at_BM = np.minimum(np.searchsorted(key_H[by_key], wanted_BM), len(key_H) - 1)
    found_BM = key_H[by_key][at_BM] == wanted_BM
    return np.where(found_BM, by_key[at_BM] % held_BN.shape[1], -1)


def aggregated(
    values_BGK: NDArray[np.floating], items_BGK: Ints, how: Aggregate = "mean"
) -> tuple[Floats, NDArray[np.bool_]]:
    """(B, G) mean or greatest value of an id's items, 0 without items; and whether it has any."""
    held_BGK = items_BGK >= 0
    any_BG = np.asarray(held_BGK.any(axis=2))
    if how == "max":
        most_BG = np.where(held_BGK, values_BGK, -np.inf).max(axis=2, initial=-np.inf)
        return np.where(any_BG, most_BG, 0).astype(np.float32), any_BG
    sum_BG = np.where(held_BGK, values_BGK, 0).sum(axis=2, dtype=np.float64)
    number_BG = np.maximum(held_BGK.sum(axis=2), 1)
    return np.asarray(sum_BG / number_BG, np.float32), any_BG


class LogReward(Component):
    """The best that happened in this request to any item of the id; the first match wins.

    bought, clicked, exposed, then: nothing of it on sale, existing, invalid. The defaults are
    those of EG-GRPO (arXiv 2605.14434). VARG's are bought 3, clicked 1, exposed 0.1, empty -1,
    invalid -2; what an id is worth there that exists and was not shown is not told (existing 0).
    """

    type: Literal["log"] = "log"
    bought: float = Field(1.0, description="an item of the id was bought")
    clicked: float = Field(1.0, description="an item of it was clicked")
    exposed: float = Field(0.5, description="an item of it was shown")
    empty: float | None = Field(
        None, description="the id exists, and none of its items is on sale; None: as existing"
    )
    existing: float = Field(0.1, description="any other id that exists")
    invalid: float = Field(0.0, description="no item has the id")

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) one of the tiers each."""
        existing_BG = samples.sid_BG >= 0
        tiers = [
            (_holds(logged.bought, samples, shop), self.bought),
            (_holds(logged.clicked, samples, shop), self.clicked),
            (_holds(logged.exposed, samples, shop), self.exposed),
            (existing_BG, self.existing),
        ]
        if self.empty is not None:
            nothing_BG = shop.items(samples.sid_BG, 1)[..., 0] < 0
            tiers.insert(3, (existing_BG & nothing_BG, self.empty))
        holds, values = zip(*tiers, strict=True)
        return np.asarray(np.select(holds, values, self.invalid), np.float32)


def _holds(items: Ragged, samples: Samples, shop: Shop) -> NDArray[np.bool_]:
    """(B, G) whether one of the request's items has the id."""
    return sums_behind(samples.sid_BG, row_of(items), shop.ids.sid_I[items.values]) > 0


class ValueReward(Component):
    """The sum over the request's bought and clicked items that have the id, in mean prices.

    A bought item counts bought * units * (price / mean price) ** power, an item clicked and not
    bought clicked * (price / mean price) ** power. Prices are those of the index, their mean is
    over the catalogue. A log tells the money of a request as a whole, so units = what the request
    spent over the sum of the prices of what it bought. With power 1 and clicked 0 the values of
    all ids of a request sum to what it spent, over the mean price: its GMV.
    """

    type: Literal["value"] = "value"
    bought: float = Field(1.0, description="what a bought item counts, before its price")
    clicked: float = Field(0.1, description="the same for an item clicked and not bought")
    power: float = Field(
        1.0, ge=0, description="power of the price: 0 counts purchases, 1 money (GMV)"
    )

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) worth of what became of each id's items, 0 where nothing did."""
        price_I = shop.index.price_I
        worth_I = (price_I / price_I.mean()) ** self.power
        row_E, item_E = row_of(logged.bought), logged.bought.values
        price_B = np.bincount(row_E, price_I[item_E], minlength=len(logged))
        units_B = np.divide(logged.spent_B, price_B, out=np.ones(len(logged)), where=price_B > 0)
        amount_E = self.bought * units_B[row_E] * worth_I[item_E]
        values_BG = sums_behind(samples.sid_BG, row_E, shop.ids.sid_I[item_E], amount_E)
        row_F, item_F = _only_clicked(logged, len(price_I))
        amount_F = self.clicked * worth_I[item_F]
        values_BG += sums_behind(samples.sid_BG, row_F, shop.ids.sid_I[item_F], amount_F)
        return values_BG.astype(np.float32)


def _only_clicked(logged: Logged, n_items: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Request and item of every item that was clicked and not bought."""

    def keys(items: Ragged) -> NDArray[np.int64]:
        return np.asarray(row_of(items) * n_items + items.values)

    kept_F = ~np.isin(keys(logged.clicked), keys(logged.bought))
    return row_of(logged.clicked)[kept_F], logged.clicked.values[kept_F]


class CoverageReward(Component):
    """Share of the request's exposed items that have the id, 0 to 1; 0 if nothing was exposed.

    The page-view recall of CQ-SID's evaluation (pvr@10), of one id. An item without an id is
    covered by none and still counts as exposed.
    """

    type: Literal["coverage"] = "coverage"
    marginal: bool = Field(
        False,
        description="divide an item among the group's ids that hold it, so that a group's values "
        "sum to what it covers as a whole; an item has one id, so these are repeats of that id",
    )

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) share."""
        exposed = logged.exposed
        held_BG = sums_behind(samples.sid_BG, row_of(exposed), shop.ids.sid_I[exposed.values])
        share_BG = held_BG / np.maximum(exposed.lengths, 1)[:, None]
        if self.marginal:
            same_BGG = samples.sid_BG[:, :, None] == samples.sid_BG[:, None, :]
            share_BG /= same_BGG.sum(axis=2)
        return share_BG.astype(np.float32)


def right_prefixes(codes_BGL: Ints, targets: Ragged, ids: SemanticIds) -> NDArray[np.bool_]:
    """(B, G, L) whether the codes through each level are those of one of the request's items.

    Right at a level means right at all levels before it, of one and the same item. Codes need not
    be of an id that exists.

    Args:
        codes_BGL: codes of ids.
        targets: items of each of the B requests; one without an id makes nothing right.
        ids: ids of the items.
    """
    target_BTL = _target_codes(targets, ids)
    same_BGTL = codes_BGL[:, :, None] == target_BTL[:, None]
    same_BGTL &= (target_BTL >= 0)[:, None]
    right_BGTL = np.logical_and.accumulate(same_BGTL, axis=3)
    return np.asarray(right_BGTL.any(axis=2))


def _target_codes(targets: Ragged, ids: SemanticIds) -> Ints:
    """(B, T, L) the distinct ids of each request's items, -1 padded, T as few as possible."""
    row_E = np.repeat(np.arange(len(targets)), targets.lengths)
    sid_E = ids.sid_I[targets.values]
    known_E, number = sid_E >= 0, len(ids.sids_SL)
    keys = np.unique(row_E[known_E] * number + sid_E[known_E])
    row_K, sid_K = np.divmod(keys, max(number, 1))
    place_K = np.arange(len(keys)) - np.searchsorted(row_K, row_K)
    out_BTL = np.full((len(targets), place_K.max(initial=-1) + 1, ids.levels), -1, np.int32)
    out_BTL[row_K, place_K] = ids.sids_SL[sid_K]
    return out_BTL


class PrefixReward(Component):
    """The sum of the weights of the levels through which the id agrees with a target item's.

    With `credit = "level"` each code is rewarded by itself, with the weight of its level if all
    codes through it agree (as the step rewards of TaoSR-SHE and the prefixes of VARG; weights
    are theirs to set, equal ones are our default).
    """

    type: Literal["prefix"] = "prefix"
    targets: Literal["clicked", "bought", "exposed"] = Field(
        "clicked", description="whose ids are right: items of the request of this kind"
    )
    level_weights: tuple[float, ...] = Field(
        (), description="what each level counts, one number for each; none: equal, 1 in all"
    )

    def check_shop(self, shop: Shop, place: str) -> None:
        """Refuse weights of another number of levels.

        Raises:
            ConfigError: with the settings' place.
        """
        super().check_shop(shop, place)
        found, wanted = len(self.level_weights), shop.ids.levels
        if found not in (0, wanted):
            raise ConfigError(f"{place}.level_weights == {found} numbers, must be {wanted} or none")

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) sum over the levels."""
        return np.asarray(self.levels(logged, samples, shop).sum(axis=2))

    def levels(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G, L) weight of the level where the prefix through it agrees, else 0."""
        levels, items = shop.ids.levels, getattr(logged, self.targets)
        weight_L = np.array(self.level_weights or (1 / levels,) * levels, np.float32)
        return right_prefixes(samples.codes_BGL, items, shop.ids) * weight_L
