"""The arms of an experiment as one search service."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ranking.pages import blank_pages, gather
from simulator.errors import ConfigError
from simulator.protocols import Fault, Index, Pages, Requests, SearchService


class ArmRouter:
    """Sends each shopper to their arm's service and puts the pages back in order.

    Args:
        services: one for each arm, with the same channels in the same order of bits.
        arm_S: (S,) arm of each shopper, int8.
        since: simulated seconds before which everybody is served by the first service.

    Raises:
        ConfigError: if the services' channels differ or a shopper's arm does not exist.
    """

    def __init__(
        self,
        services: Sequence[SearchService],
        arm_S: NDArray[np.int8],
        *,
        since: float = -math.inf,
    ) -> None:
        self.services = tuple(services)
        self.arm_S = arm_S
        self.since = since
        self.channels = self.services[0].channels
        for number, service in enumerate(self.services):
            if service.channels != self.channels:
                raise ConfigError(
                    f"arms[{number}].channels == {service.channels}, must be {self.channels} "
                    "(the channels of all arms, in the order of the provenance bits)"
                )
        outside = arm_S[(arm_S < 0) | (arm_S >= len(self.services))]
        if len(outside):
            raise ConfigError(
                f"assignment.arm == {outside[0]}, must be >= 0 and < {len(self.services)} (arms)"
            )

    def refresh(self, index: Index) -> None:
        """Refresh every arm."""
        for service in self.services:
            service.refresh(index)

    def serve(self, requests: Requests) -> Pages:
        """One page for each request, from the shopper's arm."""
        arm_B = np.where(requests.at_B < self.since, 0, self.arm_S[requests.shopper_B])
        parts = []
        for arm, service in enumerate(self.services):
            rows = np.flatnonzero(arm_B == arm)
            if len(rows):
                parts.append((rows, service.serve(requests.rows(rows))))
        slots = max((pages.items_BK.shape[1] for _, pages in parts), default=0)
        blank = blank_pages(len(requests), slots, len(self.channels), 0)
        return gather(parts, blank)

    def faults(self) -> list[Fault]:
        """The faults of all arms."""
        return [fault for service in self.services for fault in service.faults()]

    def __repr__(self) -> str:
        """Every arm's share of shoppers and its drawing."""
        counts = np.bincount(self.arm_S, minlength=len(self.services))
        shares = counts / max(len(self.arm_S), 1)
        drawn = zip(shares, self.services, strict=True)
        return "\n".join(f"{share:.1%} of shoppers: {service!r}" for share, service in drawn)
