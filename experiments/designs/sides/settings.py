"""Settings of designs that split items, alone or with shoppers."""

import math
from collections.abc import Collection, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from experiments.designs.designsettings import DesignSettings
from experiments.designs.layout import Estimator, ListingLayout, TwoSidedLayout
from ranking.settings import FunnelSpec
from simulator.living.settings import WorldSpec


class _MergedDesign(DesignSettings):
    """What designs share that split items: pages are merged from what several arms rank."""

    @property
    def sets_control_apart(self) -> bool:
        """Requests that no arm serves alone count for it."""
        return True

    def problems_beside(self, world: WorldSpec, funnel: FunnelSpec, arms: int) -> list[str]:
        """Exploration, and what arms keep apart by the requests that they serve."""
        design = getattr(self, "type", "")
        problems = []
        if funnel.exploration > 0:
            problems.append(
                f"funnel.exploration == {funnel.exploration:g}, must be 0 where design.type is "
                f"{design!r}: a page that is merged from two arms has no propensities"
            )
        if world.statistics == "per_arm":
            problems.append(
                f"world.statistics == 'per_arm', must be 'shared' where design.type is {design!r}: "
                "an arm ranks all items, and would have counts of its own alone"
            )
        if world.updates.every_days and world.updates.log != "shared":
            problems.append(
                f"world.updates.log == {world.updates.log!r}, must be 'shared' where design.type "
                f"is {design!r}: a request is in the log of one arm, and a page of several"
            )
        return problems


class ListingDesign(_MergedDesign):
    """Items are split: everybody is served by one funnel, in which an arm's items are its own."""

    units: ClassVar[str] = "listings"

    type: Literal["listing"]

    def layout(self, first_day: int) -> ListingLayout:
        """Items vary."""
        return ListingLayout()

    def traffic(self, shares: Mapping[str, float], using: Collection[str], control: str) -> float:
        """Every request asks all arms."""
        return 1.0 if using else 0.0


class TwoSidedDesign(_MergedDesign):
    """Shoppers and items are split: the treatment is for its shoppers, and its items alone."""

    units: ClassVar[str] = "shoppers and listings"
    only_read: ClassVar[frozenset[str]] = frozenset({"estimator", "balance"})

    type: Literal["two_sided"]
    listing_share: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="share of the items in the treatment; none: as of its shoppers",
    )
    estimator: Estimator = Field(
        "tsri_1",
        description="naive: what treated shoppers buy of treated items, against all else; tsri_1 "
        "and tsri_2: interpolating between the shoppers' side and the items'",
    )
    balance: float = Field(
        1.0,
        ge=0,
        le=1_000,
        description="demand over supply, of which tsri_1 and tsri_2 make their weights: shoppers "
        "who come while a sold unit is replaced, for each unit on full shelves",
    )

    def problems_beside(self, world: WorldSpec, funnel: FunnelSpec, arms: int) -> list[str]:
        """Another number of arms than two, too."""
        problems = super().problems_beside(world, funnel, arms)
        if arms != 2:
            problems.append(f"arms == {arms} arms, must be 2 where design.type is 'two_sided'")
        return problems

    def layout(self, first_day: int) -> TwoSidedLayout:
        """Shoppers and items vary; the weight is that of the paper, exp(-balance)."""
        return TwoSidedLayout(self.estimator, math.exp(-self.balance), self.listing_share)

    def traffic(self, shares: Mapping[str, float], using: Collection[str], control: str) -> float:
        """Every request asks control."""
        return 1.0 if control in using else super().traffic(shares, using, control)
