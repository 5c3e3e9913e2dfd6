"""What the log of a world knows of its assignments before the first request."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.designs.design import Design
from experiments.designs.querycluster import QueryClusterSplit
from experiments.designs.rampup import RampUp
from experiments.designs.request import RequestSplit
from experiments.designs.session import SessionSplit
from experiments.designs.switchback import Switchback
from simulator.living.settings import WorldSpec
from simulator.protocols import DAY


@dataclass(frozen=True)
class Assigned:
    """Which units are in which arm, and from when on.

    Attributes:
        unit_U: number of the unit; one that changes its arm is in several rows.
        arm_U: its arm.
        at_U: simulated seconds from which on it is there.
    """

    unit_U: NDArray[np.int64]
    arm_U: NDArray[np.int8]
    at_U: NDArray[np.float64]

    def columns(self) -> dict[str, NDArray[Any]]:
        """As the log has them."""
        return {"unit": self.unit_U, "arm": self.arm_U, "at": self.at_U}


NOBODY = Assigned(np.zeros(0, np.int64), np.zeros(0, np.int8), np.zeros(0))
"""Nothing is known before it comes."""


def everybody(shoppers: int, arm: int, first_day: int) -> Assigned:
    """All shoppers in one arm from a day on."""
    at_S = np.full(shoppers, first_day * DAY)
    return Assigned(np.arange(shoppers), np.full(shoppers, arm, np.int8), at_S)


def assigned(design: Design, world: WorldSpec, shoppers: int) -> Assigned:
    """What is known of an experiment's assignments before it begins.

    Sessions and requests are not known before they come, so there are no rows of them: their arm
    is that of the log's requests.
    """
    start = world.history_days * DAY
    if isinstance(design, SessionSplit | RequestSplit):
        return NOBODY
    if isinstance(design, RampUp):
        return _steps(design, start, np.arange(shoppers))
    if isinstance(design, Switchback):
        ends = np.array([start, start + world.days * DAY - 1])
        first, last = design.periods(ends).tolist()
        period_P = np.arange(first, last + 1)
        at_P = np.maximum(period_P * design.period, start)
        return Assigned(period_P, design.assign(period_P, at_P), at_P)
    unit_U = np.arange(shoppers)
    if isinstance(design, QueryClusterSplit):
        unit_U = np.unique(design.cluster_T)
    at_U = np.full(len(unit_U), start)
    return Assigned(unit_U, design.assign(unit_U, at_U), at_U)


def _steps(design: RampUp, start: float, unit_U: NDArray[np.int64]) -> Assigned:
    """Everybody's first arm, and that to which a step moves them."""
    times = [start, *(at for at, _ in design.steps if at > start)]
    arm_TU = [design.assign(unit_U, np.full(len(unit_U), at)) for at in times]
    moved_TU = [np.ones(len(unit_U), bool)]
    moved_TU += [now != before for before, now in pairwise(arm_TU)]
    parts = list(zip(times, arm_TU, moved_TU, strict=True))
    return Assigned(
        np.concatenate([unit_U[moved_U] for _, _, moved_U in parts]),
        np.concatenate([arm_U[moved_U] for _, arm_U, moved_U in parts]),
        np.concatenate([np.full(int(moved_U.sum()), at) for at, _, moved_U in parts]),
    )
