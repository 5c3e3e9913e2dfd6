"""The tiny market by hand where a need has several pages, and a session several needs.

An item's taste shock is a clock: with e = exp(-shock), a standard exponential, item i rings at
e / exp(gain), so the best of the clicked items is the one that rings first, and it is bought if it
rings before the page's outside option does. An item keeps its clock through the pages of a need;
each page has an outside option of its own. So "nothing is bought on the pages before, and this is
bought now" is a statement about which clocks ring before which others. Clocks do not age, so the
clock that rings first decides, and after it the others start anew: the chances below are sums over
what rings next, exact to rounding. Nothing of the simulator is used but its settings.
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product

import numpy as np
from scipy.special import expit

from simulator.behaviour.settings import BehaviorSpec
from simulator.living.settings import SessionSpec
from tests.experiments.tiny.market import (
    BASE_S,
    DEADLINE_S,
    FOUND,
    KINDS,
    PER_ITEM_S,
    PRICE_I,
    SCORE_TI,
    SECONDS,
    TEXTS,
)
from tests.experiments.tiny.values import click_sets, utility

DAY = 86_400.0
DWELL = 2.0
"""Seconds on a page whose results and items take no time: the least there is."""

COLUMNS = (
    *("requests", "first_pages", "zero_results", "latency_sum"),
    *("exposures", "clicks", "carts", "orders", "baskets", "gmv"),
    *("sessions", "clickless_sessions"),
)
"""What adds up over visits; `bought` and `clicked` are chances."""

Items = frozenset[int]
Waiting = tuple[Items, ...]
"""The items clicked on each earlier page of a need, none of which may have been bought."""

Before = tuple[tuple[Waiting, float], ...]
"""What was clicked on earlier pages of a need, with its chance and that nobody was content."""

Rates = tuple[float, ...]
"""By item, how fast its clock rings; the outside option's rings at 1."""


@cache
def nothing_bought(rates: Rates, waiting: Waiting) -> float:
    """Chance that on every page the outside option rings before the items clicked there."""
    if not waiting:
        return 1.0
    total = sum(rates[item] for item in frozenset().union(*waiting)) + len(waiting)
    return sum(nothing_bought(rates, but(waiting, k)) for k in range(len(waiting))) / total


@cache
def first(rates: Rates, waiting: Waiting, clicked: Items, outside: float, item: int) -> float:
    """Chance that nothing was bought before, and that of these items this one rings first.

    Args:
        outside: rate of this page's outside option, which must ring later.
    """
    total = sum(rates[each] for each in clicked.union(*waiting)) + len(waiting) + outside
    chance = sum(first(rates, but(waiting, k), clicked, outside, item) for k in range(len(waiting)))
    if not any(item in page for page in waiting):
        chance += rates[item] * nothing_bought(rates, waiting)
    return chance / total


@cache
def second(rates: Rates, waiting: Waiting, clicked: Items, outside: float, item: int) -> float:
    """The same, that it rings second, where the page's outside option of rate 1 is over once an
    item leads.

    Args:
        outside: rate of another outside option, which must ring later than the second item.
    """
    total = sum(rates[each] for each in clicked.union(*waiting)) + len(waiting) + 1.0 + outside
    chance = sum(
        second(rates, but(waiting, k), clicked, outside, item) for k in range(len(waiting))
    )
    for other in clicked - {item}:
        if not any(other in page for page in waiting):
            chance += rates[other] * first(rates, waiting, clicked - {other}, outside, item)
    return chance / total


def but(waiting: Waiting, k: int) -> Waiting:
    """All pages but one."""
    return waiting[:k] + waiting[k + 1 :]


@dataclass(frozen=True)
class Shop:
    """A way of serving and of behaving whose exact values are known.

    Attributes:
        channels: that serve everybody.
        behavior: with seconds per result and per click of 0, so that a page takes `DWELL`.
        sessions: how shoppers go on.
        days: of the period.
        slow: whether channels take their time.
        reworded: whether needs have a second wording, the text of the need after it.
        led_by: channels whose pages decide how shoppers go on, as in a replay; None: its own.
        lasting: whether an item keeps its taste through a need; else each page has its own.
    """

    channels: tuple[str, ...]
    behavior: BehaviorSpec
    sessions: SessionSpec
    days: int = 2
    slow: bool = False
    reworded: bool = False
    led_by: tuple[str, ...] | None = None
    lasting: bool = True

    def items(self, text: int, page: int, slots: int) -> tuple[tuple[int, ...], float]:
        """A page of results, and the seconds that it takes."""
        took = {channel: SECONDS[channel] if self.slow else 0.0 for channel in self.channels}
        found = {
            item
            for channel, seconds in took.items()
            if seconds <= DEADLINE_S
            for item in FOUND[channel][text]
        }
        ranked = sorted(found, key=lambda item: (-SCORE_TI[text, item], item))
        waited = min(max(took.values(), default=0.0), DEADLINE_S)
        shown = tuple(ranked[page * slots : (page + 1) * slots])
        return shown, waited + BASE_S + PER_ITEM_S * len(found)


