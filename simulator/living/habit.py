"""Habit: who was served well comes more often from then on, who was served badly more seldom.

How content a shopper is, is the mean of their sessions, each counting less the longer ago it is:
of weight w it goes from c to (1 - w) c + w g at the end of each session, where g is 1 after a good
one and 0 after a poor one. The rate of their visits is then exp(strength (c - usual)) times what it
would be. The rate of a day is known at its midnight.

A visit that comes at a low rate also comes at a higher one, at the same moment and with the same
luck: counts are drawn by inversion from one uniform (`arrivals.visits_of_day`). So worlds whose
shoppers are differently content are still paired, visit by visit.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.living.settings import HabitSpec
from simulator.log.codes import EndReason

Floats = NDArray[np.float64]

GOOD = (EndReason.BOUGHT, EndReason.SATISFIED)
POOR = (
    EndReason.SOLD_OUT,
    EndReason.OUT_OF_PATIENCE,
    EndReason.FRUSTRATED,
    EndReason.PAGE_TOO_SLOW,
    EndReason.NOTHING_FOUND,
)
"""Ends of sessions that leave a mark. The others leave none."""

_KIND_R = np.full(len(EndReason), -1, np.int8)  # 1 good, 0 poor, -1 neither
_KIND_R[list(GOOD)], _KIND_R[list(POOR)] = 1, 0


class Habit:
    """How content the shoppers of one world are, and how often they come for it.

    Args:
        spec: settings; of strength 0 nobody's rate changes.
        shoppers: number S of shoppers, all of them as content as is usual.

    Attributes:
        content_S: (S,) share of good among each shopper's sessions, the latest counting most.
    """

    def __init__(self, spec: HabitSpec, shoppers: int) -> None:
        self.spec = spec
        self.content_S: Floats = np.full(shoppers, spec.usual)
        self._ended: list[tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats]] = []

    def ended(
        self,
        session_N: NDArray[np.int64],
        shopper_N: NDArray[np.int64],
        end_N: Floats,
        end_reason_N: NDArray[np.int8],
    ) -> None:
        """Take note of sessions that end, or will by what is planned; in any order.

        Args:
            session_N, shopper_N: which and whose.
            end_N: when, simulated seconds.
            end_reason_N: `EndReason` codes.
        """
        kind_N = _KIND_R[end_reason_N]
        marks = np.flatnonzero(kind_N >= 0)
        good_N = kind_N[marks].astype(np.float64)
        self._ended.append((session_N[marks], shopper_N[marks], end_N[marks], good_N))

    def settle(self, until: float) -> None:
        """Let the sessions that have ended by a moment (simulated seconds) leave their marks."""
        if not self._ended:
            return
        columns = [np.concatenate(parts) for parts in zip(*self._ended, strict=True)]
        order = np.lexsort((columns[0], columns[2], columns[1]))
        session_N, shopper_N, end_N, good_N = (column[order] for column in columns)
        over_N = end_N <= until
        later = ~over_N
        self._ended = [(session_N[later], shopper_N[later], end_N[later], good_N[later])]
        self._mark(shopper_N[over_N], good_N[over_N])

    def _mark(self, shopper_N: NDArray[np.int64], good_N: Floats) -> None:
        """Marks of sessions in the order of shoppers, and of each in the order of their ends."""
        latest = self.spec.latest
        first_N = np.searchsorted(shopper_N, shopper_N)
        number_N = np.arange(len(shopper_N)) - first_N
        for number in range(int(number_N.max(initial=-1)) + 1):
            rows = np.flatnonzero(number_N == number)
            who = shopper_N[rows]
            self.content_S[who] = (1 - latest) * self.content_S[who] + latest * good_N[rows]

    def rates(self, rate_S: NDArray[np.floating[Any]]) -> Floats:
        """(S,) visits a day, from those at which nobody is more or less content than usual."""
        return np.asarray(rate_S * np.exp(self.spec.strength * (self.content_S - self.spec.usual)))

    def state(self) -> dict[str, NDArray[Any]]:
        """The arrays for `restore`."""
        return {"content_S": self.content_S}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from a saved state."""
        self.content_S = state["content_S"].copy()
