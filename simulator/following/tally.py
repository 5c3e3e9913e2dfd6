"""What walks add up: what pages bring by shopper, and by the category that is wanted.

Shoppers are independent, categories nearly so: what the state of a world does by luck (an item that
runs out, another that becomes popular) it does to all who want the category at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.behaviour.expectation import Prospect
from simulator.catalogue.catalog import Ints
from simulator.following.paths import Carried, Floats, Paths
from simulator.following.shortfall import Missed
from simulator.protocols import Pages, Requests

EXPECTED = (
    *("requests", "first_pages", "zero_results", "latency_sum"),
    *("exposures", "clicks", "carts", "orders", "baskets", "gmv"),
    *("sessions", "clickless_sessions", "bought", "clicked"),
)
"""What is expected of each shopper, by the names of the log's columns of totals."""

LOST = ("orders", "baskets", "gmv", "bought")
"""What is lost where items are gone when they are to be bought."""


@dataclass(frozen=True)
class Brought:
    """What B pages bring in expectation.

    Attributes:
        shopper_B, visit_B: whose they are, and the number of the visit.
        category_B: what is wanted, -1 where nothing in the shop would serve.
        asked: what counts by the chance that the page is asked for.
        seen: what counts by the chance that it is also waited for.
        bought_B, clicked_B: chance that they bring the first purchase and click of the visit.
    """

    shopper_B: NDArray[np.int64]
    visit_B: NDArray[np.int64]
    category_B: Ints
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
        category_B: Ints,
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
        baskets_B = stays_B * (weight_B * prospect.bought_B + carried.bought_B)
        seen = {
            "exposures": weight_B * brings.seen_BK.sum(axis=1),
            "clicks": weight_B * brings.clicks_BK.sum(axis=1),
            "carts": weight_B * brings.carts_BK.sum(axis=1) + stays_B * carried.carts_B,
            "orders": orders_B * in_time_B,
            "baskets": baskets_B * in_time_B,
            "gmv": gmv_B * in_time_B,
        }
        return cls(
            requests.shopper_B,
            paths.visit_N,
            category_B,
            asked,
            seen,
            paths.unbought_N * seen["baskets"],
            paths.clickless_N * stays_B * (1 - prospect.clickless_B),
        )


