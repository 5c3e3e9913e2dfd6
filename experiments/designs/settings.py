"""Settings of an experiment's design: what is assigned to arms, and how its log is read."""

import math
from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from experiments.designs.layout import (
    FIRST_OF_SESSION,
    AnyLayout,
    Estimator,
    Layout,
    ListingLayout,
    TwoSidedLayout,
)
from ranking.settings import FunnelSpec
from simulator.living.settings import WorldSpec
from simulator.protocols import DAY
from simulator.spec import Spec


class RampUpStep(Spec):
    """A step of a ramp-up."""

    day: int = Field(ge=0, description="day of the experiment on which it begins, from 0")
    part: float = Field(
        gt=0, le=1, description="part of the treatments' shares that is reached from then on"
    )


class _Design(Spec):
    """What all designs tell.

    Attributes:
        units: what is assigned, in the plural.
        fewest_days: days without which nothing can be estimated.
        only_read: settings that decide how the log is read, and nothing of the world.
    """

    units: ClassVar[str]
    fewest_days: ClassVar[int] = 1
    only_read: ClassVar[frozenset[str]] = frozenset()

    @property
    def lived(self) -> dict[str, Any]:
        """The settings that decide the experiment's world."""
        return {name: value for name, value in self if name not in self.only_read}

    @property
    def sets_control_apart(self) -> bool:
        """Whether the world depends on which arm is control."""
        return False

    def problems(self, days: int) -> list[str]:
        """What does not fit the days of the experiment; place, value found and value wanted."""
        if days >= self.fewest_days:
            return []
        name = getattr(self, "type", "")
        return [
            f"world.days == {days}, must be >= {self.fewest_days} where design.type is {name!r}"
        ]

    def problems_beside(self, world: WorldSpec, funnel: FunnelSpec, arms: int) -> list[str]:
        """What of the world, the funnel and the number of arms does not go with it."""
        return []

    def layout(self, first_day: int) -> AnyLayout | None:
        """How the log of an experiment that begins on a day is read; None: shopper by shopper."""
        return None

    def traffic(self, shares: Mapping[str, float], using: Collection[str], control: str) -> float:
        """The share of the experiment's requests that a channel is asked.

        Args:
            shares: of the arms, by name.
            using: the arms that have the channel.
            control: the control arm.
        """
        return math.fsum(shares[name] for name in using) / math.fsum(shares.values())


class ShopperDesign(_Design):
    """Shoppers are split: each stays in one arm. The test that shops run most."""

    units: ClassVar[str] = "shoppers"

    type: Literal["shopper"] = "shopper"
    stock: Literal["shared", "per_arm"] = Field(
        "shared",
        description="whether both arms sell from one shelf, or each from a part of every shelf "
        "that is as large as its share",
    )
    ramp_up: tuple[RampUpStep, ...] = Field(
        (),
        description="steps in which the treatments get their shares; before the first one all are "
        "in control. None: they have them from the first day on",
    )

    def problems(self, days: int) -> list[str]:
        """Steps that do not follow each other, or that come when all is over."""
        problems = []
        if self.ramp_up and self.stock == "per_arm":
            problems.append(
                "design.stock == 'per_arm', must be 'shared' with design.ramp_up: parts of the "
                "shelves do not grow"
            )
        problems += [
            f"design.ramp_up[{at + 1}] == day {later.day}, part {later.part}, must be after day "
            f"{step.day} and no less than {step.part}"
            for at, (step, later) in enumerate(zip(self.ramp_up, self.ramp_up[1:], strict=False))
            if later.day <= step.day or later.part < step.part
        ]
        return problems + [
            f"design.ramp_up[{at}].day == {step.day}, must be < world.days ({days})"
            for at, step in enumerate(self.ramp_up)
            if step.day >= days
        ]

    @property
    def sets_control_apart(self) -> bool:
        """In a ramp-up others wait in it."""
        return bool(self.ramp_up)

    def layout(self, first_day: int) -> Layout | None:
        """Of a ramp-up, arms are compared step by step: days differ, and so do the arms' days."""
        if not self.ramp_up:
            return None
        steps = " + ".join(f"(day >= {first_day + step.day})::INTEGER" for step in self.ramp_up)
        return Layout(
            *(self.type, self.units, "sessions", FIRST_OF_SESSION, "shopper"),
            stratum=steps,
            assigned=True,
            part=self.ramp_up[-1].part,
        )


