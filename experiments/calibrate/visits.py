"""Visits of a log: when they began, whose they were, how long their pages went on."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.validate.ownlog.cleaning import OwnLog
from simulator.living.sessions import IDLE_SECONDS
from simulator.protocols import DAY

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Visits:
    """V visits, ordered by shopper and time.

    Attributes:
        at_V: first page, seconds since the midnight before the first day.
        shopper_V: number of the shopper.
        length_V: from the first page to the last one (seconds).
        told: whether they are visits: of a log without results they are orders.
    """

    at_V: Floats
    shopper_V: Ints
    length_V: Floats
    told: bool

    def __len__(self) -> int:
        return len(self.at_V)


def visits_of(theirs: OwnLog) -> Visits:
    """The visits of a log; one ends when nothing was asked for half an hour."""
    results = theirs.results
    if results is None or not len(results):
        orders = theirs.sales.orders
        return Visits(orders.at_O, orders.shopper_O, np.zeros(len(orders)), False)
    shopper = pd.factorize(results["shopper"].astype("string"))[0].astype(np.int64)
    at = results["at"].to_numpy().astype(np.float64) - day_number(theirs.first_day) * DAY
    order = np.lexsort((at, shopper))
    shopper, at = shopper[order], at[order]
    begins = begin_visits(shopper, at)
    ends = np.r_[begins[1:], True]
    return Visits(at[begins], shopper[begins], at[ends] - at[begins], True)


def begin_visits(shopper_P: Ints, at_P: Floats) -> NDArray[np.bool_]:
    """(P,) whether a page begins a visit; pages are ordered by shopper and time."""
    other_P = np.diff(shopper_P, prepend=-1) != 0
    return np.asarray(other_P | (np.diff(at_P, prepend=-np.inf) > IDLE_SECONDS))


def day_number(day: str) -> int:
    """Days since 1970 of a day such as 2026-03-02."""
    return (date.fromisoformat(day) - date(1970, 1, 1)).days
