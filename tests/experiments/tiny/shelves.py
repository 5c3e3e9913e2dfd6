"""The tiny market by hand where shelves are short: what is sold, and what is left for the next.

Visits come one after the other. Whoever is not served with an item that is gone takes the next best
of what was clicked, and a second one only where it is worth a second item. The distribution of what
is left on the shelves is carried from visit to visit, so that nothing is drawn at all.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise

import numpy as np

from tests.experiments.tiny.market import KINDS, PRICE_I
from tests.experiments.tiny.needs import (
    DAY,
    DWELL,
    Before,
    Items,
    Rates,
    Reached,
    Shop,
    Visit,
    Waiting,
    asked,
    but,
    clicks_of,
    first,
    rates_of,
    seen,
)

Shelf = tuple[int, ...]
"""By item, how many units are left."""

Sums = tuple[float, float, float]
"""Orders, money, and the chance that anything is bought."""

MOST = 12
"""Units bought at once that are told apart; more are as good as never wanted."""


@cache
def pair(
    rates: Rates, waiting: Waiting, clicked: Items, outside: float, one: int, two: int
) -> float:
    """Chance that nothing was bought before, and these two ring first and second in time.

    Args:
        outside: rate of the outside option that must ring later than the second one.
    """
    total = sum(rates[each] for each in clicked.union(*waiting)) + len(waiting) + 1.0 + outside
    chance = sum(
        pair(rates, but(waiting, k), clicked, outside, one, two) for k in range(len(waiting))
    )
    if not any(one in page for page in waiting):
        chance += rates[one] * first(rates, waiting, clicked - {one}, outside, two)
    return chance / total


def baskets(
    shop: Shop, kind: int, intent: int, items: tuple[int, ...], before: Before, there: Items
) -> Iterator[tuple[tuple[int, ...], float]]:
    """What is bought of a page that came in time, of what is there, with its chance."""
    spec, rates = shop.behavior, rates_of(shop, intent, kind)
    hurdle = math.exp(spec.basket_cost)
    chances: dict[tuple[int, ...], float] = defaultdict(float)
    for waiting, past in before:
        for clicked, odds in clicks_of(shop, kind, intent, items).items():
            left = clicked & there
            for one in left:
                alone = first(rates, waiting, left, 1.0, one)
                for two in left - {one}:
                    both = pair(rates, waiting, left, hurdle, one, two)
                    chances[one, two] += past * odds * both
                    alone -= both
                chances[(one,)] += past * odds * alone
    return iter(chances.items())


def units_of(shop: Shop, left: int) -> list[tuple[int, float]]:
    """Units of the first item that are sold where so many are left, with their chances."""
    again = shop.behavior.repeat_quantity
    sold: dict[int, float] = defaultdict(float)
    for wanted in range(1, MOST):
        sold[min(wanted, left)] += again ** (wanted - 1) * (1 - again)
    sold[min(MOST, left)] += again ** (MOST - 1)
    return list(sold.items())


def sold(shop: Shop, page: Reached, left: Shelf) -> Sums:
    """What a page that may come sells at once from this shelf, by its chance of coming."""
    there = frozenset(item for item in range(len(PRICE_I)) if left[item] > 0)
    orders = gmv = bought = 0.0
    found = baskets(shop, page.kind, page.intent, page.items, page.before, there)
    for basket, chance in found:
        units = sum(number * odds for number, odds in units_of(shop, left[basket[0]]))
        orders += chance * len(basket)
        gmv += chance * (units * PRICE_I[basket[0]] + sum(PRICE_I[item] for item in basket[1:]))
        bought += chance
    return page.weight * orders, page.weight * gmv, page.weight * bought


def expected_sales(shop: Shop, visits: Sequence[Visit], full: Shelf) -> Sums:
    """Exactly expected orders, money and visits with a purchase, of visits in their order.

    Everything is bought at once, nothing is restocked, and no visit begins before the one before
    it has ended.
    """
    shelves: dict[Shelf, float] = {full: 1.0}
    sums = np.zeros(3)
    for visit in sorted(visits, key=lambda each: each.start):
        after: dict[Shelf, float] = defaultdict(float)
        for shelf, chance in shelves.items():
            for left, odds, brings in _visit(shop, visit, shelf):
                after[left] += chance * odds
                sums += chance * odds * np.array(brings)
        shelves = after
    _need.cache_clear()  # of these very visits
    return float(sums[0]), float(sums[1]), float(sums[2])


Outcome = tuple[Shelf, float, Sums]
"""A shelf that a visit leaves, its chance, and the mean of what was sold on the way to it."""


def _visit(shop: Shop, visit: Visit, shelf: Shelf) -> list[Outcome]:
    return _grouped(_need(shop, visit, 0, 0, shelf, 0.0))


@cache
def _need(
    shop: Shop, visit: Visit, need: int, request: int, shelf: Shelf, bought: float
) -> list[Outcome]:
    """From the first request of a need on; `bought` is 1 where the visit has bought before."""
    who, intent = KINDS[visit.kind], visit.intents[need]
    before: Before = (((), 1.0),)
    weight, out = 1.0, []
    there = frozenset(item for item in range(len(PRICE_I)) if shelf[item] > 0)

    def on(left: Shelf, chance: float, sales: Sums, has: float) -> None:
        """The need is met: the next one, or the end."""
        if need + 1 == len(visit.intents):
            out.append((left, chance, sales))
            return
        for end, odds, more in _need(shop, visit, need + 1, request + 1, left, has):
            total = tuple(one + two for one, two in zip(sales, more, strict=True))
            out.append((end, chance * odds, total))

    for text, page in asked(shop, visit, intent, request):
        items, seconds = shop.items(text, page, who.slots)
        stays = math.exp(-seconds / who.tolerance)
        found = seen(shop, visit.kind, intent, items, before)
        out.append((shelf, weight * (1 - stays) * found.came, (0.0, 0.0, 0.0)))
        weight *= stays
        met = found.came - found.open
        for basket, chance in baskets(shop, visit.kind, intent, items, before, there):
            met -= chance
            for units, odds in units_of(shop, shelf[basket[0]]):
                left = list(shelf)
                left[basket[0]] -= units
                money = units * PRICE_I[basket[0]]
                for item in basket[1:]:
                    left[item] -= 1
                    money += PRICE_I[item]
                sales = float(len(basket)), float(money), 1.0 - bought
                on(tuple(left), weight * chance * odds, sales, 1.0)
        on(shelf, weight * met, (0.0, 0.0, 0.0), bought)
        before, request, stayed = found.after, request + 1, found.open
    out.append((shelf, weight * stayed, (0.0, 0.0, 0.0)))
    return out


def _grouped(outcomes: list[Outcome]) -> list[Outcome]:
    """One outcome for each shelf, and what was sold on the way to it on average."""
    chances: dict[Shelf, float] = defaultdict(float)
    sums: dict[Shelf, np.ndarray] = defaultdict(lambda: np.zeros(3))
    for left, chance, sales in outcomes:
        chances[left] += chance
        sums[left] += chance * np.array(sales)
    return [
        (left, chance, tuple(sums[left] / chance)) for left, chance in chances.items() if chance > 0
    ]


def apart(visits: Sequence[Visit], longest: int) -> bool:
    """Whether each visit of so many requests at most has ended when the next one begins."""
    starts = sorted(visit.start for visit in visits)
    return all(later - at > longest * (DWELL + 10.0) for at, later in pairwise(starts))


def in_one_day(visits: Sequence[Visit]) -> bool:
    """Whether nobody is still there when the day ends."""
    return all(visit.start < DAY - 600 for visit in visits)
