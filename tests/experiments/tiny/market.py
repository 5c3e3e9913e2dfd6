"""A market small enough to enumerate, in the simulator.

Six items, three needs, three types of shoppers, channels with fixed answers and a ranker that
scores an item by the text alone. As it is, a session has one request (values by hand in values.py):
there is no next page and no rewording, and whoever has clicked stays away for longer than a session
lasts (the simulator lets a share of sessions go on with another need; this ends them before). Stock
is endless, prices stand still, nothing is learned and what one owns does not matter, so visits are
independent. Options give needs several pages, a second wording and a shelf that empties (values by
hand in needs.py and shelves.py).

Utilities and waiting times are multiples of 1/16: the simulator's single precision holds them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.running.worlds import OpenWorld
from ranking.funnel import Funnel
from ranking.recallstage import RecallStage
from ranking.settings import FunnelSpec
from recall.candidates import Candidates
from recall.latency import LatencySpec
from recall.settings import MergeSpec
from simulator.behaviour.clickmodels import (
    Cascade,
    DynamicBayesian,
    KnownClickModel,
    PositionBased,
    UserBrowsing,
)
from simulator.behaviour.settings import BehaviorSpec
from simulator.catalogue.catalog import Catalog, ItemTruth, Supply
from simulator.living.settings import ArrivalSpec, MarketSpec, Promotion, SessionSpec, WorldSpec
from simulator.living.world import Population, World
from simulator.log.eventlog import EventLog
from simulator.randomness import Draws
from simulator.shoppers.demand import NO_JUDGMENTS
from simulator.shoppers.intents import Intents, Wording
from simulator.shoppers.shoppers import Shoppers

DAYS = 2  # nobody comes on the second one: late purchases arrive
SLOTS = 3  # of the funnel; a type may see fewer
BASE_S, PER_ITEM_S = 0.25, 0.0625  # a page takes the longer, the more was found
DEADLINE_S = 1.5

PRICE_I = np.array([10.0, 40.0, 15.0, 60.0, 25.0, 8.0])
CATEGORY_I = (0, 0, 0, 1, 1, 1)
VALUES_I = ((1,), (), (2,), (1,), (), (2,))
BRAND_I = (0, 1, -1, 0, 1, 1)
RATING_I = (5.0, 3.0, 5.0, 3.0, 5.0, 3.0)  # mean 4, standard deviation 1
QUALITY_I = (1.0, 0.0, -0.5, 0.5, 1.0, -1.0)
VECTOR_I = (0.5, -1.0, 0.0, 1.0, -0.5, 0.0)

TEXTS = ("a cup", "a lamp in red", "a cup in red or blue")
WANTED = ((0, ()), (1, (1,)), (0, (1, 2)))  # category and values

SCORE_TI = np.array(
    [
        [3.0, 0.5, 2.5, 0.25, 2.0, 0.0],  # the third is of another category
        [0.0, 1.5, 0.25, 3.0, 1.0, 2.0],
        [2.0, 1.0, 3.0, 0.5, 0.25, 0.0],
    ],
    np.float32,
)

FOUND: dict[str, tuple[tuple[int, ...], ...]] = {
    "unserved": ((5,), (0,), (4,)),  # of another arm: it has the first bit and no say
    "words": ((0, 4), (5,), (0, 2)),
    "clicks": ((4, 1), (3,), (1, 3)),
    "vectors": ((2, 1, 3), (4,), (2, 1)),
    "copy": ((4, 1), (3,), (1, 3)),  # of clicks
    "silent": ((), (), ()),
}
"""By channel: what it finds for each text."""

UNIVERSE = tuple(FOUND)
OVERLAPPING = ("words", "clicks", "vectors")

SECONDS = {"words": 0.25, "clicks": 0.5, "vectors": 2.0, "copy": 0.5, "silent": 1.0}
"""By channel: the time that it takes in a slow shop, where vectors are always late."""

DEGENERATE = ("words", "clicks", "copy", "silent")


@dataclass(frozen=True)
class Kind:
    """A type of shopper.

    Attributes:
        share: of all shoppers.
        visits: mean number on the first day, of a Poisson distribution.
        wants: chance of each text.
    """

    share: float
    visits: float
    phone: bool
    slots: int
    tolerance: float
    taste: float
    favourite: int
    loyalty: float
    wants: tuple[float, float, float]


KINDS = (
    Kind(0.5, 1.5, True, 2, 8.0, 1.0, 0, 0.5, (0.5, 0.25, 0.25)),
    Kind(0.3, 0.75, False, 3, 4.0, -1.0, -1, 0.25, (0.25, 0.5, 0.25)),
    Kind(0.2, 3.0, False, 3, 16.0, 0.0, 1, 1.0, (0.125, 0.125, 0.75)),
)
SHARE_H = np.array([kind.share for kind in KINDS])

PBM = PositionBased(eta_phone=1.0, eta_desktop=0.5)
CASCADE = Cascade(persistence_phone=0.75, persistence_desktop=0.875)
DBN = DynamicBayesian(perseverance_phone=0.75, perseverance_desktop=0.875)
UBM = UserBrowsing(eta_phone=0.5, eta_desktop=0.25, theta_phone=1.0, theta_desktop=0.5)
CLICK_MODELS = {"pbm": PBM, "cascade": CASCADE, "dbn": DBN, "ubm": UBM}


def behavior(click_model: KnownClickModel = PBM, basket_cost: float = 0.25) -> BehaviorSpec:
    """How shoppers behave; a basket that costs 60 holds one item."""
    return BehaviorSpec(
        match=2.0,
        quality=0.5,
        taste=1.0,
        owned=0.0,
        click_model=click_model,
        click_cost=1.5,
        outside=2.0,
        cart_margin=0.5,
        basket_cost=basket_cost,
        repeat_quantity=0.25,
        delayed=0.25,
        delay_days=0.02,
        seconds_per_click=1e6,  # the session ends with the first clicks
    )


ONCE = SessionSpec(next_page=0.0, reformulate=0.0, retry_empty=0.0, pages=1)
"""One request a session."""


class FixedChannel:
    """Finds the same items for a text, always."""

    def __init__(self, name: str) -> None:
        self.name = name
        found = FOUND[name]
        self.items_TN = np.full((len(TEXTS), 3), -1, np.int32)
        for text, items in enumerate(found):
            self.items_TN[text, : len(items)] = items

    def fit(self, catalog: Any, history: Any, *, rng: np.random.Generator) -> None:
        """Nothing to learn."""

    def recall(self, requests: Any, limit: int) -> Candidates:
        items_BN = self.items_TN[requests.text_B][:, :limit]
        scores_N = np.array([1.0, 0.5, 0.25], np.float32)[:limit]
        return Candidates(items_BN, np.tile(scores_N, (len(items_BN), 1)))


class FixedRanker:
    """Scores an item by the text alone, whoever found it."""

    name = "fixed"

    def fit(self, examples: Any, *, rng: np.random.Generator) -> None:
        """Nothing to learn."""

    def score(self, requests: Any, pool: Any) -> NDArray[np.float32]:
        scores_BN = SCORE_TI[requests.text_B[:, None], pool.items_BN]
        return np.where(pool.items_BN >= 0, scores_BN, np.float32(-np.inf))


def funnel(channels: Sequence[str], draws: Draws | None = None, *, slow: bool = False) -> Funnel:
    """An arm of these channels; bits of provenance are those of `UNIVERSE`.

    In a slow shop they take `SECONDS`, else no time.
    """
    spec = FunnelSpec(
        merge=MergeSpec(limit=len(PRICE_I)),
        slots=SLOTS,
        deadline_s=DEADLINE_S,
        ranking_base_s=BASE_S,
        ranking_per_item_s=PER_ITEM_S,
    )
    made = {name: FixedChannel(name) for name in channels}
    times = {
        name: LatencySpec(base_s=SECONDS[name], per_item_s=0.0, sigma=0.0)
        for name in channels
        if slow
    }
    limits = dict.fromkeys(UNIVERSE, 3)
    stage = RecallStage(len(PRICE_I), made, UNIVERSE, limits, spec.merge)
    return Funnel("arm", 0, stage, FixedRanker(), spec, times, draws or Draws(0))


def population(
    kind_U: NDArray[np.integer],
    *,
    patience: float = 4.0,
    stock: int = 10**9,
    reworded: bool = False,
) -> Population:
    """Shoppers of these types in the market.

    Args:
        kind_U: their types.
        patience: mean requests that they are ready to make in a session.
        stock: units of each item.
        reworded: whether a need has a second wording, the text of the need after it.
    """
    shoppers = _shoppers(kind_U)
    patience_S = np.full(len(kind_U), patience, np.float32)
    return Population(_supply(stock), replace(shoppers, patience_S=patience_S), _intents(reworded))


def drawn_kinds(shoppers: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(U,) types, independent draws by their shares."""
    return rng.choice(len(KINDS), shoppers, p=SHARE_H)


