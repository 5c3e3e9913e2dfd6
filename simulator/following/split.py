"""What walks bring by parts of the requests, such as the wording or how common a text is.

A part has few of a shopper's requests, so sums are kept for the shoppers that it has.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints
from simulator.following.paths import Floats
from simulator.following.shortfall import Missed
from simulator.following.tally import Brought
from simulator.protocols import Requests
from simulator.shoppers.needs import Needs

SPLIT = ("requests", "orders", "gmv", "lost_orders", "lost_gmv")
"""What is told of each part: orders and money net of what is lost, and that, as of a `Tally`."""

_PENDING = 1 << 16
"""Rows that wait at least until they are added up."""


class Sorting(Protocol):
    """Sorts requests in several ways, each of which has parts of its own.

    Attributes:
        parts: number P of parts of all ways.
    """

    parts: int

    def __call__(self, requests: Requests, needs: Needs) -> Ints:
        """(B, C) the part, below P, of each of B requests in each of C ways; -1: in none."""
        ...


class _Unsorted:
    """Sorts requests in no way."""

    parts = 0

    def __call__(self, requests: Requests, needs: Needs) -> Ints:
        """(B, 0)."""
        return np.zeros((len(requests), 0), np.int32)


UNSORTED: Sorting = _Unsorted()


class SplitTally:
    """The sums of one walk by part of the requests.

    Args:
        parts: number of parts.
        categories: of the catalogue; a last one is none.
    """

    def __init__(self, parts: int, categories: int) -> None:
        self._parts = parts
        self._categories = categories + 1
        self._key_N = np.zeros(0, np.int64)  # shopper and part, ascending
        self._sum_NV = np.zeros((0, len(SPLIT)))
        self._pending: list[tuple[NDArray[np.int64], Floats]] = []
        self._waiting = 0
        self._by_category_PGV = np.zeros((parts, self._categories, len(SPLIT)))

    def add(self, brought: Brought, part_BC: Ints) -> None:
        """Add what B pages bring to the parts of their requests."""
        nothing_B = np.zeros(len(part_BC))
        columns = (brought.asked["requests"], brought.seen["orders"], brought.seen["gmv"])
        value_BV = np.stack([*columns, nothing_B, nothing_B], axis=1)
        self._add(brought.shopper_B, brought.category_B, part_BC, value_BV)

    def miss(
        self, shopper_R: NDArray[np.int64], category_R: Ints, part_RC: Ints, missed: Missed
    ) -> None:
        """Take off what is lost of R purchases."""
        lost = missed.orders_R, missed.gmv_R
        value_RV = np.stack([np.zeros(len(part_RC)), *(-each for each in lost), *lost], axis=1)
        self._add(shopper_R, category_R, part_RC, value_RV)

    def by_shopper(self) -> dict[str, NDArray[np.int64] | Floats]:
        """Columns `shopper`, `part` and `SPLIT`, a row for each part that a shopper has."""
        self._add_up()
        columns: dict[str, NDArray[np.int64] | Floats] = {
            "shopper": self._key_N // self._parts,
            "part": self._key_N % self._parts,
        }
        return columns | dict(zip(SPLIT, self._sum_NV.T, strict=True))

    def by_category(self) -> dict[str, NDArray[np.int64] | Floats]:
        """Columns `part` and `SPLIT`: for each part a row for each category, none in the last."""
        columns: dict[str, NDArray[np.int64] | Floats] = {
            "part": np.repeat(np.arange(self._parts), self._categories)
        }
        flat_NV = self._by_category_PGV.reshape(-1, len(SPLIT))
        return columns | dict(zip(SPLIT, flat_NV.T, strict=True))

    def _add(
        self, shopper_B: NDArray[np.int64], category_B: Ints, part_BC: Ints, value_BV: Floats
    ) -> None:
        for part_B in part_BC.T:
            rows = np.flatnonzero(part_B >= 0)
            key_B = shopper_B[rows].astype(np.int64) * self._parts + part_B[rows]
            self._pending.append((key_B, value_BV[rows]))
            self._waiting += len(rows)
            at = (part_B[rows], category_B[rows])
            np.add.at(self._by_category_PGV, at, value_BV[rows])
        if self._waiting > max(_PENDING, len(self._key_N)):
            self._add_up()

    def _add_up(self) -> None:
        """Join what waits with what is known: one row for each shopper and part."""
        if not self._pending:
            return
        keys, sums = zip(*self._pending, strict=True)
        self._key_N, at_N = np.unique(np.concatenate([self._key_N, *keys]), return_inverse=True)
        value_NV = np.concatenate([self._sum_NV, *sums])
        self._sum_NV = np.stack(
            [np.bincount(at_N, column_N, len(self._key_N)) for column_N in value_NV.T], axis=1
        )
        self._pending, self._waiting = [], 0
