"""What the log of a world knows of its assignments before the first request."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.designs.querycluster import QueryClusterSplit
from experiments.designs.rampup import RampUp
from experiments.designs.request import RequestSplit
from experiments.designs.session import SessionSplit
from experiments.designs.sides.listing import ListingSplit
from experiments.designs.sides.twosided import TwoSidedSplit
from experiments.designs.switchback import Switchback
from experiments.running.assigning.designed import AnyDesign
from simulator.living.settings import WorldSpec
from simulator.living.world import Population
from simulator.log.codes import UnitKind
from simulator.protocols import DAY

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Assigned:
    """Which units are in which arm, and from when on.

    Attributes:
        kind: what was assigned.
        unit_U: number of the unit; one that changes its arm is in several rows.
        arm_U: its arm.
        at_U: simulated seconds from which on it is there.
        beside: units of another kind, where two sides are split.
    """

    kind: UnitKind
    unit_U: NDArray[np.int64]
    arm_U: NDArray[np.int8]
    at_U: NDArray[np.float64]
    beside: "Assigned | None" = None

    def columns(self) -> dict[str, NDArray[Any]]:
        """As the log has them."""
        kind_U = np.full(len(self.unit_U), self.kind, np.int8)
        own: dict[str, NDArray[Any]] = {
            "kind": kind_U,
            "unit": self.unit_U,
            "arm": self.arm_U,
            "at": self.at_U,
        }
        if self.beside is None:
            return own
        other = self.beside.columns()
        return {name: np.concatenate([own[name], other[name]]) for name in own}


NOBODY = Assigned(UnitKind.SHOPPER, np.zeros(0, np.int64), np.zeros(0, np.int8), np.zeros(0))
"""Nothing is known before it comes."""


def everybody(shoppers: int, arm: int, first_day: int) -> Assigned:
    """All shoppers in one arm from a day on."""
    at_S, arm_S = np.full(shoppers, first_day * DAY), np.full(shoppers, arm, np.int8)
    return Assigned(UnitKind.SHOPPER, np.arange(shoppers), arm_S, at_S)


def assigned(design: AnyDesign, world: WorldSpec, population: Population) -> Assigned:
    """What is known of an experiment's assignments before it begins.

    Sessions and requests are not known before they come, so there are no rows of them: their arm
    is that of the log's requests.
    """
    start, shopper_S = world.history_days * DAY, np.arange(len(population.shoppers))
    if isinstance(design, ListingSplit):
        return _on_sale(design, world, population)
    if isinstance(design, TwoSidedSplit):
        listings = _on_sale(design.listings, world, population)
        shoppers = assigned(design.shoppers, world, population)
        return replace(shoppers, beside=listings)
    if isinstance(design, SessionSplit | RequestSplit):
        return NOBODY
    if isinstance(design, RampUp):
        return _steps(design, start, shopper_S)
    if isinstance(design, Switchback):
        ends = np.array([start, start + world.days * DAY - 1])
        first, last = design.periods(ends).tolist()
        period_P = np.arange(first, last + 1)
        at_P = np.maximum(period_P * design.period, start)
        return Assigned(UnitKind.PERIOD, period_P, design.assign(period_P, at_P), at_P)
    kind, unit_U = UnitKind.SHOPPER, shopper_S
    if isinstance(design, QueryClusterSplit):
        kind, unit_U = UnitKind.QUERY_CLUSTER, np.unique(design.cluster_T)
    at_U = np.full(len(unit_U), start)
    return Assigned(kind, unit_U, design.assign(unit_U, at_U), at_U)


def _on_sale(design: ListingSplit, world: WorldSpec, population: Population) -> Assigned:
    item_U, at_U = on_sale(world, population)
    return Assigned(UnitKind.ITEM, item_U, design.assign(item_U, at_U), at_U)


def on_sale(world: WorldSpec, population: Population) -> tuple[NDArray[np.int64], Floats]:
    """The items that are on sale in the period at any time, from when on they are."""
    catalog, start = population.supply.catalog, world.history_days * DAY
    end = start + world.days * DAY
    item_U = np.flatnonzero((catalog.created_at_I < end) & (catalog.retired_at_I > start))
    return item_U, np.maximum(catalog.created_at_I[item_U], start)


def _steps(design: RampUp, start: float, unit_U: NDArray[np.int64]) -> Assigned:
    """Everybody's first arm, and that to which a step moves them."""
    times = [start, *(at for at, _ in design.steps if at > start)]
    arm_TU = [design.assign(unit_U, np.full(len(unit_U), at)) for at in times]
    moved_TU = [np.ones(len(unit_U), bool)]
    moved_TU += [now != before for before, now in pairwise(arm_TU)]
    parts = list(zip(times, arm_TU, moved_TU, strict=True))
    return Assigned(
        UnitKind.SHOPPER,
        np.concatenate([unit_U[moved_U] for _, _, moved_U in parts]),
        np.concatenate([arm_U[moved_U] for _, arm_U, moved_U in parts]),
        np.concatenate([np.full(int(moved_U.sum()), at) for at, _, moved_U in parts]),
    )
