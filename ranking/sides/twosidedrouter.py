"""The two arms of an experiment that splits shoppers and items, as one search service."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ranking.funnel import Funnel
from ranking.pages import blank_pages, gather
from ranking.router import Assignment
from ranking.sides.listingrouter import ListingRouter
from simulator.errors import ConfigError
from simulator.protocols import Fault, FaultReason, Index, Pages, Requests
from simulator.randomness import Draws


class TwoSidedRouter:
    """Serves the treatment's shoppers with its items as it treats them; all else is control's.

    A shopper of control has control's page. One of the treatment has a page on which items of the
    treatment stand where its funnel has them, and all others where control's has them, see
    `merged`. A slot counts for the treatment where shopper and item are both in it, a request for
    the arm of its shopper.

    Args:
        funnels: of both arms, with the same channels in the same order of bits.
        assignment: says in which arm the shopper of a request is.
        arm_I: arm of each item.
        control: number of the control arm.
        draws: luck of ties.

    Attributes:
        services: the funnels.

    Raises:
        ConfigError: another number of arms than two, or as of `ListingRouter`.
    """

    def __init__(
        self,
        funnels: Sequence[Funnel],
        assignment: Assignment,
        arm_I: NDArray[np.int8],
        control: int,
        draws: Draws,
    ) -> None:
        if len(funnels) != 2:
            raise ConfigError(f"arms == {len(funnels)} arms, must be 2 where two sides are split")
        self.services = tuple(funnels)
        self.channels = funnels[0].channels
        self._slots = funnels[0].spec.slots
        self._assignment, self._control = assignment, control
        self._merged = ListingRouter(funnels, arm_I, control, draws)

    def refresh(self, index: Index) -> None:
        """Refresh both arms; the merged pages read the same."""
        for service in self.services:
            service.refresh(index)

    def serve(self, requests: Requests) -> Pages:
        """One page for each request."""
        arm_B = self._assignment.arms(requests)
        own = np.flatnonzero(arm_B == self._control)
        merged = np.flatnonzero(arm_B != self._control)
        parts = []
        if len(own):
            parts.append((own, self.services[self._control].serve(requests.rows(own))))
        if len(merged):
            pages = self._merged.serve_as(requests.rows(merged), 1 - self._control)
            parts.append((merged, pages))
        blank = blank_pages(len(requests), self._slots, len(self.channels), self._control)
        return gather(parts, blank)

    def faults(self) -> list[Fault]:
        """The faults of both arms, on pages of their own and on merged ones together."""
        found: dict[tuple[str, str, FaultReason], Fault] = {}
        for service in (*self.services, *self._merged.services):
            for fault in service.faults():
                key = fault.arm, fault.channel, fault.reason
                before = found.get(key, replace(fault, requests=0))
                found[key] = replace(before, requests=before.requests + fault.requests)
        return list(found.values())

    def __repr__(self) -> str:
        """Every arm's share of the shoppers and its drawing."""
        drawn = zip(self._assignment.shares, self.services, strict=True)
        told = (f"{share:.1%} of shoppers: {service!r}" for share, service in drawn)
        return "\n".join([*told, f"merged for shoppers of the treatment:\n{self._merged!r}"])