@dataclass(frozen=True)
class Visit:
    """What all arms share of a visit.

    Attributes:
        session: its number.
        kind: of the shopper.
        start: simulated seconds.
        intents: of the session's needs, in their order.
        patience: requests that the shopper is ready to make.
        steps: by request, the luck of what comes next.
    """

    session: int
    kind: int
    start: float
    intents: tuple[int, ...]
    patience: int
    steps: tuple[float, ...]


@dataclass
class Brought:
    """What a visit brings.

    Attributes:
        totals: expected, by column.
        bought, clicked: chance that anything is bought before the period ends, and clicked.
        pages: every page that may come, see `Reached`.
    """

    totals: dict[str, float] = field(default_factory=lambda: dict.fromkeys(COLUMNS, 0.0))
    bought: float = 0.0
    clicked: float = 0.0
    pages: "list[Reached]" = field(default_factory=list)


@dataclass(frozen=True)
class Reached:
    """A page that may come: what is bought on it, were all there.

    Attributes:
        since, moment: when the need began, and when purchases are made that are made at once.
        weight: chance that earlier needs and all waiting end here, but for this need's own pages.
        kind, intent, items: who sees what, with which need.
        before: what was clicked on the need's earlier pages.
    """

    since: float
    moment: float
    weight: float
    kind: int
    intent: int
    items: tuple[int, ...]
    before: Before


@dataclass(frozen=True)
class Seen:
    """What a page brings that came in time, with the chance that the need was still open.

    Attributes:
        came: that chance.
        clicks, carts, orders, gmv: expected.
        bought: chance that something is.
        clickless: chance of no click, given that the page is seen.
        open: chance that the need is open afterwards, and was.
        after: what has been clicked by then, see `Before`.
    """

    came: float
    clicks: float
    carts: float
    orders: float
    gmv: float
    bought: float
    clickless: float
    open: float
    after: Before


@cache
def rates_of(shop: Shop, intent: int, kind: int) -> Rates:
    """How fast the items' clocks ring for a shopper with a need."""
    worth = [utility(shop.behavior, KINDS[kind], intent, item)[1] for item in range(len(PRICE_I))]
    return tuple(math.exp(true - shop.behavior.outside) for true in worth)


@cache
def clicks_of(shop: Shop, kind: int, intent: int, items: tuple[int, ...]) -> dict[Items, float]:
    """The chance of each set of clicked items of a page."""
    return {clicked: chance for clicked, (chance, _) in _looked(shop, kind, intent, items).items()}


@cache
def discontent_of(shop: Shop, kind: int, intent: int, items: tuple[int, ...]) -> dict[Items, float]:
    """The chance that one who clicked these items of a page is not content with them."""
    return {clicked: left for clicked, (_, left) in _looked(shop, kind, intent, items).items()}


def _looked(
    shop: Shop, kind: int, intent: int, items: tuple[int, ...]
) -> dict[Items, tuple[float, float]]:
    spec, who = shop.behavior, KINDS[kind]
    worth = [utility(spec, who, intent, item) for item in items]
    likes = [float(expit(np.float32(shown - spec.click_cost))) for shown, _ in worth]
    sets = click_sets(spec, who.phone, likes, [true for _, true in worth])
    return {
        frozenset(items[slot] for slot in range(len(items)) if mask >> slot & 1): found
        for mask, found in sets.items()
    }


