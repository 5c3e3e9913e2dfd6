"""A shelf: units of every item for those who buy from it, and the orders that fill it up again."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Supply
from simulator.living.settings import MarketSpec
from simulator.living.shelves.restocking import Restock, Restocking
from simulator.randomness import Draws


@dataclass
class Shelf:
    """All that is for sale to some of the shoppers, or to all of them.

    Attributes:
        restocking: when how much is ordered; `stock_I` of its supply are the full shelves.
        stock_I: units there now.
        on_order_I: units under way.
        restocks: orders under way.
    """

    restocking: Restocking
    stock_I: NDArray[np.int64]
    on_order_I: NDArray[np.int64]
    restocks: list[Restock] = field(default_factory=list)

    @classmethod
    def full(cls, supply: Supply, spec: MarketSpec) -> Self:
        """As it is before the first day."""
        nothing_I = np.zeros(len(supply.catalog), np.int64)
        return cls(Restocking(supply, spec), supply.stock_I.astype(np.int64), nothing_I)

    def take(self, item: int, quantity: int, at: float) -> int:
        """Sell up to `quantity` units at this moment; returns how many there were."""
        sold = int(min(quantity, self.stock_I[item]))
        if sold:
            self.stock_I[item] -= sold
            self.restocking.sold(item, sold, at)
        return sold

    def reorder(self, item: int, at: float, part: int = 0) -> Restock | None:
        """What is ordered right after a sale, if anything; `part` is the number of this shelf."""
        position = int(self.stock_I[item] + self.on_order_I[item])
        order = self.restocking.order(item, position, at)
        if order is None:
            return None
        order = order._replace(part=part)
        self.on_order_I[item] += order.units
        self.restocks.append(order)
        return order

    def receive(self, order: Restock) -> None:
        """An order of this shelf arrives."""
        self.stock_I[order.item] += order.units
        self.on_order_I[order.item] -= order.units
        self.restocks.remove(order)

    def split(self, shares: Sequence[float], draws: Draws) -> tuple["Shelf", ...]:
        """A shelf for each of some parts of the shoppers, all together as much as this one.

        What is there, what is under way and what fills the shelf are divided by the shares, each in
        whole units, see `parts_of`; past sales by the shares themselves.

        Args:
            shares: of the parts, sum to 1.
            draws: luck of the rounding.
        """
        supply, spec = self.restocking.supply, self.restocking.spec
        luck_I = draws.uniform("shelf.part", slot=np.arange(len(self.stock_I)))
        full_PI = parts_of(supply.stock_I, shares, luck_I).astype(np.int32)
        stock_PI = parts_of(self.stock_I, shares, luck_I)
        units_N = np.array([order.units for order in self.restocks], np.int64)
        luck_N = self._luck_of_orders(draws)
        units_PN = parts_of(units_N, shares, luck_N)
        shelves = []
        for part, share in enumerate(shares):
            own = Restocking(replace(supply, stock_I=full_PI[part]), spec)
            own.rate_I = share * self.restocking.rate_I
            own.sold_at_I = self.restocking.sold_at_I.copy()
            orders = [
                order._replace(units=units, part=part)
                for order, units in zip(self.restocks, units_PN[part].tolist(), strict=True)
                if units
            ]
            on_order_I = np.zeros_like(self.on_order_I)
            np.add.at(on_order_I, [each.item for each in orders], [each.units for each in orders])
            shelves.append(Shelf(own, stock_PI[part], on_order_I, orders))
        return tuple(shelves)

    def _luck_of_orders(self, draws: Draws) -> NDArray[np.float64]:
        """(N,) that of each order under way, whatever their order in the list."""
        when_N = np.array([round(1_000 * order.at) for order in self.restocks], np.int64)
        item_N = np.array([order.item for order in self.restocks], np.int64)
        return draws.uniform("shelf.part.order", request=when_N, slot=item_N)

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that changes, as arrays for `restore`."""
        under_way = [(order.at, order.item, order.units) for order in self.restocks]
        return {
            "stock_I": self.stock_I,
            "on_order_I": self.on_order_I,
            **self.restocking.state(),
            "restocks": np.array(under_way, np.float64).reshape(-1, 3),
        }

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from a saved state."""
        self.stock_I, self.on_order_I = state["stock_I"].copy(), state["on_order_I"].copy()
        self.restocking.restore(state)
        self.restocks = [
            Restock(float(at), int(item), int(units)) for at, item, units in state["restocks"]
        ]


def parts_of(
    units_N: NDArray[np.integer[Any]], shares: Sequence[float], luck_N: NDArray[np.float64]
) -> NDArray[np.int64]:
    """(P, N) whole units of each part, all together those that there are.

    A part has its share rounded up or down, and on average its share: one luck moves all bounds
    between the parts (systematic sampling, Madow, Annals of Mathematical Statistics 20, 1949).

    Args:
        units_N: units to be divided.
        shares: of the parts, sum to 1.
        luck_N: uniform on (0, 1).
    """
    bounds = np.cumsum([0.0, *shares])
    bounds[-1] = 1.0  # whatever rounding has left of it
    edges_PN = np.floor(bounds[:, None] * units_N + luck_N).astype(np.int64)
    return np.asarray(np.diff(edges_PN, axis=0))
