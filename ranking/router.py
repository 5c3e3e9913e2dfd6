"""The arms of an experiment as one search service."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ranking.pages import blank_pages, gather
from simulator.errors import ConfigError
from simulator.protocols import Fault, Index, Pages, Requests, SearchService


class Assignment(Protocol):
    """Which arm serves which request, such as a design of `experiments.designs`."""

    @property
    def name(self) -> str:
        """What is assigned, in the singular."""

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of it in each arm."""

    def arms(self, requests: Requests) -> NDArray[np.int8]:
        """(B,) the arm of each request."""


class ArmRouter:
    """Sends each request to its arm's service and puts the pages back in order.

    Args:
        services: one for each arm, with the same channels in the same order of bits.
        assignment: says which arm serves which request.

    Raises:
        ConfigError: if the services' channels differ or there are not as many as arms.
    """

    def __init__(self, services: Sequence[SearchService], assignment: Assignment) -> None:
        self.services = tuple(services)
        self.assignment = assignment
        self.channels = self.services[0].channels
        for number, service in enumerate(self.services):
            if service.channels != self.channels:
                raise ConfigError(
                    f"arms[{number}].channels == {service.channels}, must be {self.channels} "
                    "(the channels of all arms, in the order of the provenance bits)"
                )
        arms = len(assignment.shares)
        if arms != len(self.services):
            raise ConfigError(
                f"assignment.shares == {arms} arms, must be {len(self.services)} (services)"
            )

    def refresh(self, index: Index) -> None:
        """Refresh every arm."""
        for arm, service in enumerate(self.services):
            service.refresh(index.of_arm(arm))

    def serve(self, requests: Requests) -> Pages:
        """One page for each request, from its arm."""
        arm_B = self.assignment.arms(requests)
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
        """Every arm's share and its drawing."""
        drawn = zip(self.assignment.shares, self.services, strict=True)
        unit = self.assignment.name.replace("_", " ")
        return "\n".join(f"{share:.1%} of {unit}s: {service!r}" for share, service in drawn)
