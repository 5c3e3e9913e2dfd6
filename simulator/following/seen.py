"""The pages that a world has served since the last refresh, to be found again by their request."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints
from simulator.living.sessions import Sessions
from simulator.protocols import Pages, Requests, request_ids
from simulator.shoppers.memory import Memory

_SAME = ("text_B", "page_B", "at_B")
_ROWS = ("history_BH", "earlier_BQ")


class SeenPages:
    """Requests and their pages; first all are added, then they are looked up.

    Between two refreshes pages are a pure function of requests, so a request that is met again,
    with the same words, page, history and earlier texts at the same moment, has the same page.
    """

    def __init__(self) -> None:
        self._blocks: list[tuple[Requests, Pages]] = []
        self._columns: dict[str, NDArray[Any]] = {}

    def add(self, requests: Requests, pages: Pages) -> None:
        """Remember a block."""
        self._blocks.append((requests, pages))

    def history(self, opened: Sessions, memory: Memory) -> Ints:
        """(N, H) the last clicks that sessions came in with.

        Args:
            opened: sessions at their first request.
            memory: of the world; whose request was not seen has the clicks that stand there.
        """
        at_N = self._at(request_ids(opened.id_N, opened.request_N))
        history_NH = memory.clicked_SH[opened.shopper_N]
        found = np.flatnonzero(at_N >= 0)
        if len(found):
            history_NH[found] = self._column("history_BH")[at_N[found]]
        return history_NH

    def find(self, requests: Requests) -> NDArray[np.int64]:
        """(B,) number of the page of each request, -1 where the very request was not seen."""
        at_B = self._at(requests.id_B)
        found = np.flatnonzero(at_B >= 0)
        if not len(found):
            return at_B
        same = np.ones(len(found), np.bool_)
        for name in _ROWS:
            there = self._column(name)[at_B[found]]
            same &= (there == getattr(requests, name)[found]).all(axis=1)
        for name in _SAME:
            same &= self._column(name)[at_B[found]] == getattr(requests, name)[found]
        at_B[found[~same]] = -1
        return at_B

    def pages(self, at_B: NDArray[np.int64], served: Pages | None = None) -> Pages:
        """The pages of these numbers, and of the rows without one those that were served now."""
        kept, new = np.flatnonzero(at_B >= 0), np.flatnonzero(at_B < 0)
        seen_RK = self._column("items_BK")
        slots = max(seen_RK.shape[1], served.items_BK.shape[1] if served is not None else 0)
        items_BK = np.full((len(at_B), slots), -1, np.int32)
        latency_B = np.zeros(len(at_B), np.float32)
        items_BK[kept, : seen_RK.shape[1]] = seen_RK[at_B[kept]]
        latency_B[kept] = self._column("latency_B")[at_B[kept]]
        if served is not None:
            items_BK[new, : served.items_BK.shape[1]] = served.items_BK
            latency_B[new] = served.latency_B
        return Pages.bare(items_BK, latency_B)

    def _at(self, id_B: NDArray[np.int64]) -> NDArray[np.int64]:
        if not self._blocks:
            return np.full(len(id_B), -1, np.int64)
        order_R, seen_R = self._column("order"), self._column("sorted")
        place_B = np.minimum(np.searchsorted(seen_R, id_B), len(order_R) - 1)
        return np.where(seen_R[place_B] == id_B, order_R[place_B], -1)

    def _column(self, name: str) -> NDArray[Any]:
        """A column of all blocks together, made when it is first asked for."""
        if not self._columns and self._blocks:
            joined = {
                each: np.concatenate([getattr(requests, each) for requests, _ in self._blocks])
                for each in ("id_B", *_ROWS, *_SAME)
            }
            joined["latency_B"] = np.concatenate([pages.latency_B for _, pages in self._blocks])
            joined["items_BK"] = _stacked([pages.items_BK for _, pages in self._blocks])
            joined["order"] = np.argsort(joined["id_B"])
            joined["sorted"] = joined["id_B"][joined["order"]]
            self._columns = joined
        nothing = np.zeros((0, 0) if name.endswith(("K", "H", "Q")) else 0, np.int32)
        return self._columns.get(name, nothing)


def _stacked(parts: list[Ints]) -> Ints:
    """Blocks of pages under each other, as wide as the widest."""
    slots = max(part.shape[1] for part in parts)
    wide = [
        np.pad(part, ((0, 0), (0, slots - part.shape[1])), constant_values=-1) for part in parts
    ]
    return np.concatenate(wide)
