"""The true lift of serving a policy instead of the supervised model, from paired worlds.

Each training seed of a policy serves its own worlds, and each of them is paired with the world
that the supervised model serves on the same luck: the same shoppers, on the same draws. Totals
per shopper come from the event logs by SQL; what reaches Python is one row per shopper and seed of
one policy at a time.

Units and intervals: the interval goes across training seeds and shoppers at once
(`experiments.inference.intervals.growth`). Over several lucks a shopper's days are summed into one
cluster, because a shopper keeps their traits from world to world (as `experiments.inference.truth`,
whose estimate this equals where there is one seed). With one training seed the interval is over
shoppers alone. All policies are compared with worlds of one supervised model; its own luck of
training is in no interval.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from experiments.inference.intervals import growth, holm
from experiments.inference.logs import EngineSpec, engine
from experiments.inference.metrics import METRICS, Metric
from experiments.inference.units import shopper_days, unit_sums
from experiments.records.interval import UNKNOWN, Number
from experiments.records.rewards import ONLINE, Online
from experiments.rewardlab.comparison.readings import WorldLogs
from simulator.errors import DataError

Floats = NDArray[np.float64]

EXPOSED = "exposed"
"""Column that counts the lucks in which a shopper was exposed: the unit of a mean metric."""

_COLUMNS = tuple(sorted({column for name in ONLINE for column in METRICS[name].columns}))
_BASE = -1  # the supervised model's number among the worlds of training seeds


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
    base: Sequence[Path],
    policies: Mapping[str, Sequence[Sequence[Path]]],
    *,
    spec: EngineSpec | None = None,
) -> Iterator[tuple[str, Totals]]:
    """The totals of each policy, one after the other.

    Args:
        base: worlds of the supervised model, one log for each luck.
        policies: by name, a list for each training seed with one log for each luck.
        spec: threads and memory.

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
    with engine(spec or EngineSpec()) as connection:
        connection.execute(f"CREATE TEMP TABLE base AS {_union([(_BASE, base)])}")
        for name, seeds in policies.items():
            yield name, _totals(connection, seeds)


def _union(worlds: Sequence[tuple[int, Sequence[Path]]]) -> str:
    """SQL of a row for each world, luck and exposed shopper."""
    return " UNION ALL ".join(
        f"SELECT shopper, {luck} AS luck, {world} AS world, {unit_sums(_COLUMNS)} "
        f"FROM ({shopper_days(log, _COLUMNS)}) GROUP BY shopper HAVING sum(requests) > 0"
        for world, logs in worlds
        for luck, log in enumerate(logs)
    )


def _totals(connection: duckdb.DuckDBPyConnection, seeds: Sequence[Sequence[Path]]) -> Totals:
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE worlds AS SELECT * FROM base UNION ALL "
        + _union(list(enumerate(seeds)))
    )
    shoppers = connection.execute(
        "SELECT shopper, count(DISTINCT luck)::DOUBLE AS exposed, "
        f"count(*) < count(DISTINCT luck) * {len(seeds) + 1} AS lonely "
        "FROM worlds GROUP BY shopper ORDER BY shopper"
    ).fetchnumpy()
    sums = ", ".join(f"sum({column})::DOUBLE AS {column}" for column in _COLUMNS)
    cells = connection.execute(
        f"SELECT shopper, world, {sums} FROM worlds GROUP BY shopper, world"
    ).fetchnumpy()
    shopper_U = np.asarray(shoppers["shopper"], np.int64)
    place = np.searchsorted(shopper_U, np.asarray(cells["shopper"], np.int64))
    row = np.asarray(cells["world"], np.int64) - _BASE
    tables = {EXPOSED: np.tile(np.asarray(shoppers[EXPOSED]), (len(seeds) + 1, 1))}
    for column in _COLUMNS:
        tables[column] = np.zeros((len(seeds) + 1, len(shopper_U)))
        tables[column][row, place] = cells[column]
    return Totals(
        shopper_U,
        {column: table[1:] for column, table in tables.items()},
        {column: table[:1] for column, table in tables.items()},
        int(np.sum(shoppers["lonely"])),
    )


def lift_rows(policy: str, totals: Totals, *, confidence: float) -> list[Online]:
    """A policy's lift in every metric of `ONLINE`, p-values not yet adjusted.

    A lift is None where a world lacks what the metric divides by.
    """
    rows = []
    for name in ONLINE:
        own, own_by, base, base_by = totals.terms(METRICS[name])
        pooled = [float(part.sum()) for part in (own, own_by, base, base_by)]
        lift, p_value = UNKNOWN, None
        if len(totals.shopper_U):
            found = growth(own, own_by, base, base_by, confidence=confidence)
            lift, p_value = found.interval, found.p_value
        rows.append(
            Online(
                policy=policy,
                metric=name,
                base=_over(pooled[2], pooled[3]),
                value=_over(pooled[0], pooled[1]),
                relative=lift,
                p_value=p_value,
                p_holm=None,
                per_seed=tuple(
                    _lift(top, bottom, pooled[2], pooled[3])
                    for top, bottom in zip(own.sum(axis=1), own_by.sum(axis=1), strict=True)
                ),
                shoppers=len(totals.shopper_U),
            )
        )
    return rows


def _over(top: float, bottom: float) -> Number:
    return top / bottom if bottom > 0 else None


def _lift(top: float, bottom: float, base_top: float, base_bottom: float) -> Number:
    value, base = _over(float(top), float(bottom)), _over(base_top, base_bottom)
    return value / base - 1 if value is not None and base else None


def adjusted(rows: Sequence[Online]) -> tuple[Online, ...]:
    """The rows, with p-values adjusted for their number (Holm)."""
    family = holm([row.p_value for row in rows])
    return tuple(replace(row, p_holm=p) for row, p in zip(rows, family, strict=True))


def control_rows(
    worlds: WorldLogs, *, policy: str, confidence: float, spec: EngineSpec | None = None
) -> tuple[Online, ...]:
    """What each policy adds to the control arm, the supervised model first; none without logs.

    That is incremental: whatever other channels would have found anyway is in both worlds. The
    interval of the supervised model is over shoppers alone, because it was trained once.

    Args:
        worlds: logs.
        policy: what the supervised model is called.
        confidence: level of the intervals.
        spec: threads and memory.
    """
    if not worlds.control:
        return ()
    served = {policy: [worlds.base], **worlds.policies}
    return adjusted(
        [
            row
            for name, each in lived(worlds.control, served, spec=spec)
            for row in lift_rows(name, each, confidence=confidence)
        ]
    )
