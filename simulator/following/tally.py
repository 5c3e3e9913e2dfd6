"""What walks add up: by shopper what pages bring, by visit the chance that anything is bought."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.behaviour.expectation import Prospect
from simulator.following.paths import Carried, Floats, Paths
from simulator.following.shortfall import Missed
from simulator.protocols import Pages, Requests

EXPECTED = (
    *("requests", "first_pages", "zero_results", "latency_sum"),
    *("exposures", "clicks", "carts", "orders", "gmv"),
    *("sessions", "clickless_sessions", "bought", "clicked"),
)
"""What is expected of each shopper, by the names of the log's columns of totals."""

LOST = ("orders", "gmv", "bought")
"""What is lost where items are gone when they are to be bought."""


@dataclass(frozen=True)
class Brought:
    """What B pages bring in expectation.

    Attributes:
        shopper_B, visit_B: whose they are, and the number of the visit.
        asked: what counts by the chance that the page is asked for.
        seen: what counts by the chance that it is also waited for.
        bought_B, clicked_B: chance that they bring the first purchase and click of the visit.
    """

    shopper_B: NDArray[np.int64]
    visit_B: NDArray[np.int64]
    asked: dict[str, Floats]
    seen: dict[str, Floats]
    bought_B: Floats
    clicked_B: Floats

    @classmethod
    def of(
        cls,
        paths: Paths,
        requests: Requests,
        pages: Pages,
        prospect: Prospect,
        carried: Carried,
        in_time_B: Floats,
    ) -> "Brought":
        """Of the pages of a block of paths.

        Args:
            in_time_B: chance that a purchase comes before the period ends.
        """
        weight_B, stays_B, brings = paths.weight_N, prospect.stays_B, prospect.brings
        first_B = requests.page_B == 0
        asked = {
            "requests": weight_B,
            "first_pages": weight_B * first_B,
            "zero_results": weight_B * (first_B & ~(pages.items_BK >= 0).any(axis=1)),
        }
        orders_B = weight_B * brings.orders_BK.sum(axis=1) + stays_B * carried.orders_B
        gmv_B = weight_B * brings.gmv_BK.sum(axis=1) + stays_B * carried.gmv_B
        seen = {
            "exposures": weight_B * brings.seen_BK.sum(axis=1),
            "clicks": weight_B * brings.clicks_BK.sum(axis=1),
            "carts": weight_B * brings.carts_BK.sum(axis=1) + stays_B * carried.carts_B,
            "orders": orders_B * in_time_B,
            "gmv": gmv_B * in_time_B,
        }
        bought_B = stays_B * (weight_B * prospect.bought_B + carried.bought_B)
        return cls(
            requests.shopper_B,
            paths.visit_N,
            asked,
            seen,
            paths.unbought_N * bought_B * in_time_B,
            paths.clickless_N * stays_B * (1 - prospect.clickless_B),
        )


class Tally:
    """The sums of one walk.

    Args:
        shoppers: of the population.
    """

    def __init__(self, shoppers: int) -> None:
        self._totals = {name: np.zeros(shoppers) for name in EXPECTED}
        self._lost = {name: np.zeros(shoppers) for name in LOST[:2]}
        self._shopper_V: list[NDArray[np.int64]] = []
        self._visits = 0
        self._chance_3V = np.zeros((3, 0))  # by visit, of meaning to buy, of clicking, of missing

    def begin(self, shopper_N: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N,) numbers of new visits of these shoppers."""
        number_N = self._visits + np.arange(len(shopper_N))
        self._visits += len(shopper_N)
        self._shopper_V.append(shopper_N)
        before = self._chance_3V.shape[1]
        if self._visits > before:
            room = np.zeros((3, max(self._visits, 2 * before)))
            room[:, :before] = self._chance_3V
            self._chance_3V = room
        return number_N

    def add(
        self,
        brought: Brought,
        latency_B: NDArray[np.float32],
        asked: Floats | float = 1.0,
        seen: Floats | float = 1.0,
    ) -> None:
        """Add what pages bring.

        Args:
            brought: of B pages.
            latency_B: how late they come.
            asked, seen: factors, (B,) or one for all, of what counts by either chance.
        """
        late_B = brought.asked["requests"] * latency_B
        columns = ((brought.asked | {"latency_sum": late_B}, asked), (brought.seen, seen))
        for values, factor in columns:
            for name, value_B in values.items():
                np.add.at(self._totals[name], brought.shopper_B, factor * value_B)
        for row, chance_B in enumerate((brought.bought_B, brought.clicked_B)):
            np.add.at(self._chance_3V[row], brought.visit_B, seen * chance_B)

    def miss(
        self, shopper_R: NDArray[np.int64], visit_R: NDArray[np.int64], missed: Missed
    ) -> None:
        """Take off what is lost of R purchases."""
        np.add.at(self._lost["orders"], shopper_R, missed.orders_R)
        np.add.at(self._lost["gmv"], shopper_R, missed.gmv_R)
        np.add.at(self._chance_3V[2], visit_R, missed.bought_R)

    def totals(self) -> dict[str, NDArray[np.float64] | NDArray[np.int64]]:
        """A row for each shopper with a request: `EXPECTED`, net of `LOST` (as `lost_NAME`)."""
        shopper_V = np.concatenate([*self._shopper_V, np.zeros(0, np.int64)])
        meant_V, clicked_V, missed_V = self._chance_3V[:, : len(shopper_V)]
        totals = {name: column.copy() for name, column in self._totals.items()}
        shoppers = len(totals["requests"])
        totals["bought"] = _any(shopper_V, meant_V - missed_V, shoppers)
        totals["clicked"] = _any(shopper_V, clicked_V, shoppers)
        lost = {f"lost_{name}": column for name, column in self._lost.items()}
        lost["lost_bought"] = _any(shopper_V, meant_V, shoppers) - totals["bought"]
        for name, column in self._lost.items():
            totals[name] -= column
        np.add.at(totals["sessions"], shopper_V, 1.0)
        np.add.at(totals["clickless_sessions"], shopper_V, 1.0 - clicked_V)
        who = np.flatnonzero(totals["requests"] > 0)
        return {"shopper": who, **{name: each[who] for name, each in (totals | lost).items()}}


def _any(shopper_V: NDArray[np.int64], chance_V: Floats, shoppers: int) -> Floats:
    """(S,) chance that at least one of a shopper's visits has what each has with its chance."""
    none_S = np.ones(shoppers)
    np.multiply.at(none_S, shopper_V, 1 - chance_V)
    return np.asarray(1 - none_S)
