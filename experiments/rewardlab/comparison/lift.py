"""The true lift of serving a policy instead of the supervised model, from paired worlds.

Each training seed of a policy serves its own worlds, and each of them is paired with the world
that the supervised model serves on the same luck: the same shoppers, on the same draws. What is
compared is what worlds bring in expectation (`experiments.truth.expected`); what reaches Python is
one row per shopper and seed of one policy at a time.

Units and intervals: the interval goes across training seeds, lucks and shoppers at once
(`experiments.inference.intervals.factors`): a luck's worlds are compared with one world of the
supervised model, and all shoppers of a world share what sold out in it. With worlds of one luck,
what all of them share is told from categories (`experiments.inference.intervals.shared`), as far as
the worlds were followed; with one training seed the luck of training is in no interval. So with one
seed this is the estimate of `experiments.truth.effects`, but for one luck: there it is known which
part of an effect may be luck of the state, here the whole of it counts, which is a little wider.
All policies are compared with worlds of one supervised model; its own luck of training is in no
interval.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.inference.finding import corrected
from experiments.inference.intervals.crossed import NOTHING, Result, growth
from experiments.inference.logs import EngineSpec, engine
from experiments.inference.metrics import METRICS, Metric
from experiments.inference.worldtotals import WorldTotals, read_world
from experiments.records.interval import Number
from experiments.records.rewards import ONLINE, Online
from experiments.rewardlab.comparison.readings import WorldLogs
from experiments.truth.categories import Columns, Pair, of_whole, read_own
from experiments.truth.expected import brought
from simulator.errors import DataError

Floats = NDArray[np.float64]

EXPOSED = "exposed"
"""Column of 1 where a luck's worlds have the shopper: what a mean metric is divided by."""

_COLUMNS = tuple(sorted({column for name in ONLINE for column in METRICS[name].columns}))


@dataclass(frozen=True)
class Totals:
    """What happened to U shoppers in the worlds of S training seeds and L lucks.

    Attributes:
        shopper_U: who, ascending.
        columns_SLU: (S, L, U) totals by column of the unit table (`experiments.inference.metrics`).
        base_1LU: (1, L, U) the same in the worlds of the supervised model.
        columns_SG, base_1G: the same of the only luck by category, (S, G) and (1, G); none of
            several lucks, or where a world was not followed so.
        lonely: shoppers that only some of the paired worlds have; zeros in the others.
    """

    shopper_U: NDArray[np.int64]
    columns_SLU: Mapping[str, Floats]
    base_1LU: Mapping[str, Floats]
    columns_SG: Mapping[str, Floats] = field(default_factory=dict)
    base_1G: Mapping[str, Floats] = field(default_factory=dict)
    lonely: int = 0

    def terms(self, metric: Metric) -> Pair:
        """Numerator and denominator of a metric, the policy's and the supervised model's."""
        top, bottom = metric.numerator, metric.denominator or EXPOSED
        own, base = self.columns_SLU, self.base_1LU
        return own[top], own[bottom], base[top], base[bottom]

    def pooled(self, size: int) -> "Totals":
        """The totals of `size` groups of shoppers, by the remainder of the shopper's number."""
        group_U = self.shopper_U % size

        def sums(table: Mapping[str, Floats]) -> dict[str, Floats]:
            return {
                name: np.apply_along_axis(lambda row: np.bincount(group_U, row, size), -1, totals)
                for name, totals in table.items()
            }

        return replace(
            self,
            shopper_U=np.arange(size),
            columns_SLU=sums(self.columns_SLU),
            base_1LU=sums(self.base_1LU),
        )


def compared(
    metric: Metric, terms: Pair, own_SG: Columns, base_SG: Columns, *, confidence: float
) -> Result:
    """How a metric grows from some worlds to those that they are paired with.

    Args:
        metric: which.
        terms: (S, L, U) numerator and denominator in either; a base that all seeds share has one
            row.
        own_SG, base_SG: either by category; empty where that is not known.
        confidence: level of the interval.
    """
    if not terms[0].size:
        return NOTHING
    luck = None
    if own_SG and base_SG:
        top_SU, by_SU, base_SU, base_by_SU = (part_SLU[:, 0] for part_SLU in terms)
        luck = of_whole(metric, (top_SU, by_SU, base_SU, base_by_SU), own_SG, base_SG)
    return growth(*terms, confidence=confidence, shared=luck)


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
    base_1G = _by_category(base) if len(base) == 1 else {}
    with engine(EngineSpec()) as connection:
        select = partial(brought, columns=_COLUMNS)
        read_world(connection, "base", base, select)
        for name, seeds in policies.items():
            worlds = ["base"]
            for seed, logs in enumerate(seeds):
                worlds.append(f"seed_{seed}")
                read_world(connection, worlds[-1], logs, select)
            totals = _totals(WorldTotals(connection, worlds, len(base)))
            own_SG = _by_category([logs[0] for logs in seeds]) if base_1G else {}
            yield name, replace(totals, columns_SG=own_SG, base_1G=base_1G)


def _totals(worlds: WorldTotals) -> Totals:
    """The first world is the supervised model's."""
    tables_WLU = {column: worlds.of(column) for column in _COLUMNS}
    seeds = len(next(iter(tables_WLU.values()))) - 1
    exposed_1LU = worlds.exposed_SU[None]
    own = {column: table_WLU[1:] for column, table_WLU in tables_WLU.items()}
    base = {column: table_WLU[:1] for column, table_WLU in tables_WLU.items()}
    return Totals(
        worlds.shopper_U,
        own | {EXPOSED: np.repeat(exposed_1LU, seeds, axis=0)},
        base | {EXPOSED: exposed_1LU},
        lonely=worlds.lonely,
    )


def _by_category(logs: Sequence[Path]) -> Columns:
    """(W, G) columns of worlds of one luck; empty where one was not followed by category."""
    found = [read_own(log) for log in logs]
    known = [each for each in found if each is not None]
    if not known or len(known) < len(found):
        return {}
    return {column: np.stack([each[column] for each in known]) for column in _COLUMNS}


def lift_rows(policy: str, totals: Totals, *, confidence: float) -> list[Online]:
    """A policy's lift in every metric of `ONLINE`, p-values not yet adjusted.

    A lift is None where a world lacks what the metric divides by.
    """
    rows = []
    for name in ONLINE:
        metric = METRICS[name]
        terms, groups = totals.terms(metric), (totals.columns_SG, totals.base_1G)
        found = compared(metric, terms, *groups, confidence=confidence)
        top_S, by_S, (base_top,), (base_by,) = (part.sum(axis=(1, 2)).tolist() for part in terms)
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
    interval of the supervised model leaves out the luck of training, because it was trained once.

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
