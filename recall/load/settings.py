"""How many servers a channel has, and who may wait for them."""

from dataclasses import dataclass

from pydantic import Field

from recall.latency import LatencySpec
from simulator.spec import Spec


class ServersSpec(Spec):
    """Servers that answer in order of arrival; one that is free takes whoever waits, together."""

    count: int = Field(1, ge=1, le=10_000, description="servers of the channel, of all arms")
    batch: int = Field(
        1, ge=1, le=1_000, description="requests that a server answers at once, at most"
    )
    batch_cost: float = Field(
        0.1,
        ge=0,
        le=1,
        description="what each further request of a batch adds to the service time of all of it, "
        "over the time of one; 0: nothing, 1: as much as one after the other",
    )
    waiting: int = Field(
        100,
        ge=0,
        le=1_000,
        description="requests that may wait; who finds so many is turned away at once, and the "
        "page is served without the channel",
    )


@dataclass(frozen=True)
class Step:
    """One step of what a channel does for a request, by how many others wait.

    Attributes:
        others: other requests that wait when a server begins, from which on it is this step.
        latency: service time of one request, alone.
    """

    others: int
    latency: LatencySpec