class Tally:
    """The sums of one walk.

    Args:
        shoppers: of the population.
        categories: of the catalogue.
    """

    def __init__(self, shoppers: int, categories: int) -> None:
        # By shopper, and by category with a row for -1 at the end.
        self._sums = tuple(_Sums(rows) for rows in (shoppers, categories + 1))
        self._visits: list[tuple[NDArray[np.int64], Ints]] = []
        self._count = 0
        self._chance_3V = np.zeros((3, 0))  # by visit, of meaning to buy, of clicking, of missing

    def begin(self, shopper_N: NDArray[np.int64], category_N: Ints) -> NDArray[np.int64]:
        """(N,) numbers of new visits of these shoppers, who begin with these categories."""
        number_N = self._count + np.arange(len(shopper_N))
        self._count += len(shopper_N)
        self._visits.append((shopper_N, category_N))
        before = self._chance_3V.shape[1]
        if self._count > before:
            room = np.zeros((3, max(self._count, 2 * before)))
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
        weighed = {
            name: factor * value_B for values, factor in columns for name, value_B in values.items()
        }
        self._sums[0].add(brought.shopper_B, weighed)
        self._sums[1].add(brought.category_B, weighed)
        for row, chance_B in enumerate((brought.bought_B, brought.clicked_B)):
            np.add.at(self._chance_3V[row], brought.visit_B, seen * chance_B)

    def miss(
        self,
        shopper_R: NDArray[np.int64],
        visit_R: NDArray[np.int64],
        category_R: Ints,
        missed: Missed,
    ) -> None:
        """Take off what is lost of R purchases."""
        lost = {
            "lost_orders": missed.orders_R,
            "lost_baskets": missed.baskets_R,
            "lost_gmv": missed.gmv_R,
        }
        self._sums[0].add(shopper_R, lost)
        self._sums[1].add(category_R, lost)
        np.add.at(self._chance_3V[2], visit_R, missed.bought_R)

    def totals(self) -> dict[str, NDArray[np.float64] | NDArray[np.int64]]:
        """A row for each shopper with a request: `EXPECTED`, net of `LOST` (as `lost_NAME`)."""
        columns = self._columns(0)
        who = np.flatnonzero(columns["requests"] > 0)
        return {"shopper": who, **{name: column[who] for name, column in columns.items()}}

    def by_category(self) -> dict[str, Floats]:
        """The same of each category, and of none in the last row; what visits have goes to their
        first one. A shopper who buys counts for the visit that buys first.
        """
        return self._columns(1)

    def _columns(self, by: int) -> dict[str, Floats]:
        sums = self._sums[by]
        nothing = (np.zeros(0, np.int64), np.zeros(0, np.int32))
        shopper_V, category_V = (
            np.concatenate(each) for each in zip(*self._visits, nothing, strict=True)
        )
        at_V = (shopper_V, category_V)[by]
        meant_V, clicked_V, missed_V = self._chance_3V[:, : len(shopper_V)]
        first_3V = (
            _first(shopper_V, chance_V) for chance_V in (meant_V - missed_V, clicked_V, meant_V)
        )
        bought, clicked, meant = (sums.of(at_V, first_V) for first_V in first_3V)
        columns = {name: sums.total(name) for name in EXPECTED}
        columns |= {f"lost_{name}": sums.total(f"lost_{name}") for name in LOST}
        for name in LOST:
            columns[name] -= columns[f"lost_{name}"]
        columns |= {"bought": bought, "clicked": clicked, "lost_bought": meant - bought}
        columns["sessions"] = sums.of(at_V, np.ones(len(at_V)))
        columns["clickless_sessions"] = sums.of(at_V, 1.0 - clicked_V)
        return columns


class _Sums:
    """Columns of sums over the same rows; -1 is the last of them."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._totals: dict[str, Floats] = {}

    def add(self, at_B: NDArray[np.integer], values: dict[str, Floats]) -> None:
        """Add to each column what B events bring to their rows."""
        for name, value_B in values.items():
            total = self._totals.setdefault(name, np.zeros(self._rows))
            np.add.at(total, at_B, value_B)

    def total(self, name: str) -> Floats:
        """A column, 0 where nothing was added; a copy."""
        return self._totals.get(name, np.zeros(self._rows)).copy()

    def of(self, at_V: NDArray[np.integer], value_V: Floats) -> Floats:
        """One more column, of what V events bring to their rows."""
        total = np.zeros(self._rows)
        np.add.at(total, at_V, value_V)
        return total


def _first(shopper_V: NDArray[np.int64], chance_V: Floats) -> Floats:
    """(V,) chance that a visit is the first of its shopper's to have what each has by its chance.

    Their sum over a shopper's visits, in the order of V, is the chance that any of them has it.
    """
    order_V = np.argsort(shopper_V, kind="stable")
    begins_V = np.flatnonzero(np.diff(shopper_V[order_V], prepend=-1))
    lengths = np.diff(begins_V, append=len(order_V))
    number_V = np.arange(len(order_V)) - np.repeat(begins_V, lengths)  # of its shopper's visits
    by_number_V = order_V[np.argsort(number_V, kind="stable")]
    ends = np.cumsum(np.bincount(number_V)) if len(order_V) else np.zeros(1, np.int64)
    first_V = np.zeros(len(order_V))
    none_S = np.ones(int(shopper_V.max(initial=0)) + 1)
    for rows in np.split(by_number_V, ends[:-1]):
        who = shopper_V[rows]
        first_V[rows] = chance_V[rows] * none_S[who]
        none_S[who] *= 1 - chance_V[rows]
    return first_V
