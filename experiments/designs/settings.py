"""Settings of an experiment's design: what is assigned to arms, and how its log is read."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from experiments.designs.designsettings import DesignSettings
from experiments.designs.layout import (
    COUNTED_BY_SLOT,
    FIRST_OF_SESSION,
    Layout,
)
from experiments.designs.sides.settings import ListingDesign, TwoSidedDesign
from experiments.designs.split import SHARE_TOLERANCE
from simulator.protocols import DAY
from simulator.spec import Spec


class RampUpStep(Spec):
    """A step of a ramp-up."""

    day: int = Field(ge=0, description="day of the experiment on which it begins, from 0")
    part: float = Field(
        gt=0, le=1, description="part of the treatments' shares that is reached from then on"
    )


class _Triggered(DesignSettings):
    """A design of which it may be watched where the arms' pages differ."""

    triggered: bool = Field(
        False,
        description="make the other arms' pages beside each page, which nobody sees, and also "
        "analyse only what follows on pages that differ",
    )

    @property
    def every_arm(self) -> bool:
        """Where it is watched."""
        return self.triggered


class ShopperDesign(_Triggered):
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
        problems = [
            f"design.triggered == true, must be false with design.ramp_up ({len(self.ramp_up)} "
            "steps): who changes the arm meets both"
            for _ in self.ramp_up[:1]
            if self.triggered
        ]
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
            *(self.type, self.units, "sessions", FIRST_OF_SESSION, "shopper", "shopper"),
            stratum=steps,
            assigned=True,
            part=self.ramp_up[-1].part,
        )


class SessionDesign(_Triggered):
    """Sessions are split: a shopper may see another arm on the next visit."""

    units: ClassVar[str] = "sessions"

    type: Literal["session"]

    def layout(self, first_day: int) -> Layout:
        """Sessions of a shopper are alike, so they vary together."""
        return Layout(self.type, self.units, self.units, FIRST_OF_SESSION, "session", "shopper")


class RequestDesign(_Triggered):
    """Requests are split: each page is drawn anew."""

    units: ClassVar[str] = "requests"

    type: Literal["request"]

    def layout(self, first_day: int) -> Layout:
        """Requests of a shopper are alike, so they vary together."""
        return Layout(self.type, self.units, self.units, "true", "request", "shopper")


class QueryClusterDesign(DesignSettings):
    """Clusters of queries are split: what is asked for decides the arm."""

    units: ClassVar[str] = "query clusters"

    type: Literal["query_cluster"]

    def layout(self, first_day: int) -> Layout:
        """All that is asked of a cluster is in one arm, so clusters vary."""
        return Layout(
            *(self.type, self.units, "sessions", FIRST_OF_SESSION, "cluster", "cluster"),
            by_text=True,
            assigned=True,
            permuted=True,
        )


class SwitchbackDesign(DesignSettings):
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
            *(self.type, self.units, "sessions", FIRST_OF_SESSION),
            *(f'floor("at" / {self.period})', "day // 2"),
            stratum=f'floor(("at" - day * {DAY}) / {self.period})',
            kept=kept if self.washout else "true",
            assigned=True,
        )


class InterleavingDesign(DesignSettings):
    """Nothing is split: both arms fill each page in turns, and each slot counts for one of them."""

    units: ClassVar[str] = "slots"

    type: Literal["interleaving"]
    causal: bool = Field(
        False,
        description="whether a coin leaves off one of each two items that only one arm's first "
        "page has, so that it is known what is bought of them all the same",
    )

    @property
    def every_arm(self) -> bool:
        """Both arms'."""
        return True

    @property
    def sets_control_apart(self) -> bool:
        """Requests count for it."""
        return True

    def traffic(self, shares: Mapping[str, float], using: Collection[str], control: str) -> float:
        """Every request asks both arms."""
        return 1.0 if using else 0.0

    def misfits(self, shares: Sequence[float], exploration: float) -> list[str]:
        """Other than two arms of half each, and pages whose orders are random."""
        where, problems = "where design.type is 'interleaving'", []
        if len(shares) != 2:
            problems.append(f"arms == {len(shares)} arms, must be 2 {where}")
        elif any(abs(share - 0.5) > SHARE_TOLERANCE for share in shares):
            problems.append(
                f"arms.share == {list(shares)}, must be 0.5 each {where}: both fill every page"
            )
        if exploration > 0:
            problems.append(
                f"funnel.exploration == {exploration:g}, must be 0 {where}: the chance of an item "
                "at its place would not be known"
            )
        return problems

    def layout(self, first_day: int) -> Layout:
        """All sessions are in both arms; slots of a shopper's pages are alike."""
        return Layout(
            *(self.type, self.units, "sessions", FIRST_OF_SESSION, "shopper", "shopper"),
            slots=True,
            columns=COUNTED_BY_SLOT,
        )


def _kind(value: Any) -> Any:
    """The type that settings name; shoppers are split where they name none."""
    return value.get("type", "shopper") if isinstance(value, dict) else getattr(value, "type", None)


SplitSpec = (
    ShopperDesign
    | SessionDesign
    | RequestDesign
    | QueryClusterDesign
    | SwitchbackDesign
    | ListingDesign
    | TwoSidedDesign
)
"""Designs that split something, whatever it is."""

DesignSpec = Annotated[
    Annotated[ShopperDesign, Tag("shopper")]
    | Annotated[SessionDesign, Tag("session")]
    | Annotated[RequestDesign, Tag("request")]
    | Annotated[QueryClusterDesign, Tag("query_cluster")]
    | Annotated[SwitchbackDesign, Tag("switchback")]
    | Annotated[ListingDesign, Tag("listing")]
    | Annotated[TwoSidedDesign, Tag("two_sided")]
    | Annotated[InterleavingDesign, Tag("interleaving")],
    Discriminator(_kind),
]


def is_triggered(design: DesignSpec) -> bool:
    """Whether it is watched where the arms' pages differ."""
    return isinstance(design, _Triggered) and design.triggered
