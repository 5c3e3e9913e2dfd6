"""What expected purchases lose because an item is gone, or too few are left, when they are made.

A world's stock is what its own shoppers have left. Whether an item is there at the moment of a
purchase does not depend on that purchase, so given the stock of that moment the chance of every
choice is known: items that are gone are passed over for the next best, and of the first choice no
more units are sold than there are. What the session itself has really bought since the need began
is put back on the shelf: on the path that is followed the need is still open.

Exact given what others left, but for what is small where little is lost: tastes that last make all
items of a later page rarer alike; others do what they did although this session has not bought; and
a session that lost its purchase counts as one that bought when its next need adds to `bought`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from simulator.behaviour.behavior import MOST_UNITS, Behavior
from simulator.behaviour.clicklaws import Independent, Law
from simulator.behaviour.clickmodels import CheckedClickModel
from simulator.behaviour.expectation import Outlook, Prospect, basket_of
from simulator.behaviour.settings import BehaviorSpec
from simulator.catalogue.catalog import Ints
from simulator.following.paths import Paths
from simulator.living.market import Market
from simulator.living.sessions import IDLE_SECONDS
from simulator.living.shelves.stock import StockTrace
from simulator.protocols import DAY

Floats = NDArray[np.float64]

DELAYS = 0.25
"""Share of the purchases that may come days later whose stock is looked up, each for the others."""


@dataclass(frozen=True)
class Intended:
    """R pages whose purchases are still to be made, in the order in which they were planned.

    Attributes:
        at_R: when they are made, simulated seconds.
        weight_R: chance of coming to the page in time, and of buying at that moment if at all.
        unbought_R: share of the weight in which the session has bought nothing before.
        since_R: when the need behind it began.
        session_R, shopper_R, visit_R: whose they are.
        category_R: what is wanted.
        items_RK: the page.
        phone_R: whether it is seen on a phone.
        attraction_RK, clicks_RK: chance of a click on an item that is looked at, and of a click.
        gains_RK: true utility less that of the outside option.
        first_RK, second_RK: chances of the choices where all is there.
        price_RK: price when the page was seen.
        part_RC: parts of the requests; see `simulator.following.split`.
    """

    at_R: Floats
    weight_R: Floats
    unbought_R: Floats
    since_R: Floats
    session_R: NDArray[np.int64]
    shopper_R: NDArray[np.int64]
    visit_R: NDArray[np.int64]
    category_R: Ints
    items_RK: Ints
    phone_R: NDArray[np.bool_]
    attraction_RK: NDArray[np.float32]
    clicks_RK: Floats
    gains_RK: Floats
    first_RK: Floats
    second_RK: Floats
    price_RK: Floats
    part_RC: Ints

    def rows(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Intended":
        """A selection of the pages."""
        return Intended(*(getattr(self, column.name)[rows] for column in fields(self)))

    @classmethod
    def joined(cls, parts: "Sequence[Intended]") -> "Intended":
        """Several below each other, as wide as the widest; there must be one."""
        slots = max(part.items_RK.shape[1] for part in parts)

        def wide(column: NDArray[Any], name: str) -> NDArray[Any]:
            if column.ndim == 1 or name == "part_RC" or column.shape[1] == slots:
                return column
            padding = -1 if name == "items_RK" else 0
            return np.pad(column, ((0, 0), (0, slots - column.shape[1])), constant_values=padding)

        names = [column.name for column in fields(cls)]
        return cls(
            *(np.concatenate([wide(getattr(part, name), name) for part in parts]) for name in names)
        )


@dataclass(frozen=True)
class Missed:
    """What is lost of R pages' purchases, weighted: items, baskets, money, the chance to buy."""

    orders_R: Floats
    baskets_R: Floats
    gmv_R: Floats
    bought_R: Floats


