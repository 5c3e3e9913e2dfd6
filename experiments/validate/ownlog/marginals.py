"""One quantity at a time: are its values in the simulated log those of the user's own?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from experiments.inference.finding import holm
from experiments.records.interval import Interval
from experiments.records.validity import Check, QuantilePair, Unit, Verdict
from experiments.validate.concentration import TOP
from experiments.validate.ownlog.distances import Sample, apart, concentration_apart
from experiments.validate.ownlog.sales import Baskets, Sales
from experiments.validate.verdicts import BEYOND_CHANCE
from simulator.protocols import DAY

Floats = NDArray[np.float64]

SMALL = 0.1
"""A distance, or a difference of shares, that is certainly smaller is no failure."""

_GREAT = 0.25  # a distance that may hide in a log is too great for "no difference"
_SHARES = tuple(at / 20 for at in range(1, 20))


@dataclass(frozen=True)
class Quantity:
    """What is compared.

    Attributes:
        fact: its name.
        own, simulated: its values.
        circular: whether they are hours of a day.
    """

    fact: str
    own: Sample
    simulated: Sample
    circular: bool = False


def quantities(own: Sales, simulated: Sales) -> Iterator[Quantity]:
    """What both logs tell of orders."""
    baskets = own.orders, simulated.orders
    for fact in _OF_ORDERS:
        first, second = (
            Sample.known(
                *(_OF_ORDERS[fact](each), each.shopper_O),
                each.item_O if fact in _OF_MONEY else None,
            )
            for each in baskets
        )
        yield Quantity(fact, first, second, circular=fact == "hour_of_day")
    counts = [np.bincount(each.shopper_O).astype(np.float64) for each in baskets]
    first, second = (Sample(each, np.arange(len(each))) for each in counts)
    yield Quantity("orders_per_customer", first, second)


_OF_ORDERS: dict[str, Callable[[Baskets], Floats]] = {
    "order_value": lambda orders: orders.value_O,
    "order_value_over_its_median": lambda orders: np.round(
        orders.value_O / np.median(orders.value_O), 9
    ),
    "items_per_order": lambda orders: orders.items_O,
    "units_per_item": lambda orders: orders.units_O / orders.items_O,
    "days_between_orders": lambda orders: orders.since_O,
    "hour_of_day": lambda orders: (orders.at_O % DAY) / 3600.0,
}


_OF_MONEY = ("order_value", "order_value_over_its_median")
"""What hangs on which items sell."""


def marginals(
    compared: list[Quantity], own: Sales, simulated: Sales, *, confidence: float, seed: int = 0
) -> list[Check]:
    """A check of each quantity, and of how purchases gather on few items; one family of tests.

    Args:
        compared: the quantities.
        own, simulated: of both logs, for the items.
        confidence: level of the intervals.
        seed: of the bootstrap.
    """
    found = []
    for number, each in enumerate(compared):
        luck = np.random.default_rng([seed, number])
        told = apart(
            *(each.own, each.simulated), circular=each.circular, confidence=confidence, rng=luck
        )
        n = len(each.own.value_N) + len(each.simulated.value_N)
        note = _medians(each)
        found.append(_check(each.fact, "distance", told.distance, told.p_value, n, note))
    for number, top in enumerate(TOP):
        size, p_value, shares = concentration_apart(
            (own.item_L, own.shopper_L),
            (simulated.item_L, simulated.shopper_L),
            top,
            confidence=confidence,
            rng=np.random.default_rng([seed, 1000 + number]),
        )
        note = (
            f"own {100 * shares[0]:.1f} %, simulated {100 * shares[1]:.1f} %, of as many purchases"
        )
        fact = f"share_of_the_top_{100 * top:.0f}_percent_of_items"
        found.append(_check(fact, "points", size, p_value, len(own) + len(simulated), note))
    corrected = holm([check.p_value for check in found])
    return [_judged(*each) for each in zip(found, corrected, strict=True)]


def _check(
    fact: str, unit: Unit, size: Interval, p_value: float | None, n: int, note: str
) -> Check:
    return Check(
        rung="own_log",
        period="history",
        fact=fact,
        unit=unit,
        found=size,
        verdict=Verdict.UNTOLD,
        n=n,
        low=0.0 if unit == "distance" else -SMALL,
        high=SMALL,
        source="own log",
        p_value=p_value,
        note=note,
    )


def _judged(check: Check, corrected: float | None) -> Check:
    """No difference beyond chance: pass, or untold where a great one might hide. Certainly greater
    than what is small: fail."""
    if corrected is None or check.found.ends is None:
        return check
    low, high = check.found.ends
    if corrected >= BEYOND_CHANCE:
        hidden = max(-low, high) > _GREAT
        verdict = Verdict.UNTOLD if hidden else Verdict.PASS
    else:
        verdict = Verdict.FAIL if low > SMALL or high < -SMALL else Verdict.WARN
    return replace(check, p_holm=corrected, verdict=verdict)


def _medians(each: Quantity) -> str:
    if not (len(each.own.value_N) and len(each.simulated.value_N)):
        return "no values in a log"
    sizes = (float(np.median(of.value_N)) for of in (each.own, each.simulated))
    return "median: own {:.3g}, simulated {:.3g}".format(*sizes)


def quantile_pairs(compared: list[Quantity]) -> Iterator[QuantilePair]:
    """Quantiles of both logs, for the pictures; of quantities that both logs have."""
    for each in compared:
        if len(each.own.value_N) and len(each.simulated.value_N):
            for share in _SHARES:
                own, simulated = (
                    float(np.quantile(of.value_N, share)) for of in (each.own, each.simulated)
                )
                yield QuantilePair(each.fact, share, own, simulated)
