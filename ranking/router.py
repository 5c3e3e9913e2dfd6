"""The arms of an experiment as one search service."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ranking.pages import blank_pages, gather
from simulator.errors import ConfigError
from simulator.protocols import Fault, Index, Ints, Pages, Requests, SearchService


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
        beside: twins of the services (`Funnel.twin`), to which a refresh of the services gets, too.
            They make the pages that the other arms would show, so that `Pages.differs_B` can be
            told; nobody sees them, and their faults are not counted. None: it is not told.

    Raises:
        ConfigError: if the services' channels differ or there are not as many as arms.
    """

    def __init__(
        self,
        services: Sequence[SearchService],
        assignment: Assignment,
        beside: Sequence[SearchService] = (),
    ) -> None:
        self.services = tuple(services)
        self.assignment = assignment
        self.beside = tuple(beside)
        self.channels = common_channels(self.services)
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
        pages = gather(parts, blank)
        if not self.beside:
            return pages
        return replace(pages, differs_B=self._differs(requests, pages))

    def _differs(self, requests: Requests, pages: Pages) -> NDArray[np.bool_]:
        """(B,) whether any other arm would show other items, or the same in another order."""
        differs_B = np.zeros(len(requests), np.bool_)
        for arm, service in enumerate(self.beside):
            rows = np.flatnonzero(pages.arm_B != arm)
            if len(rows):
                asked = replace(requests.rows(rows), traced_B=np.zeros(len(rows), np.bool_))
                other_BK = service.serve(asked).items_BK
                differs_B[rows] |= ~same_items(pages.items_BK[rows], other_BK)
        return differs_B

    def faults(self) -> list[Fault]:
        """The faults of all arms."""
        return [fault for service in self.services for fault in service.faults()]

    def __repr__(self) -> str:
        """Every arm's share and its drawing."""
        drawn = zip(self.assignment.shares, self.services, strict=True)
        unit = self.assignment.name.replace("_", " ")
        return "\n".join(f"{share:.1%} of {unit}s: {service!r}" for share, service in drawn)


def common_channels(services: Sequence[SearchService]) -> tuple[str, ...]:
    """The channels of all arms, in the order of the provenance bits.

    Raises:
        ConfigError: arms have others, or another order.
    """
    channels = services[0].channels
    for number, service in enumerate(services):
        if service.channels != channels:
            raise ConfigError(
                f"arms[{number}].channels == {service.channels}, must be {channels} "
                "(the channels of all arms, in the order of the provenance bits)"
            )
    return channels


def same_items(one_BK: Ints, other_BK: Ints) -> NDArray[np.bool_]:
    """(B,) whether pages show the same items in the same order; pages may differ in width."""
    common = min(one_BK.shape[1], other_BK.shape[1])
    same_B = (one_BK[:, :common] == other_BK[:, :common]).all(axis=1)
    for rest_BK in (one_BK[:, common:], other_BK[:, common:]):
        same_B &= (rest_BK < 0).all(axis=1)
    return np.asarray(same_B)
