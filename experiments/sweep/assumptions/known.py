"""The lifts of drawn worlds, as far as they are known, and where in the ranges they are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

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
    """

    lift_N: Floats
    error_N: Floats
    places_NK: Floats


def known_worlds(lifts: Sequence[CellLift], places_NK: Floats, confidence: float) -> Worlds:
    """Those whose lift and interval are known.

    Args:
        lifts: one of each world.
        places_NK: of the same worlds.
        confidence: level of the lifts' intervals.
    """
    quantile = float(-ndtri((1 - confidence) / 2))
    rows, lift, error = [], [], []
    for row, each in enumerate(lifts):
        middle, ends = each.relative.estimate, each.relative.ends
        if middle is None or ends is None or min(middle, *ends) <= -1:
            continue
        rows.append(row)
        lift.append(math.log1p(middle))
        error.append((math.log1p(ends[1]) - math.log1p(ends[0])) / 2 / quantile)
    return Worlds(np.array(lift), np.array(error), places_NK[rows])
