"""The shelf: stock, restocking, prices, items that come and go, and what the shop counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Supply
from simulator.living.settings import MarketSpec, Promotion
from simulator.living.shelves.restocking import Restock
from simulator.living.shelves.shelf import Shelf
from simulator.living.shelves.stock import StockTrace
from simulator.protocols import Index, ItemStatistics
from simulator.randomness import Draws


@dataclass
class Market:
    """The state of supply in one world, and what the shop has counted of its items.

    Events of the world change stock, prices and orders; exposures and clicks are counted by the
    desk as it plans them. Nobody reads the counts before the next day begins.

    Attributes:
        shelves: one for all arms, or one for each.
        price_I: current price.
        usual_I: price but for the day's promotions.
        exposures_AI, clicks_AI, orders_AI: decayed counts per arm (or one shared row).
        trace: where changes of stock are noted, if anywhere.
    """

    supply: Supply
    spec: MarketSpec
    shelves: tuple[Shelf, ...]
    price_I: NDArray[np.float64]
    usual_I: NDArray[np.float64]
    exposures_AI: NDArray[np.float64]
    clicks_AI: NDArray[np.float64]
    orders_AI: NDArray[np.float64]
    trace: StockTrace | None = None

    @classmethod
    def opening(cls, supply: Supply, spec: MarketSpec) -> "Market":
        """The market before the first day: full shelves, list prices, nothing counted."""
        items = len(supply.catalog)
        return cls(
            supply=supply,
            spec=spec,
            shelves=(Shelf.full(supply, spec),),
            price_I=supply.catalog.price_I.copy(),
            usual_I=supply.catalog.price_I.copy(),
            exposures_AI=np.zeros((1, items)),
            clicks_AI=np.zeros((1, items)),
            orders_AI=np.zeros((1, items)),
        )

    @property
    def stock_I(self) -> NDArray[np.int64]:
        """Units on the shelf now; of shelves that are split, a sum."""
        return self._summed("stock_I")

    @property
    def on_order_I(self) -> NDArray[np.int64]:
        """Units under way; of shelves that are split, a sum."""
        return self._summed("on_order_I")

    @property
    def restocks(self) -> list[Restock]:
        """Orders under way, of all shelves."""
        return [order for shelf in self.shelves for order in shelf.restocks]

    def _summed(self, name: str) -> NDArray[np.int64]:
        arrays: list[NDArray[np.int64]] = [getattr(shelf, name) for shelf in self.shelves]
        return arrays[0] if len(arrays) == 1 else np.stack(arrays).sum(axis=0)

    def separate_stock(self, shares: Sequence[float], draws: Draws) -> None:
        """Each arm sells from its own part of every shelf from here on, see `Shelf.split`."""
        (whole,) = self.shelves
        self.shelves = whole.split(shares, draws)

    def separate_statistics(self, arms: int) -> None:
        """Count per arm from here on; each arm starts from what was counted together."""
        for name in ("exposures_AI", "clicks_AI", "orders_AI"):
            setattr(self, name, np.repeat(getattr(self, name)[:1], arms, axis=0))

    def on_sale(self, at: float) -> NDArray[np.bool_]:
        """(I,) items that have come and have not left."""
        catalog = self.supply.catalog
        return (catalog.created_at_I <= at) & (at < catalog.retired_at_I)

    def statistics(self) -> tuple[ItemStatistics, ...]:
        """A copy of the counts, one for each arm or a single shared one."""
        return tuple(
            ItemStatistics(
                self.exposures_AI[arm].astype(np.float32),
                self.clicks_AI[arm].astype(np.float32),
                self.orders_AI[arm].astype(np.float32),
            )
            for arm in range(len(self.exposures_AI))
        )

    def index(self, at: float, statistics: tuple[ItemStatistics, ...]) -> Index:
        """The snapshot that funnels read until the next refresh.

        Args:
            statistics: as of the last daily refresh.
        """
        shown = self.spec.sold_out == "shown"
        there_AI = np.array([shown | (shelf.stock_I > 0) for shelf in self.shelves])
        there_AI &= self.on_sale(at)
        return Index(
            at=at,
            price_I=self.price_I.copy(),
            available_I=np.asarray(there_AI.any(axis=0)),
            statistics=statistics,
            parts_AI=there_AI if len(there_AI) > 1 else None,
        )

    def count_exposures(
        self,
        arm_X: NDArray[np.int8],
        item_X: NDArray[np.int32],
        clicked_X: NDArray[np.bool_],
    ) -> None:
        """Add X exposures to the counts of their arms."""
        arms, items = self.exposures_AI.shape
        row_X = arm_X.astype(np.int64) if arms > 1 else np.zeros(len(arm_X), np.int64)
        cell_X = row_X * items + item_X
        size = arms * items
        self.exposures_AI += np.bincount(cell_X, minlength=size).reshape(arms, items)
        self.clicks_AI += np.bincount(cell_X[clicked_X], minlength=size).reshape(arms, items)

    def take(self, item: int, quantity: int, at: float, arm: int, session: int) -> int:
        """Sell up to `quantity` units to a session at this moment; returns how many there were."""
        catalog = self.supply.catalog
        if not catalog.created_at_I[item] <= at < catalog.retired_at_I[item]:
            return 0
        sold = self.shelves[self._part(arm)].take(item, quantity, at)
        if sold:
            self.orders_AI[arm if len(self.orders_AI) > 1 else 0, item] += 1
            self._note(at, item)
            if self.trace is not None:
                self.trace.sales.append((at, session, item, sold))
        return sold

    def reorder(self, item: int, at: float, arm: int = 0) -> Restock | None:
        """What is ordered right after a sale of an arm, if anything."""
        part = self._part(arm)
        return self.shelves[part].reorder(item, at, part)

    def receive(self, order: Restock) -> None:
        """A restock order arrives."""
        self.shelves[order.part].receive(order)
        self._note(order.at, order.item)

    def take_back(self, item: int, units: int, at: float, arm: int = 0) -> None:
        """Units that an arm had sold stand on the shelf again."""
        self.shelves[self._part(arm)].stock_I[item] += units
        self._note(at, item)

    def _part(self, arm: int) -> int:
        """The number of the shelf that an arm sells from."""
        return arm if len(self.shelves) > 1 else 0

    def _note(self, at: float, item: int) -> None:
        if self.trace is not None:
            self.trace.moves.append((at, item, int(self.stock_I[item])))

    def new_day(self, day: int, draws: Draws, promotions: Sequence[Promotion] = ()) -> None:
        """Some prices change, promotions end and begin, and the past counts for less.

        Args:
            promotions: of all days; of two on one day, an item in both has both discounts.
        """
        item_I = np.arange(len(self.price_I))
        changes_I = draws.uniform("price.changes", day, slot=item_I) < self.spec.price_changes
        changed = np.flatnonzero(changes_I)
        shift = self.spec.price_sigma * draws.normal("price.shift", day, slot=changed)
        self.usual_I[changed] *= np.exp(shift)
        self.price_I = self.usual_I.copy()
        for number, promotion in enumerate(promotions):
            if promotion.day == day and promotion.discount:
                luck_I = draws.uniform("promotion.items", day, number, slot=item_I)
                self.price_I[luck_I < promotion.items] *= 1 - promotion.discount
        keep = 0.5 ** (1.0 / self.spec.statistics_half_life)
        for counts_AI in (self.exposures_AI, self.clicks_AI, self.orders_AI):
            counts_AI *= keep

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that changes, as arrays for `restore`.

        Shelves that are split are told as sums: no world goes on from them.
        """
        counts = ("price_I", "usual_I", "exposures_AI", "clicks_AI", "orders_AI")
        arrays = {name: np.asarray(getattr(self, name)) for name in counts}
        if len(self.shelves) == 1:
            return arrays | self.shelves[0].state()
        return arrays | {"stock_I": self.stock_I, "on_order_I": self.on_order_I}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from a saved state; of a market whose shelves were not split."""
        (shelf,) = self.shelves
        shelf.restore(state)
        for name, array in state.items():
            if name not in shelf.state():
                setattr(self, name, array.copy())
