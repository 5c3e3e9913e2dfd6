"""The arms of an experiment that splits the items, as one search service for everybody."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ranking.funnel import Funnel
from ranking.sides.merged import merged_pages
from simulator.errors import ConfigError
from simulator.protocols import Fault, Index, Pages, Requests
from simulator.randomness import Draws


class ListingRouter:
    """Answers every request by the funnels of all arms, and merges what they say of their items.

    See `merged` for how. Every slot counts for the arm of its item, every request for control.

    Args:
        funnels: one for each arm, with the same channels in the same order of bits.
        arm_I: arm of each item.
        control: number of the arm that requests count for.
        draws: luck of ties.

    Attributes:
        services: the funnels, each with everything it ranks on one page.

    Raises:
        ConfigError: a funnel that explores: of a merged page nobody knows the propensities.
    """

    def __init__(
        self, funnels: Sequence[Funnel], arm_I: NDArray[np.int8], control: int, draws: Draws
    ) -> None:
        for funnel in funnels:
            if funnel.spec.exploration > 0:
                raise ConfigError(
                    f"funnel.exploration == {funnel.spec.exploration:g}, must be 0 where items are "
                    "split over arms: their page is merged, and has no propensities"
                )
        self.services = tuple(funnel.unpaged() for funnel in funnels)
        self.channels = funnels[0].channels
        self._slots = funnels[0].spec.slots
        self._arm_I, self._control, self._draws = arm_I, control, draws

    def refresh(self, index: Index) -> None:
        """Refresh every arm."""
        for service in self.services:
            service.refresh(index)

    def serve(self, requests: Requests) -> Pages:
        """One merged page for each request."""
        return self.serve_as(requests, self._control)

    def serve_as(self, requests: Requests, server: int) -> Pages:
        """The same, with the arm that counts as serving them."""
        lists = [service.serve(service.whole(requests)) for service in self.services]
        merged = self._arm_I, requests, self._slots, server, self._draws
        return merged_pages(lists, *merged)

    def faults(self) -> list[Fault]:
        """The faults of all arms."""
        return [fault for service in self.services for fault in service.faults()]

    def __repr__(self) -> str:
        """Every arm's share of the items and its drawing."""
        share_A = np.bincount(self._arm_I, minlength=len(self.services)) / len(self._arm_I)
        drawn = zip(share_A.tolist(), self.services, strict=True)
        return "\n".join(f"{share:.1%} of listings: {service!r}" for share, service in drawn)
