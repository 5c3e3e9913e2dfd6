"""What was bought, of either log, in one form."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.validate.evidence import PeriodLog
from simulator.protocols import DAY

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sales:
    """L items bought, in the order of time.

    Attributes:
        shopper_L, order_L, item_L: numbers from 0, each in use.
        at_L: seconds of the shop's clock since the midnight before the first day.
        price_L: of one unit.
        quantity_L: units.
        days: of the period.
    """

    shopper_L: Ints
    order_L: Ints
    item_L: Ints
    at_L: Floats
    price_L: Floats
    quantity_L: Floats
    days: int

    @classmethod
    def of(cls, columns: dict[str, NDArray[Any]], start: float, days: int) -> "Sales":
        """From columns `shopper`, `order`, `item`, `at`, `price` and `quantity` by any keys."""
        order = np.argsort(columns["at"], kind="stable")
        kept = {name: np.asarray(column)[order] for name, column in columns.items()}
        shopper_L, order_L, item_L = (
            np.unique(kept[name], return_inverse=True)[1].astype(np.int64)
            for name in ("shopper", "order", "item")
        )
        return cls(
            shopper_L=shopper_L,
            order_L=order_L,
            item_L=item_L,
            at_L=kept["at"].astype(np.float64) - start,
            price_L=kept["price"].astype(np.float64),
            quantity_L=kept["quantity"].astype(np.float64),
            days=days,
        )

    def rows(self, rows: NDArray[np.bool_]) -> "Sales":
        """Some of the rows, numbered anew."""
        return Sales.of(self._columns(rows), 0.0, self.days)

    def last(self, days: int) -> "Sales":
        """What was bought in the last days."""
        if days >= self.days:
            return self
        start = (self.days - days) * DAY
        return Sales.of(self._columns(self.at_L >= start), start, days)

    def _columns(self, rows: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
        names = [each.name for each in fields(self) if each.name != "days"]
        return {name.removesuffix("_L"): getattr(self, name)[rows] for name in names}

    def __len__(self) -> int:
        return len(self.item_L)

    @property
    def shoppers(self) -> int:
        """How many bought."""
        return int(self.shopper_L.max(initial=-1)) + 1

    @cached_property
    def orders(self) -> "Baskets":
        """The orders, in the order of time."""
        count = int(self.order_L.max(initial=-1)) + 1
        first_O = np.full(count, len(self))
        np.minimum.at(first_O, self.order_L, np.arange(len(self)))
        pairs = np.unique(np.stack([self.order_L, self.item_L]), axis=1)
        value_L = self.price_L * self.quantity_L
        # The last of each order's rows by price.
        by_price = np.lexsort((-self.item_L, self.price_L, self.order_L))
        dearest_O = by_price[np.searchsorted(self.order_L[by_price], np.arange(count), "right") - 1]
        by_time = np.argsort(first_O, kind="stable")
        return Baskets(
            shopper_O=self.shopper_L[first_O][by_time],
            at_O=self.at_L[first_O][by_time],
            value_O=np.bincount(self.order_L, value_L, count).astype(float)[by_time],
            items_O=np.bincount(pairs[0], minlength=count).astype(float)[by_time],
            units_O=np.bincount(self.order_L, self.quantity_L, count).astype(float)[by_time],
            dearest_O=self.price_L[dearest_O][by_time],
            item_O=self.item_L[dearest_O][by_time],
        )


@dataclass(frozen=True)
class Baskets:
    """O orders: whose they were, when, what they were worth, how many items and units they held.

    `dearest_O` is the greatest price of one unit, and `item_O` the item that costs it.
    """

    shopper_O: Ints
    at_O: Floats
    value_O: Floats
    items_O: Floats
    units_O: Floats
    dearest_O: Floats
    item_O: Ints

    def __len__(self) -> int:
        return len(self.shopper_O)

    @cached_property
    def since_O(self) -> Floats:
        """(O,) days since the shopper's order before; NaN for the first."""
        order = np.lexsort((np.arange(len(self)), self.at_O, self.shopper_O))
        same = np.diff(self.shopper_O[order], prepend=-1) == 0
        gap = np.diff(self.at_O[order], prepend=0.0) / DAY
        found_O = np.full(len(self), np.nan)
        found_O[order[same]] = gap[same]
        return found_O

    @cached_property
    def before_O(self) -> Floats:
        """(O,) how many orders of the shopper there were before."""
        order = np.lexsort((np.arange(len(self)), self.at_O, self.shopper_O))
        shopper = self.shopper_O[order]
        starts = np.searchsorted(shopper, shopper, side="left")
        found_O = np.empty(len(self))
        found_O[order] = np.arange(len(self)) - starts
        return found_O


def simulated_sales(log: PeriodLog, days: int | None = None) -> Sales:
    """What was bought in a simulated period, or in its last days; one session's rows are an order.

    Args:
        log: of the period.
        days: at its end; None: all of it.
    """
    days = log.days if days is None else min(days, log.days)
    start = log.end - days * DAY
    columns = log.columns(
        f'SELECT shopper, session AS "order", item, "at", price, quantity FROM {log.own("orders")} '
        f'WHERE "at" >= {start!r} ORDER BY "at", request, item'
    )
    return Sales.of(columns, start, days)