@cache
def seen(shop: Shop, kind: int, intent: int, items: tuple[int, ...], before: Before) -> Seen:
    """Over all sets of clicks, and all orders in which clocks ring."""
    spec, rates = shop.behavior, rates_of(shop, intent, kind)
    clicks, discontents = (of(shop, kind, intent, items) for of in (clicks_of, discontent_of))
    units = 1 / (1 - spec.repeat_quantity)
    came = sum(chance * nothing_bought(rates, waiting) for waiting, chance in before)
    sums, after = np.zeros(5), defaultdict(float)
    for (waiting, past), (clicked, odds) in product(before, clicks.items()):
        discontent = discontents[clicked]
        later = tuple(sorted((*waiting, *([clicked] if clicked else [])), key=sorted))
        after[later] += past * odds * discontent
        reached = past * odds
        sums[0] += reached * len(clicked) * nothing_bought(rates, waiting)
        for item in sorted(clicked):
            margin = math.exp(-spec.cart_margin)
            one = first(rates, waiting, clicked, 1.0, item)
            two = second(rates, waiting, clicked, math.exp(spec.basket_cost), item)
            sums[1] += reached * (first(rates, waiting, clicked, margin, item) + two)
            sums[2] += reached * (one + two)
            sums[3] += reached * PRICE_I[item] * (units * one + two)
            sums[4] += reached * one
    left_open = sum(chance * nothing_bought(rates, waiting) for waiting, chance in after.items())
    told: Before = tuple(after.items()) if shop.lasting else (((), left_open),)
    return Seen(
        came, *(float(each) for each in sums), clicks.get(frozenset(), 0.0), left_open, told
    )


def brought(shop: Shop, visit: Visit) -> Brought:
    """What a visit brings, over all luck that is not in it."""
    found = Brought()
    found.totals["sessions"] = 1.0
    found.bought = _need(shop, visit, 0, 0, visit.start, 1.0, found)
    found.totals["clickless_sessions"] = 1.0 - found.clicked
    return found


def _need(
    shop: Shop, visit: Visit, need: int, request: int, at: float, weight: float, out: Brought
) -> float:
    """Add a need from its first request on; returns the chance that it brings a purchase in time.

    Args:
        weight: chance of coming to it.
    """
    who, spec, intent = KINDS[visit.kind], shop.behavior, visit.intents[need]
    before: Before = (((), 1.0),)
    clickless, bought, since, end = 1.0, 0.0, at, shop.days * DAY
    for text, page in asked(shop, visit, intent, request):
        if at >= end:
            break
        items, seconds = shop.items(text, page, who.slots)
        stays = math.exp(-seconds / who.tolerance)
        found = seen(shop, visit.kind, intent, items, before)
        moment = at + seconds + DWELL
        in_time = _in_time(spec, end - moment)
        came = weight * found.came
        for name, value in (
            ("requests", came),
            ("first_pages", came * (page == 0)),
            ("zero_results", came * (page == 0 and not items)),
            ("latency_sum", came * seconds),
            ("exposures", came * stays * len(items)),
            ("clicks", weight * stays * found.clicks),
            ("carts", weight * stays * found.carts),
            ("orders", weight * stays * in_time * found.orders),
            ("baskets", weight * stays * in_time * found.bought),
            ("gmv", weight * stays * in_time * found.gmv),
        ):
            out.totals[name] += value
        out.pages.append(Reached(since, moment, weight * stays, visit.kind, intent, items, before))
        if need == 0:
            out.clicked += weight * clickless * stays * (1.0 - found.clickless)
        on_time = weight * stays * found.bought * in_time
        bought += on_time
        met = weight * stays * (found.came - found.open)
        if met > 0 and need + 1 < len(visit.intents):
            later = _need(shop, visit, need + 1, request + 1, moment, met, out)
            bought += later * (1.0 - on_time / met)
        before, weight = found.after, weight * stays
        clickless *= found.clickless
        at, request = moment, request + 1
    return bought


def _in_time(spec: BehaviorSpec, left: float) -> float:
    """Chance that a purchase is made within so many seconds of the decision."""
    if left <= 0:
        return 0.0
    return 1.0 - spec.delayed * math.exp(-left / (spec.delay_days * DAY))


def asked(shop: Shop, visit: Visit, intent: int, request: int) -> Iterator[tuple[int, int]]:
    """The (text, page) of each request of a need, as if it were never met.

    Patience, and the luck of going on, are the visit's.
    """
    ways, slots = shop.sessions, KINDS[visit.kind].slots
    leader = shop if shop.led_by is None else replace(shop, channels=shop.led_by, led_by=None)
    text, page = intent, 0
    while True:
        yield text, page
        shown = len(leader.items(text, page, slots)[0])
        luck = visit.steps[request]
        request += 1
        if request >= visit.patience:
            return
        if shown == 0:
            again = luck < ways.retry_empty
        elif shown >= slots and page + 1 < ways.pages and luck < ways.next_page:
            page += 1
            continue
        else:
            again = ways.next_page <= luck < ways.next_page + ways.reformulate
        if not (again and shop.reworded):
            return
        text, page = ((intent + 1) % len(TEXTS) if text == intent else intent), 0
