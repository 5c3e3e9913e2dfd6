"""When the shop orders more of an item, and how much: by plan, or by what sells (s, S)."""

import math
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Supply
from simulator.living.settings import MarketSpec
from simulator.protocols import DAY

_MOST_UNITS = 2**31 - 1


class Restock(NamedTuple):
    """A restock order under way.

    Attributes:
        at: when it arrives, simulated seconds.
        item, units: what arrives.
        part: number of the shelf for which it is, where shelves are split.
    """

    at: float
    item: int
    units: int
    part: int = 0


class Restocking:
    """Orders more once what is on the shelf and under way has fallen to a level s, up to a level S.

    By plan, s is a share of the full shelf and S the full shelf. By sales both rise with what has
    sold lately: r units a day, an average over past days whose weight halves with every
    `forecast_half_life`. An order takes L days to come, in which about r L units sell, by a Poisson
    law; s is r L + z sqrt(r L), where z is the normal quantile of the service level, and S covers
    `cover_days` more (Silver, Pyke and Thomas, Inventory and Production Management in Supply
    Chains, 4th ed., ch. 6). Neither falls below the plan's.

    There is no luck in it: what is ordered when follows from the sales before.

    Attributes:
        rate_I: r as of the last sale of an item (units/day), 0 before the first.
        sold_at_I: when that was, simulated seconds.
    """

    def __init__(self, supply: Supply, spec: MarketSpec) -> None:
        self.supply, self.spec = supply, spec
        self.rate_I = np.zeros(len(supply.catalog))
        self.sold_at_I = np.zeros(len(supply.catalog))
        self._safety = NormalDist().inv_cdf(spec.service_level)

    def sold(self, item: int, units: int, at: float) -> None:
        """Learn from a sale."""
        per_day = math.log(2) / self.spec.forecast_half_life
        passed = (at - self.sold_at_I[item]) / DAY
        self.rate_I[item] = self.rate_I[item] * math.exp(-per_day * passed) + per_day * units
        self.sold_at_I[item] = at

    def order(self, item: int, position: int, at: float) -> Restock | None:
        """What is ordered right after a sale, if anything.

        Args:
            position: units on the shelf and under way.
            at: now, simulated seconds.
        """
        full, lead = int(self.supply.stock_I[item]), float(self.supply.lead_time_I[item])
        least, most = self.spec.restock_at * full, float(full)
        if self.spec.restock == "sales":
            in_lead = self.rate_I[item] * lead / DAY
            expected = in_lead + self._safety * math.sqrt(in_lead)
            least = max(least, expected)
            most = max(most, expected + self.rate_I[item] * self.spec.cover_days)
        if position > least:
            return None
        units = min(math.ceil(most), _MOST_UNITS) - position
        return Restock(at + lead, item, units) if units > 0 else None

    def state(self) -> dict[str, NDArray[Any]]:
        """What has been learned, as arrays for `restore`."""
        return {"rate_I": self.rate_I, "sold_at_I": self.sold_at_I}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from what had been learned."""
        self.rate_I, self.sold_at_I = state["rate_I"].copy(), state["sold_at_I"].copy()