def world_spec(spec: BehaviorSpec, sessions: SessionSpec = ONCE, days: int = DAYS) -> WorldSpec:
    """One day of visits, and one, where there are two, on which what was bought arrives."""
    return WorldSpec(
        history_days=1,
        days=days,
        index_refresh=86_400.0,
        arrivals=ArrivalSpec(promotions=(Promotion(day=1, factor=1e-12),)),
        sessions=sessions,
        behavior=spec,
        market=MarketSpec(price_changes=0.0, restock_at=0.0),
    )


def open_world(
    folder: Path,
    people: Population,
    channels: Sequence[str],
    seed: int,
    spec: BehaviorSpec,
    *,
    slow: bool = False,
    sessions: SessionSpec = ONCE,
    days: int = DAYS,
) -> OpenWorld:
    """A world in which these channels serve everybody, not yet lived; its log goes to `folder`."""
    draws = Draws(seed)
    service = funnel(channels, draws, slow=slow)
    log = EventLog(folder, channels=UNIVERSE, arms=("arm",))
    shoppers = len(people.shoppers)
    text_T = np.arange(len(TEXTS))
    log.append("texts", {"text": text_T, "string": np.array(TEXTS, object), "cluster": text_T})
    first_U = np.zeros(shoppers)
    arm_U = first_U.astype(np.int8)
    columns = {"kind": arm_U, "unit": np.arange(shoppers), "arm": arm_U, "at": first_U}
    log.append("assignments", columns)
    world = World(world_spec(spec, sessions, days), people, service, log, draws)
    return OpenWorld(world, service, first_day=0, days=days)


