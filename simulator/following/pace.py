"""What pages of one service would bring, came they as late as those of another one.

Two walks of one world follow the same paths, so a request of the one is a request of the other.
Lateness acts by the chance that a shopper waits, and that chance is a factor of its own in the
weight of every later page. So what control's pages would bring at the treatment's latency is what
they bring, times a ratio that a path carries along; no page is made for it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.behaviour.behavior import Behavior
from simulator.behaviour.expectation import stays
from simulator.protocols import Requests
from simulator.shoppers.needs import Needs

_KEPT = 2
"""Intervals between refreshes whose latencies are kept: a walk may come to a request in the next
one, where its own pages are later."""

_ODD = np.uint64(0x9E3779B97F4A7C15)


class Pace:
    """How late the pages of one walk come, for another one of the same world."""

    def __init__(self) -> None:
        self._intervals: list[list[tuple[NDArray[np.uint64], NDArray[np.float32]]]] = [[]]
        self._sorted: tuple[NDArray[np.uint64], NDArray[np.float32]] | None = None

    def begin(self) -> None:
        """A new interval."""
        self._intervals = [*self._intervals[1 - _KEPT :], []]
        self._sorted = None

    def add(self, requests: Requests, latency_B: NDArray[np.float32]) -> None:
        """Remember a block."""
        self._intervals[-1].append((_keys(requests), latency_B))
        self._sorted = None

    def latency(self, requests: Requests, own_B: NDArray[np.float32]) -> NDArray[np.float32]:
        """(B,) seconds that these requests waited there; `own_B` where they are not known."""
        if self._sorted is None:
            blocks = [block for blocks in self._intervals for block in blocks]
            key_R = np.concatenate([np.zeros(0, np.uint64), *(keys for keys, _ in blocks)])
            late_R = np.concatenate([np.zeros(0, np.float32), *(late for _, late in blocks)])
            order_R = np.argsort(key_R, kind="stable")
            self._sorted = key_R[order_R], late_R[order_R]
        key_R, late_R = self._sorted
        if not len(key_R):
            return own_B
        key_B = _keys(requests)
        place_B = np.minimum(np.searchsorted(key_R, key_B), len(key_R) - 1)
        return np.where(key_R[place_B] == key_B, late_R[place_B], own_B)


@dataclass(frozen=True)
class Paced:
    """How late B pages would be at another pace, and their chance to be seen over that as it is."""

    latency_B: NDArray[np.float32]
    ratio_B: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        pace: Pace | None,
        behavior: Behavior,
        requests: Requests,
        needs: Needs,
        own_B: NDArray[np.float32],
        stays_B: NDArray[np.float64],
    ) -> "Paced":
        """At the pace of another walk; None: at their own.

        Args:
            behavior: of the world.
            requests, needs: of the pages.
            own_B, stays_B: how late they are, and the chance that they are waited for.
        """
        ratio_B = np.ones(len(own_B))
        if pace is None:
            return cls(own_B, ratio_B)
        latency_B = pace.latency(requests, own_B)
        other_B = stays(behavior, needs, latency_B)
        ratio_B = np.divide(other_B, stays_B, out=np.zeros(len(own_B)), where=stays_B > 0)
        return cls(latency_B, ratio_B)


def _keys(requests: Requests) -> NDArray[np.uint64]:
    """(B,) numbers by which requests are told apart: a path of the next need has the same id."""
    key_B = requests.id_B.astype(np.uint64)
    for part in (requests.text_B, requests.page_B):
        key_B = key_B * _ODD + part.astype(np.uint64)  # wraps around
    return key_B
