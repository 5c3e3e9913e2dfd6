"""What each metric is for: it is to grow, not to suffer, or not to be seen suffering."""

import math
from dataclasses import dataclass
from enum import StrEnum

from experiments.inference.estimates import Level
from simulator.errors import ConfigError


class Role(StrEnum):
    """What a metric must show before a change is launched."""

    SUCCESS = "success"
    """It is to be better: a test of superiority."""

    GUARDRAIL = "guardrail"
    """It must not be worse by more than a margin: a test of non-inferiority."""

    QUALITY = "quality"
    """It must not be seen to be worse: a test of deterioration, which the others take too."""


@dataclass(frozen=True)
class Aim:
    """A metric and what it is for.

    Attributes:
        metric: its name.
        role: what it must show.
        better: 1 if more is better, -1 if less is better.
        margin: of a guardrail, by how much it may be worse (> 0).
        relative: whether the margin is a share of control's level, or in the metric's unit.
    """

    metric: str
    role: Role
    better: int = 1
    margin: float | None = None
    relative: bool = True

    def __post_init__(self) -> None:
        place = f"aims.{self.metric}"
        if self.better not in (1, -1):
            raise ConfigError(f"{place}.better == {self.better}, must be 1 or -1")
        if (self.role is Role.GUARDRAIL) != (self.margin is not None):
            wanted = "there: it is a guardrail" if self.margin is None else "left out: only a "
            wanted += "" if self.margin is None else "guardrail has one"
            raise ConfigError(f"{place}.margin == {self.margin}, must be {wanted}")
        if self.margin is not None and not 0 < self.margin < math.inf:
            raise ConfigError(f"{place}.margin == {self.margin}, must be > 0 and finite")
        if self.margin is not None and self.relative and self.better > 0 and self.margin >= 1:
            raise ConfigError(f"{place}.margin == {self.margin}, must be < 1: a share of control's")

    def worst(self, control: Level) -> Level:
        """Control's level, worse by the margin: what a guardrail must be better than.

        A relative margin moves the level by a share of itself, and its error with it. So the margin
        is not taken to be known better than the level is (the test of a ratio of means: Hauschke,
        Kieser, Diletti and Burke, Statistics in Medicine 18, 1999, 93-105).
        """
        margin = self.margin or 0.0
        if self.relative:
            factor = 1 - self.better * margin
            return Level(control.mean * factor, control.error * factor, control.n)
        return Level(control.mean - self.better * margin, control.error, control.n)
