"""What a request meets at a channel whose servers other people's requests keep busy.

The simulated shoppers are a thin sample of a shop's traffic: hardly two of their requests are ever
at the servers together, while the shop's other requests are. So a simulated request is a test
customer. Poisson arrivals see time averages (Wolff, Oper. Res. 30, 1982), so it meets the queue in
its stationary law under the traffic of that moment; the traffic changes over hours and a bounded
queue forgets within seconds, so that law may be taken moment by moment (the pointwise stationary
approximation of Green and Kolesar, Manag. Sci. 37, 1991). What a request meets is then a function
of its moment and of its own luck. It does not depend on what else is simulated, nor in which order.

The laws have no closed form with several servers, batches, log-normal times and steps. Each is the
record of `ARRIVALS` requests that a queue has served, event by event (`recall.load.line`), with one
luck for all traffics; so more traffic never makes a wait shorter but by chance.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recall.load.line import TURNED_AWAY, served
from recall.load.settings import ServersSpec, Step
from recall.load.traffic import Traffic
from simulator.protocols import Requests
from simulator.randomness import Draws

LEVELS: Final = 48
"""Traffics, evenly from none to the busiest, whose laws are known; between two, one is drawn."""

ARRIVALS: Final = 2**17
"""Requests that make a law, after those in which the queue fills."""

FILLING: Final = 2**13
"""Requests in which a queue fills; four times as many where more than 100 may wait."""

KEPT: Final = 2**14
"""Of them evenly chosen by how long they waited, to be drawn from."""


@dataclass(frozen=True)
class Met:
    """What B requests meet.

    Attributes:
        wait_B: until a server begins with it (s).
        size_B: requests that the server answers at once, itself among them.
        step_B: of `ChannelSettings.steps`, `TURNED_AWAY` where there was no room to wait.
    """

    wait_B: NDArray[np.float64]
    size_B: NDArray[np.int16]
    step_B: NDArray[np.int8]

    @property
    def away_B(self) -> NDArray[np.bool_]:
        """Who was turned away."""
        return np.asarray(self.step_B == TURNED_AWAY)


class Queue:
    """The servers of a channel under the traffic of a world.

    Args:
        name: of the channel; its luck is that of the name.
        servers: settings.
        steps: what the channel does by how many others wait.
        items: candidates that it is asked for.
        traffic: requests a second through the day.
        busiest: most requests a second that there will be.
    """

    def __init__(
        self,
        name: str,
        servers: ServersSpec,
        steps: tuple[Step, ...],
        items: int,
        traffic: Traffic,
        busiest: float,
    ) -> None:
        self.name = name
        self.servers = servers
        self.steps = steps
        self.items = items
        self.traffic = traffic
        self.busiest = busiest

    def meet(self, requests: Requests, draws: Draws) -> Met:
        """What each of B requests meets; luck belongs to the request."""
        return self.met(requests.at_B, requests.id_B, draws)

    def met(self, at_B: NDArray[np.float64], id_B: NDArray[np.int64], draws: Draws) -> Met:
        """What requests of these ids meet at these moments (simulated seconds)."""
        level_B = np.minimum(LEVELS * self.traffic.per_s(at_B) / self.busiest, LEVELS)
        between_B = draws.uniform(f"queue.traffic:{self.name}", request=id_B)
        level_B = np.floor(level_B).astype(np.int64) + (between_B < level_B % 1)
        luck_B = draws.uniform(f"queue:{self.name}", request=id_B)
        row_B = (luck_B * KEPT).astype(np.int64)
        found = Met(
            wait_B=np.zeros(len(at_B)),
            size_B=np.ones(len(at_B), np.int16),
            step_B=np.zeros(len(at_B), np.int8),
        )
        for level in np.unique(level_B[level_B > 0]):
            law = self.law(self.busiest * int(level) / LEVELS)
            rows = np.flatnonzero(level_B == level)
            found.wait_B[rows] = law.wait_B[row_B[rows]]
            found.size_B[rows] = law.size_B[row_B[rows]]
            found.step_B[rows] = law.step_B[row_B[rows]]
        return found

    def law(self, per_s: float) -> Met:
        """`KEPT` requests, each as likely as the others, of steady traffic.

        Args:
            per_s: requests a second, > 0.
        """
        return _law(self.servers, self.steps, self.items, per_s)

    def seconds(self, met: Met, normal_B: NDArray[np.float64]) -> NDArray[np.float64]:
        """How long the channel takes: waiting and service; nothing where it turns away.

        Args:
            met: what B requests meet.
            normal_B: standard normal draws, the luck of the service.
        """
        median_LM = medians(self.servers, self.steps, self.items)
        sigma_L = np.array([step.latency.sigma for step in self.steps])
        step_B = np.maximum(met.step_B, 0)
        service_B = median_LM[step_B, met.size_B - 1] * np.exp(sigma_L[step_B] * normal_B)
        return np.where(met.away_B, 0.0, met.wait_B + service_B)


def medians(servers: ServersSpec, steps: tuple[Step, ...], items: int) -> NDArray[np.float64]:
    """(L, M) median service time of a batch of 1 to M requests at each step (s)."""
    alone_L = np.array([float(step.latency.seconds(0.0, items)) for step in steps])
    return np.outer(alone_L, 1 + servers.batch_cost * np.arange(servers.batch))


@cache
def _luck(filling: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gaps between requests at one a second, and normal draws of their service; for all laws."""
    number_R, draws = np.arange(filling + ARRIVALS), Draws(0)
    gap_R = -np.log(draws.uniform("queue.gap", request=number_R))
    return gap_R, draws.normal("queue.service", request=number_R)


@lru_cache(maxsize=4 * LEVELS)
def _law(servers: ServersSpec, steps: tuple[Step, ...], items: int, per_s: float) -> Met:
    """The law of steady traffic, made once; arms of equal settings share it."""
    filling = FILLING if servers.waiting <= 100 else 4 * FILLING
    gap_R, normal_R = _luck(filling)
    factor_LR = np.stack([np.exp(step.latency.sigma * normal_R) for step in steps])
    others_L = np.array([step.others for step in steps])
    median_LM = medians(servers, steps, items)
    found: Any = served(
        np.cumsum(gap_R / per_s), median_LM, factor_LR, others_L, servers.count, servers.waiting
    )
    wait_R, size_R, step_R = (column[filling:] for column in found)
    order_R = np.argsort(np.where(step_R == TURNED_AWAY, np.inf, wait_R), kind="stable")
    spacing = ARRIVALS // KEPT
    rows = order_R[spacing // 2 :: spacing]
    return Met(wait_R[rows], size_R[rows], step_R[rows])
