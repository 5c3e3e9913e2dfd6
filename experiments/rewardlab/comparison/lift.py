"""The true lift of serving a policy instead of the supervised model, from paired worlds.

Each training seed of a policy serves its own worlds, and each of them is paired with the world
that the supervised model serves on the same luck: the same shoppers, on the same draws. What is
compared is what worlds bring in expectation (`experiments.truth.expected`); what reaches Python is
one row per shopper and seed of one policy at a time.

Units and intervals: the interval goes across training seeds and shoppers at once
(`experiments.inference.intervals`). Over several lucks a shopper's days are summed into one
cluster, because a shopper keeps their traits from world to world (as `experiments.truth.effects`,
whose estimate this equals where there is one seed). With one training seed the interval is over
shoppers alone. All policies are compared with worlds of one supervised model; its own luck of
training is in no interval.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.inference.finding import corrected
from experiments.inference.intervals.crossed import NOTHING, growth
from experiments.inference.logs import EngineSpec, engine
from experiments.inference.metrics import METRICS, Metric
from experiments.inference.worldtotals import WorldTotals, read_world
from experiments.records.interval import Number
from experiments.records.rewards import ONLINE, Online
from experiments.rewardlab.comparison.readings import WorldLogs
from experiments.truth.expected import brought
from simulator.errors import DataError

Floats = NDArray[np.float64]

EXPOSED = "exposed"
"""Column that counts the lucks in which a shopper was exposed: the unit of a mean metric."""

_COLUMNS = tuple(sorted({column for name in ONLINE for column in METRICS[name].columns}))


@dataclass(frozen=True)
class Totals:
    """What happened to U shoppers in the worlds of S training seeds, summed over lucks.

    Attributes:
        shopper_U: who, ascending.
        columns_SU: (S, U) totals by column of the unit table (`experiments.inference.metrics`).
        base_1U: (1, U) the same in the worlds of the supervised model.
        lonely: shoppers that only some of the paired worlds have; zeros in the others.
    """

    shopper_U: NDArray[np.int64]
    columns_SU: Mapping[str, Floats]
    base_1U: Mapping[str, Floats]
    lonely: int = 0

    def terms(self, metric: Metric) -> tuple[Floats, Floats, Floats, Floats]:
        """Numerator and denominator of a metric, the policy's and the supervised model's."""
        top, bottom = metric.numerator, metric.denominator or EXPOSED
        own, base = self.columns_SU, self.base_1U
        return own[top], own[bottom], base[top], base[bottom]

    def pooled(self, size: int) -> "Totals":
        """The totals of `size` groups of shoppers, by the remainder of the shopper's number."""

        def sums(table: Mapping[str, Floats]) -> dict[str, Floats]:
            group_U = self.shopper_U % size
            return {
                name: np.stack([np.bincount(group_U, row, size) for row in values])
                for name, values in table.items()
            }

        return Totals(np.arange(size), sums(self.columns_SU), sums(self.base_1U), self.lonely)


def lived(
    base: Sequence[Path], policies: Mapping[str, Sequence[Sequence[Path]]]
) -> Iterator[tuple[str, Totals]]:
    """The totals of each policy, one after the other.

    Args:
        base: worlds of the supervised model, one log for each luck.
        policies: by name, a list for each training seed with one log for each luck.

    Raises:
        DataError: a policy has no seed, or a seed not as many worlds as the supervised model.
    """
    for name, seeds in policies.items():
        counts = [len(logs) for logs in seeds]
        if not base or not counts or set(counts) != {len(base)}:
            raise DataError(
                f"worlds of {name} == {counts} by seed, must be {len(base)} and > 0 each, "
                "as many as of the supervised model"
            )
    with engine(EngineSpec()) as connection:
        select = partial(brought, columns=_COLUMNS)
        read_world(connection, "base", base, select)
        for name, seeds in policies.items():
            worlds = ["base"]
            for seed, logs in enumerate(seeds):
                worlds.append(f"seed_{seed}")
                read_world(connection, worlds[-1], logs, select)
            yield name, _totals(WorldTotals(connection, worlds, len(base)))


def _totals(worlds: WorldTotals) -> Totals:
    """Sums over lucks; the first world is the supervised model's."""
    tables_WU = {column: worlds.of(column).sum(axis=1) for column in _COLUMNS}
    exposed_U = worlds.exposed_SU.sum(axis=0)
    tables_WU[EXPOSED] = np.tile(exposed_U, (len(tables_WU[_COLUMNS[0]]), 1))
    return Totals(
        worlds.shopper_U,
        {column: table_WU[1:] for column, table_WU in tables_WU.items()},
        {column: table_WU[:1] for column, table_WU in tables_WU.items()},
        worlds.lonely,
    )


def lift_rows(policy: str, totals: Totals, *, confidence: float) -> list[Online]:
    """A policy's lift in every metric of `ONLINE`, p-values not yet adjusted.

    A lift is None where a world lacks what the metric divides by.
    """
    rows = []
    for name in ONLINE:
        terms = totals.terms(METRICS[name])
        found = NOTHING
        if len(totals.shopper_U):
            found = growth(*terms, confidence=confidence)
        top_S, by_S, (base_top,), (base_by,) = (part.sum(axis=1).tolist() for part in terms)
        base, value = over(base_top, base_by), over(sum(top_S), sum(by_S))
        values = [over(top, by) for top, by in zip(top_S, by_S, strict=True)]
        lifts = [each / base - 1 if each is not None and base else None for each in values]
        tested = found.interval, found.p_value, None
        shoppers = len(totals.shopper_U)
        rows.append(Online(policy, name, base, value, *tested, tuple(lifts), shoppers))
    return rows


def over(top: float, bottom: float) -> Number:
    """The quotient of sums over shoppers; None where there is nothing to divide by."""
    return top / bottom if bottom > 0 else None


def control_rows(worlds: WorldLogs, *, policy: str, confidence: float) -> tuple[Online, ...]:
    """What each policy adds to the control arm, the supervised model first; none without logs.

    That is incremental: whatever other channels would have found anyway is in both worlds. The
    interval of the supervised model is over shoppers alone, because it was trained once.

    Args:
        worlds: logs.
        policy: what the supervised model is called.
        confidence: level of the intervals.
    """
    if not worlds.control:
        return ()
    served = {policy: [worlds.base], **worlds.policies}
    return corrected(
        [
            row
            for name, each in lived(worlds.control, served)
            for row in lift_rows(name, each, confidence=confidence)
        ]
    )
