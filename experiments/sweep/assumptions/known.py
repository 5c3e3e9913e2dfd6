"""The lifts of drawn worlds, as far as they are known, and where in the ranges they are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.inference.intervals.student import reach
from experiments.records.sweep import CellLift
from simulator.randomness import Floats

SPARE = 5
"""Worlds beyond the unknowns of a fit of all ranges at once."""


@dataclass(frozen=True)
class Worlds:
    """The worlds of one comparison and metric of which there is a lift.

    Attributes:
        lift_N: log(1 + lift).
        error_N: its standard error.
        places_NK: place of each world in each range.
        freedom_N: degrees of freedom of the error; inf where it is known.
    """

    lift_N: Floats
    error_N: Floats
    places_NK: Floats
    freedom_N: Floats | None = None

    @property
    def unsure(self) -> float:
        """Variance between worlds that is what each is not sure of."""
        return float((self.error_N**2).mean())

    @property
    def freedom(self) -> float:
        """Degrees of freedom of that (Satterthwaite)."""
        if self.freedom_N is None:
            return math.inf
        weight = float((self.error_N**4 / self.freedom_N).sum())
        return float((self.error_N**2).sum()) ** 2 / weight if weight > 0 else math.inf


def known_worlds(lifts: Sequence[CellLift], places_NK: Floats, confidence: float) -> Worlds:
    """Those whose lift and interval are known.

    Args:
        lifts: one of each world.
        places_NK: of the same worlds.
        confidence: level of the lifts' intervals.
    """
    rows, lift, half, freedom = [], [], [], []
    for row, each in enumerate(lifts):
        middle, ends = each.relative.estimate, each.relative.ends
        if middle is None or ends is None or min(middle, *ends) <= -1:
            continue
        rows.append(row)
        lift.append(math.log1p(middle))
        half.append((math.log1p(ends[1]) - math.log1p(ends[0])) / 2)
        freedom.append(math.inf if each.freedom is None else each.freedom)
    # Not the normal law's quantile: of few pairs of worlds Student's is much greater.
    error = np.array(half) / reach(1.0, np.array(freedom), confidence=confidence)
    return Worlds(np.array(lift), error, places_NK[rows], np.array(freedom))
