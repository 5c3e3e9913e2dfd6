"""A plan as a record: what a test needs, and what it finds after each day."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.inference.power.aim import Aim
from experiments.inference.power.analytic import units_needed
from experiments.inference.power.change import Change
from experiments.inference.power.pilot import Pilot
from experiments.inference.power.planning import Design
from experiments.power.asked import MOST_DAYS, Asked
from experiments.records.experiment.power import (
    CurvePoint,
    Day,
    Law,
    Method,
    Need,
    PowerRecord,
    SimulatedPower,
    Size,
    Source,
    TailsOfLog,
)
from experiments.records.interval import Number
from experiments.report.kit.sentences import counted
from simulator.errors import DataError

Floats = NDArray[np.float64]
METHODS: dict[str, Method] = {"plain": "plain", "cuped": "cuped", "given": "given"}
"""Names of methods, as records know them."""
_ROUNDING = 1e-9  # part of a unit that is no unit more
_DIGITS = 12  # of a level, which is 1 minus another number


@dataclass(frozen=True)
class Plan:
    """What is planned, and what is known for it.

    Attributes:
        asked: by the user.
        name, source, metric: as in the record.
        design: effect, margin and aim.
        arms: shares by name, control first.
        pilot: the units, for as many days as can be told.
        days: for which it is told what is found.
        running: days that the test has been under way; None: it is not.
    """

    asked: Asked
    name: str
    source: Source
    metric: str
    design: Design
    arms: dict[str, float]
    pilot: Pilot
    days: int
    running: int | None = None

    def record(
        self,
        *,
        simulated: Sequence[SimulatedPower] = (),
        tails: TailsOfLog | None = None,
        law: Law | None = None,
        warnings: Sequence[str] = (),
        missing: Sequence[str] = (),
    ) -> PowerRecord:
        """The record, with what else was found."""
        methods = [METHODS[name] for name in METHODS if name in self.pilot.explained]
        needs = tuple(self._need(method) for method in methods)
        last = max(self.days, self.pilot.found)
        if self.design.distance(self.pilot.level_D) is not None:
            last = max([last, *(need.days_needed or self.pilot.days for need in needs)])
        aim, at = self.design.aim, self.days - 1
        level = float(self.pilot.level_D[at])
        effect, margin = (
            None if change is None else size_of(changed(change, level), level)
            for change in (self.design.effect, self.design.margin)
        )
        return PowerRecord(
            name=self.name,
            source=self.source,
            metric=self.metric,
            confidence=aim.confidence,
            power=aim.power,
            arms=tuple(self.arms),
            shares=tuple(self.arms.values()),
            traffic=self.asked.traffic,
            comparisons=aim.comparisons,
            false_positives=round(aim.false_positives, _DIGITS),
            effect=effect,
            margin=margin,
            days=self.days,
            most_days=self.pilot.days,
            running=self.running,
            needs=needs,
            accrued=tuple(self._day(day) for day in range(1, last + 1)),
            curve=tuple(point for each in methods for point in self._curve(each, last)),
            simulated=tuple(simulated),
            tails=tails,
            law=law,
            warnings=tuple(warnings),
            missing=(*missing, *self._unreached(needs)),
        )

    def _need(self, method: Method) -> Need:
        at = self.days - 1
        variance, level = float(self.pilot.left(method)[at]), float(self.pilot.level_D[at])
        distance_D = self.design.distance(self.pilot.level_D)
        units: int | None = None
        of_arms: tuple[int, ...] = ()
        if distance_D is not None and variance > 0:
            smallest = units_needed(
                float(distance_D[at]), variance, self.design.shares, self.design.aim
            )
            of_arms = tuple(_up(smallest * share) for share in self.arms.values())
            units = sum(of_arms)
        needed = self.design.days_needed(self.pilot, method)
        left = None if needed is None or self.running is None else max(0, needed - self.running)
        power_D = self.design.power(self.pilot, method)
        return Need(
            method=method,
            explained=float(self.pilot.explained[method][at]),
            units=units,
            units_of_arms=of_arms,
            days_needed=needed,
            days_left=left,
            least=size_of(float(self.design.least(self.pilot, method)[at]), level),
            power=None if power_D is None else known(power_D[at]),
        )

    def _day(self, day: int) -> Day:
        at = day - 1
        return Day(
            day=day,
            found=day <= self.pilot.found,
            units=float(self.pilot.units_D[at]),
            level=known(self.pilot.level_D[at]),
            variance=known(self.pilot.variance_D[at]),
        )

    def _curve(self, method: Method, last: int) -> list[CurvePoint]:
        least_D, power_D = (
            self.design.least(self.pilot, method),
            self.design.power(self.pilot, method),
        )
        return [
            CurvePoint(
                method=method,
                day=at + 1,
                least=size_of(float(least_D[at]), float(self.pilot.level_D[at])),
                power=None if power_D is None else known(power_D[at]),
            )
            for at in range(last)
        ]

    def _unreached(self, needs: Sequence[Need]) -> list[str]:
        """Which methods do not find the effect in the days that can be told."""
        if self.design.distance(self.pilot.level_D) is None or not self.pilot.units_D.any():
            return []
        late = [need.method for need in needs if need.days_needed is None]
        if not late:
            return []
        named, days = " and ".join(late), counted(self.pilot.days, "day")
        if self.pilot.days >= MOST_DAYS:
            why = f"the effect is not found with this power within {days}, which are foretold"
        else:
            why = f"more than the {days} of the log, beyond which nothing is foretold"
        return [f"The days needed ({named}): {why}."]


def design_of(
    asked: Asked, aim: Aim, shares: Sequence[float], *, better: int, level: float
) -> Design:
    """The design of a test.

    Args:
        asked: by the user.
        aim: how sure it shall be.
        shares: of the arms, control first; the smallest treatment decides.
        better: 1 where more of the metric is better, -1 where less is.
        level: of the metric.

    Raises:
        ConfigError: an effect or a margin that cannot be.
        DataError: a relative one where the level is not above 0.
    """
    for name, change in (("effect", asked.effect), ("margin", asked.margin)):
        if change is not None and change.relative and not level > 0:
            raise DataError(
                f"level of the metric == {level:g}, must be > 0 for a relative {name}: "
                "give it without a per cent sign"
            )
    return Design(aim, (shares[0], min(shares[1:])), asked.effect, asked.margin, better)


def size_of(absolute: float, level: float) -> Size:
    """A change in both units; None where it is not known."""
    change = known(absolute)
    return Size(change, change / level if change is not None and level > 0 else None)


def known(value: float) -> Number:
    """A number, or None where it is not finite."""
    return float(value) if math.isfinite(value) else None


def changed(change: Change, level: float) -> float:
    """A change in the metric's unit."""
    return float(change.of(np.array([level]))[0])


def _up(units: float) -> int:
    return math.ceil(units - _ROUNDING * max(1.0, units))