def _supply(stock: int) -> Supply:
    items = len(PRICE_I)
    names = np.array([f"item {item}" for item in range(items)], object)
    values_IV = np.array([[*values, -1][:1] for values in VALUES_I], np.int32)
    catalog = Catalog(
        key_I=names,
        title_I=names,
        description_I=names,
        brand_I=np.array(BRAND_I, np.int32),
        category_I=np.array(CATEGORY_I, np.int32),
        price_I=PRICE_I.copy(),
        seller_I=np.zeros(items, np.int32),
        rating_I=np.array(RATING_I, np.float32),
        created_at_I=np.full(items, -1.0),
        retired_at_I=np.full(items, np.inf),
        brands=("north", "south"),
        categories=("Home > Cups", "Light > Lamps"),
        department_C=np.array([0, 1], np.int32),
    )
    truth = ItemTruth(
        category_I=catalog.category_I,
        brand_I=catalog.brand_I,
        values_IV=values_IV,
        quality_I=np.array(QUALITY_I, np.float32),
        vector_IT=np.array(VECTOR_I, np.float32)[:, None],
        demand_I=np.ones(items),
        log_price_C=np.log([20.0, 30.0]),
        department_C=catalog.department_C,
    )
    stock_I = np.full(items, stock, np.int32)
    words = (("plain",), ("red",), ("blue",))
    return Supply(catalog, truth, stock_I, np.full(items, 86_400.0), words)


def _intents(reworded: bool) -> Intents:
    """One intent for each text, each in a department of its own as far as affinities go."""
    count = len(TEXTS)
    text_QX = np.full((count, len(Wording)), -1, np.int32)
    text_QX[:, Wording.SPECIFIC] = np.arange(count)
    if reworded:
        text_QX[:, Wording.SYNONYM] = (np.arange(count) + 1) % count
    reword_XX = np.zeros((len(Wording), len(Wording)))
    reword_XX[Wording.SPECIFIC, Wording.SYNONYM] = reword_XX[Wording.SYNONYM, Wording.SPECIFIC] = 1
    return Intents(
        texts=TEXTS,
        category_Q=np.array([category for category, _ in WANTED], np.int32),
        department_Q=np.arange(count, dtype=np.int32),
        values_QW=np.array([[*values, -1, -1][:2] for _, values in WANTED], np.int32),
        brand_Q=np.full(count, -1, np.int32),
        weight_Q=np.full(count, 1 / count),
        text_QX=text_QX,
        wording_X=np.eye(len(Wording))[Wording.SPECIFIC],
        reword_XX=reword_XX,
        judged_Q=np.full(count, -1, np.int32),
        asked_Q=np.full(count, -1, np.int32),
        judgments=NO_JUDGMENTS,
    )


def _shoppers(kind_U: NDArray[np.integer]) -> Shoppers:
    def column(values: Sequence[Any], dtype: Any) -> NDArray[Any]:
        return np.array(values, dtype)[kind_U]

    still_U = np.zeros(len(kind_U), np.float32)
    return Shoppers(
        device_S=column([0 if kind.phone else 1 for kind in KINDS], np.int8),
        gender_S=np.full(len(kind_U), 2, np.int8),
        age_S=np.zeros(len(kind_U), np.int8),
        slots_S=column([kind.slots for kind in KINDS], np.int16),
        rate_S=column([kind.visits for kind in KINDS], np.float32),
        affinity_SD=column([np.cumsum(kind.wants) for kind in KINDS], np.float32),
        taste_ST=column([kind.taste for kind in KINDS], np.float32)[:, None],
        drift_ST=still_U[:, None],
        budget_S=still_U,
        sensitivity_S=still_U,  # prices do not move utilities, so that these are exact
        loyalty_S=column([kind.loyalty for kind in KINDS], np.float32),
        favourite_S=column([kind.favourite for kind in KINDS], np.int32),
        patience_S=still_U + 4,
        tolerance_S=column([kind.tolerance for kind in KINDS], np.float32),
        taste_drift=0.0,
    )
