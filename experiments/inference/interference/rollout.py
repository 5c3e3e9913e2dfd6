"""Outcomes by day of shoppers who come into the treatment on different days."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from experiments.inference.logs import EngineSpec, engine, read_manifest, scan
from experiments.inference.metrics import UNIT_COLUMNS
from experiments.inference.units import counted_rows, summed
from simulator.errors import ConfigError, DataError
from simulator.protocols import DAY

Floats = NDArray[np.float64]

MEAN, VARIANCE = 0, 1
"""Places of the moments on the axis M."""


@dataclass(frozen=True)
class RollOut:
    """A staggered roll-out as sums: shoppers of one cohort are in the same arm on every day.

    A group is a set of shoppers of one cohort that is drawn again as one by a bootstrap: a single
    shopper, or a bucket of many by a hash, so that memory does not grow with shoppers.

    Attributes:
        cohort_G: (G,) cohort of each group, 0 to K - 1; each cohort has a group.
        units_G: (G,) shoppers of each group, > 0; those who did nothing count.
        sum_GT: (G, T) sum of their outcomes of each day.
        square_GT: (G, T) sum of the squares of their outcomes of each day.
        treated_KT: (K, T) 1 where the cohort is in the treatment on that day, else 0.

    Raises:
        DataError: shapes that do not fit, numbers that are not finite, or a cohort without anybody.
    """

    cohort_G: NDArray[np.int64]
    units_G: Floats
    sum_GT: Floats
    square_GT: Floats
    treated_KT: Floats

    def __post_init__(self) -> None:
        cohorts, days = self.treated_KT.shape
        shape = (len(self.cohort_G), days)
        for name in ("sum_GT", "square_GT"):
            found = getattr(self, name)
            if found.shape != shape:
                raise DataError(f"{name} == shape {found.shape}, must be {shape} (groups, days)")
            if not np.isfinite(found).all():
                raise DataError(f"{name} == not finite, must be numbers")
        if not np.isin(self.treated_KT, (0.0, 1.0)).all():
            raise DataError("treated_KT == other than 0 and 1, must be 0 or 1")
        if len(self.units_G) != shape[0] or not (self.units_G > 0).all():
            raise DataError("units_G == groups without shoppers, must be > 0 in each")
        if not np.array_equal(np.unique(self.cohort_G), np.arange(cohorts)):
            raise DataError(
                f"cohort_G == cohorts {np.unique(self.cohort_G).tolist()}, must be all of 0 to "
                f"{cohorts - 1}"
            )

    @property
    def days(self) -> int:
        """How many there are."""
        return int(self.treated_KT.shape[1])

    def parts(self, times_RG: Floats | None = None) -> Floats:
        """(R, K) part of the shoppers in each cohort; R is 1 without `times_RG`."""
        units_RK = self._by_cohort(self.units_G[:, None], times_RG)[..., 0]
        return np.asarray(units_RK / units_RK.sum(axis=1, keepdims=True))

    def moments(self, times_RG: Floats | None = None) -> Floats:
        """Mean and variance of a shopper's outcome in each cohort and on each day.

        Args:
            times_RG: (R, G) how often each group counts in each resample; None: once, with R = 1.

        Returns:
            (R, K, T, M) the mean, and the variance with the number of shoppers below.
        """
        units_RK1 = self._by_cohort(self.units_G[:, None], times_RG)
        mean_RKT = self._by_cohort(self.sum_GT, times_RG) / units_RK1
        square_RKT = self._by_cohort(self.square_GT, times_RG) / units_RK1
        return np.stack([mean_RKT, np.maximum(square_RKT - mean_RKT**2, 0.0)], axis=-1)

    def resampled(self, resamples: int, *, rng: np.random.Generator) -> Floats:
        """(R, G) how often each group is drawn when cohorts keep their numbers of groups.

        Args:
            resamples: R.
            rng: the luck of drawing.
        """
        times_RG = np.empty((resamples, len(self.cohort_G)))
        for cohort in range(len(self.treated_KT)):
            own_G = np.flatnonzero(self.cohort_G == cohort)
            even_G = np.full(len(own_G), 1 / len(own_G))
            times_RG[:, own_G] = rng.multinomial(len(own_G), even_G, size=resamples)
        return times_RG

    def _by_cohort(self, value_GX: Floats, times_RG: Floats | None) -> Floats:
        """(R, K, X) sums over the groups of each cohort."""
        found = []
        for cohort in range(len(self.treated_KT)):
            own_G = self.cohort_G == cohort
            if times_RG is None:
                found.append(value_GX[own_G].sum(axis=0)[None])
            else:
                found.append(times_RG[:, own_G] @ value_GX[own_G])
        return np.stack(found, axis=1)


def rolled_out(outcome_UT: Floats, treated_UT: NDArray[np.bool_]) -> RollOut:
    """A roll-out from a table of shoppers; each of them is a group.

    Args:
        outcome_UT: (U, T) outcome of each shopper on each day.
        treated_UT: (U, T) whether the shopper was in the treatment on that day.

    Raises:
        DataError: as of `RollOut`.
    """
    treated_KT, cohort_U = np.unique(treated_UT, axis=0, return_inverse=True)
    outcome_UT = np.asarray(outcome_UT, np.float64)
    units_U = np.ones(len(outcome_UT))
    return RollOut(
        cohort_U.reshape(-1), units_U, outcome_UT, outcome_UT**2, treated_KT.astype(np.float64)
    )


def read_rollout(
    log: Path,
    column: str,
    treatment: str,
    *,
    buckets: int = 200,
    spec: EngineSpec | None = None,
) -> RollOut:
    """A roll-out from the log of an experiment of two arms with a ramp-up.

    Shoppers who never came count with 0, as assignments tell of them. Those of a cohort are put
    into buckets by a hash, so memory is flat in shoppers. A cohort counts as treated from the first
    day on that begins when it is in the treatment.

    Args:
        log: the experiment's log folder.
        column: of the unit table, that is summed, such as "orders" or "gmv".
        treatment: name of the arm that is rolled out.
        buckets: of each cohort; each is a group.
        spec: threads and memory.

    Raises:
        ConfigError: no such column, or one that is no sum over rows of a table.
        DataError: the folder is not a log; it has no such arm; or no assignments.
    """
    manifest = read_manifest(log)
    daily = [name for name, each in UNIT_COLUMNS.items() if each.table]
    if column not in daily:
        raise ConfigError(f"column == {column!r}, must be one of {', '.join(daily)}")
    if treatment not in manifest.arms:
        raise DataError(f"treatment == {treatment!r}, must be one of {', '.join(manifest.arms)}")
    arm = manifest.arms.index(treatment)
    with engine(spec or EngineSpec()) as connection:
        connection.execute(
            "CREATE TEMP TABLE placed AS SELECT unit AS shopper, "
            f'min("at") FILTER (arm = {arm}) AS since, hash(unit) % {buckets} AS bucket '
            f"FROM {scan(log, 'assignments')} GROUP BY unit"
        )
        first, last = _days(connection, log)
        groups = connection.execute(
            "SELECT since, bucket, count(*) FROM placed GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        if not groups:
            raise DataError(f"{log} == no assignments, must have those of its shoppers")
        found = connection.execute(_daily(log, column)).fetchall()
    days = np.arange(first, last + 1)
    at = {(since, bucket): number for number, (since, bucket, _) in enumerate(groups)}
    starts = sorted({since for since, _, _ in groups}, key=lambda each: (each is None, each or 0.0))
    sum_GT, square_GT = np.zeros((2, len(groups), len(days)))
    for since, bucket, day, total, square in found:
        place = at[since, bucket], day - first
        sum_GT[place], square_GT[place] = total, square
    start_K = np.array([np.inf if each is None else each for each in starts])
    return RollOut(
        np.array([starts.index(since) for since, _, _ in groups]),
        np.array([float(count) for _, _, count in groups]),
        *(sum_GT, square_GT),
        (start_K[:, None] <= days * DAY).astype(np.float64),
    )


def _days(connection: duckdb.DuckDBPyConnection, log: Path) -> tuple[int, int]:
    """The first and the last day with requests."""
    row = connection.execute(f"SELECT min(day), max(day) FROM {scan(log, 'requests')}").fetchone()
    if row is None or row[0] is None:
        raise DataError(f"{log} == no requests, must have some")
    return int(row[0]), int(row[1])


def _daily(log: Path, column: str) -> str:
    """SQL of the sums of outcomes and of their squares, by cohort, bucket and day."""
    asked = UNIT_COLUMNS[column]
    own = f"SELECT shopper, day, {summed(asked)}::DOUBLE AS y FROM {counted_rows(log, asked.table)}"
    return (
        f"SELECT since, bucket, day, sum(y), sum(y * y) FROM ({own} GROUP BY ALL) "
        "JOIN placed USING (shopper) GROUP BY ALL ORDER BY ALL"
    )