class SessionDesign(_Design):
    """Sessions are split: a shopper may see another arm on the next visit."""

    units: ClassVar[str] = "sessions"

    type: Literal["session"]

    def layout(self, first_day: int) -> Layout:
        """Sessions of a shopper are alike, so they vary together."""
        return Layout(self.type, self.units, self.units, FIRST_OF_SESSION, "shopper")


class RequestDesign(_Design):
    """Requests are split: each page is drawn anew."""

    units: ClassVar[str] = "requests"

    type: Literal["request"]

    def layout(self, first_day: int) -> Layout:
        """Requests of a shopper are alike, so they vary together."""
        return Layout(self.type, self.units, self.units, "true", "shopper")


class QueryClusterDesign(_Design):
    """Clusters of queries are split: what is asked for decides the arm."""

    units: ClassVar[str] = "query clusters"

    type: Literal["query_cluster"]

    def layout(self, first_day: int) -> Layout:
        """All that is asked of a cluster is in one arm, so clusters vary."""
        return Layout(
            *(self.type, self.units, "sessions", FIRST_OF_SESSION, "cluster"),
            by_text=True,
            assigned=True,
        )


class SwitchbackDesign(_Design):
    """Periods of time are split: everybody sees one arm, then the other."""

    units: ClassVar[str] = "periods"
    fewest_days: ClassVar[int] = 4
    only_read: ClassVar[frozenset[str]] = frozenset({"washout"})

    type: Literal["switchback"]
    period: float = Field(3_600.0, ge=60, le=DAY, description="length of a period (seconds)")
    washout: float = Field(
        0.0,
        ge=0,
        description="time after a switch whose requests are not analysed, for they may still be "
        "moved by the arm before (seconds)",
    )

    def problems(self, days: int) -> list[str]:
        """A washout that leaves nothing, too."""
        problems = super().problems(days)
        if self.washout >= self.period:
            problems.append(
                f"design.washout == {self.washout:g}, must be < design.period ({self.period:g})"
            )
        return problems

    def layout(self, first_day: int) -> Layout:
        """Hours of the day are compared with themselves; pairs of days, which mirror, vary."""
        kept = f'"at" - floor("at" / {self.period}) * {self.period} >= {self.washout}'
        return Layout(
            *(self.type, self.units, "sessions", FIRST_OF_SESSION, "day // 2"),
            stratum=f'floor(("at" - day * {DAY}) / {self.period})',
            kept=kept if self.washout else "true",
            assigned=True,
        )


class _MergedDesign(_Design):
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
        if world.updates.every_days and world.updates.log == "per_arm":
            problems.append(
                "world.updates.log == 'per_arm', must be 'shared' where design.type is "
                f"{design!r}: a request is in the log of one arm, and a page of several"
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


def _kind(value: Any) -> Any:
    """The type that settings name; shoppers are split where they name none."""
    return value.get("type", "shopper") if isinstance(value, dict) else value.type


DesignSpec = Annotated[
    Annotated[ShopperDesign, Tag("shopper")]
    | Annotated[SessionDesign, Tag("session")]
    | Annotated[RequestDesign, Tag("request")]
    | Annotated[QueryClusterDesign, Tag("query_cluster")]
    | Annotated[SwitchbackDesign, Tag("switchback")]
    | Annotated[ListingDesign, Tag("listing")]
    | Annotated[TwoSidedDesign, Tag("two_sided")],
    Discriminator(_kind),
]