def missed(intended: Intended, trace: StockTrace, market: Market, behavior: Behavior) -> Missed:
    """What purchases lose against a shop in which everything is there, at the prices then seen.

    Args:
        intended: pages whose moment lies within the trace.
        trace: stock between two refreshes.
        market: prices of that time, and which items are on sale.
        behavior: how pages are clicked, and what is bought of them; clicks of a user's own click
            model are taken as if they did not depend on each other.
    """
    spec = behavior.spec
    items_RK, catalog = intended.items_RK, market.supply.catalog
    at_R1 = intended.at_R[:, None]
    left_RK = trace.at(items_RK, intended.at_R)
    own = intended.session_R, items_RK, intended.since_R, intended.at_R
    left_RK = left_RK + trace.sold_to(*own)
    on_sale_RK = (catalog.created_at_I[items_RK] <= at_R1) & (
        at_R1 < catalog.retired_at_I[items_RK]
    )
    left_RK = np.where(on_sale_RK & (items_RK >= 0), left_RK, 0)
    first_RK, second_RK = intended.first_RK.copy(), intended.second_RK.copy()
    gone_RK = (left_RK == 0) & (intended.clicks_RK > 0)
    short = np.flatnonzero(gone_RK.any(axis=1))
    first_RK[gone_RK], second_RK[gone_RK] = 0.0, 0.0
    if len(short):
        some = intended.rows(short)
        # It is clicked as if it were there, and passed over for the next best of what was clicked.
        gain_SK = np.where(gone_RK[short], -np.inf, some.gains_RK)
        discontent_SK = expit(spec.satisfaction - spec.outside - some.gains_RK)
        law = _law(behavior, some, discontent_SK)
        found = law.chances(gain_SK, basket_of(spec), discontent_SK)
        first_RK[short], second_RK[short] = found.first_BK, found.second_BK
    units_RK = mean_units_of(spec.repeat_quantity, left_RK)
    everything = mean_units_of(spec.repeat_quantity, np.array(MOST_UNITS))
    price_RK = market.price_I[items_RK]
    planned_RK = (everything * intended.first_RK + intended.second_RK) * intended.price_RK
    sold_RK = (units_RK * first_RK + second_RK) * price_RK
    first_R = (intended.first_RK - first_RK).sum(axis=1)
    return Missed(
        orders_R=intended.weight_R * (first_R + (intended.second_RK - second_RK).sum(axis=1)),
        baskets_R=intended.weight_R * first_R,
        gmv_R=intended.weight_R * (planned_RK - sold_RK).sum(axis=1),
        bought_R=intended.weight_R * intended.unbought_R * first_R,
    )


def _law(behavior: Behavior, pages: Intended, discontent_RK: Floats) -> Law:
    """How these pages are clicked."""
    model = behavior.click_model
    if isinstance(model, CheckedClickModel):
        return Independent(pages.clicks_RK)
    return model.law(pages.attraction_RK, pages.phone_R, discontent_RK)


def mean_units_of(repeat_quantity: float, left: NDArray[np.integer]) -> Floats:
    """Mean units of the first item bought where so many are left: geometric, cut off there."""
    most = np.minimum(left, MOST_UNITS).astype(np.float64)
    return np.asarray((1 - repeat_quantity**most) / (1 - repeat_quantity))


def decided(at_B: Floats, latency_B: NDArray[np.float32], prospect: Prospect) -> Floats:
    """(B,) when shoppers have made up their minds, about: the time on a page is its mean."""
    return at_B + latency_B + np.minimum(prospect.dwell_B, IDLE_SECONDS)


def in_time(spec: BehaviorSpec, left_B: Floats) -> Floats:
    """(B,) chance that what is decided so long before the end of the period is bought by then.

    Args:
        spec: how many purchases come days later, and how many.
        left_B: seconds.
    """
    late_B = spec.delayed * np.exp(-np.maximum(left_B, 0.0) / (spec.delay_days * DAY))
    return np.where(left_B > 0, 1 - late_B, 0.0)


def intended(
    outlook: Outlook,
    prospect: Prospect,
    paths: Paths,
    weight_B: Floats,
    at_B: Floats,
    category_B: Ints,
    part_BC: Ints,
) -> Intended:
    """The purchases of B pages.

    Args:
        outlook: of the pages.
        prospect: the chances of clicks and choices.
        paths: that come to them.
        weight_B, at_B, category_B, part_BC: see `Intended`.
    """
    return Intended(
        at_R=at_B,
        weight_R=weight_B,
        unbought_R=paths.unbought_N,
        since_R=paths.since_N,
        session_R=paths.sessions.id_N,
        shopper_R=outlook.needs.shopper_B,
        visit_R=paths.visit_N,
        category_R=category_B,
        items_RK=outlook.items_BK,
        phone_R=outlook.behavior.on_phone(outlook.needs),
        attraction_RK=outlook.attraction_BK,
        clicks_RK=prospect.click_BK,
        gains_RK=outlook.gain_BK,
        first_RK=prospect.first_BK,
        second_RK=prospect.second_BK,
        price_RK=outlook.price_BK,
        part_RC=part_BC,
    )
