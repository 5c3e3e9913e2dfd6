"""What the settings of all designs tell."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from experiments.designs.layout import AnyLayout
from ranking.settings import FunnelSpec
from simulator.living.settings import WorldSpec
from simulator.spec import Spec


class DesignSettings(Spec):
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

    @property
    def every_arm(self) -> bool:
        """Whether the pages of all arms are made for each request."""
        return False

    def problems(self, days: int) -> list[str]:
        """What does not fit the days of the experiment; place, value found and value wanted."""
        if days >= self.fewest_days:
            return []
        name = getattr(self, "type", "")
        return [
            f"world.days == {days}, must be >= {self.fewest_days} where design.type is {name!r}"
        ]

    def misfits(self, shares: Sequence[float], exploration: float) -> list[str]:
        """What does not fit the arms; place, value found and value wanted.

        Args:
            shares: of the arms.
            exploration: share of queries that funnels show in a random order.
        """
        return []

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
