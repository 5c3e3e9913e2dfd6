"""Many tests of one metric, as columns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.inference.randomised.redrawn import Floats, Redrawn


@dataclass(frozen=True)
class Repeated:
    """Many tests of one metric under one design.

    Attributes:
        effect_R, low_R, high_R: estimates with their intervals.
        p_R: two-sided p-values of no effect.
        asked: how many were made; those without an estimate are not among the columns.
    """

    effect_R: Floats
    low_R: Floats
    high_R: Floats
    p_R: Floats
    asked: int

    @classmethod
    def of(cls, made: Redrawn, metric: str) -> "Repeated":
        """The tests of one metric that have an estimate."""
        at = made.metrics.index(metric)
        known_R = np.isfinite(made.p_RM[:, at])
        every = (made.effect_RM, made.low_RM, made.high_RM, made.p_RM)
        effect_R, low_R, high_R, p_R = (each[known_R, at] for each in every)
        return cls(effect_R, low_R, high_R, p_R, len(known_R))

    def __len__(self) -> int:
        return len(self.p_R)

    @property
    def mean(self) -> float:
        """Of all estimates."""
        return float(self.effect_R.mean())

    def at(self, effect: float) -> "Repeated":
        """The same tests of another effect: all estimates moved by as much as their mean."""
        move = effect - self.mean
        # Only intervals tell whether a moved test is significant; its p-value is not known.
        unknown_R = np.full(len(self), np.nan)
        ends = self.low_R + move, self.high_R + move
        return Repeated(self.effect_R + move, *ends, unknown_R, self.asked)

    @property
    def significant_R(self) -> NDArray[np.bool_]:
        """(R,) whether the interval excludes 0."""
        return np.asarray((self.low_R > 0) | (self.high_R < 0))
