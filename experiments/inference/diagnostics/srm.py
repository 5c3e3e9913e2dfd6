"""Sample ratio mismatch (SRM): whether the arms hold the shares of the shoppers that they should.

Where they do not, something chose who is in an arm, and a difference between the arms may be that
choice rather than the treatment.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
from scipy import stats

from experiments.inference.logs import Manifest, rows, scan
from experiments.records.metrics import SampleRatio

SRM_ALARM = 0.001
"""A sample ratio this improbable is an alarm: lower than 0.05, as every run is tested."""


FEWEST = 5.0
"""Shoppers that every arm must expect for the chi-square law to hold."""

_DRAWS = 200_000


def sample_ratio(
    population: str, counts: Mapping[str, int], shares: Mapping[str, float]
) -> SampleRatio:
    """Test a population's split over any number of arms with any shares (summing to 1).

    By Pearson's chi-square without continuity correction. Where an arm expects fewer than
    `FEWEST` shoppers its law is far from chi-square, and the same statistic has its exact p-value:
    of two arms by the binomial law, of more by 200,000 draws of the multinomial (fixed luck), which
    are right to about 0.00007 at the alarm.
    """
    arms = tuple(shares)
    found = tuple(counts.get(arm, 0) for arm in arms)
    expected = tuple(sum(found) * shares[arm] for arm in arms)
    wanted = [(f, e) for f, e in zip(found, expected, strict=True) if f or e]
    if len(wanted) < 2:
        return SampleRatio(population, arms, found, expected, None, None)
    if any(e == 0 for _, e in wanted):  # shoppers in an arm that should have none
        return SampleRatio(population, arms, found, expected, None, 0.0)
    statistic = math.fsum((f - e) ** 2 / e for f, e in wanted)
    if min(expected for _, expected in wanted) < FEWEST:
        p_value = _exact(wanted, statistic)
    else:
        p_value = float(stats.chi2.sf(statistic, len(wanted) - 1))
    return SampleRatio(population, arms, found, expected, statistic, p_value)


def _exact(wanted: Sequence[tuple[int, float]], statistic: float) -> float:
    """The chance of a statistic at least as large, from (found, expected) of each arm."""
    found_A, expected_A = np.array(wanted, np.float64).T
    total, share_A = int(found_A.sum()), expected_A / expected_A.sum()
    least = statistic * (1 - 1e-9)  # what ties with it counts
    if len(wanted) == 2:
        first_K = np.arange(total + 1)
        off_K = (first_K - expected_A[0]) ** 2 * (1 / expected_A).sum()
        return min(1.0, float(stats.binom.pmf(first_K, total, share_A[0])[off_K >= least].sum()))
    draws_DA = np.random.default_rng(0).multinomial(total, share_A, _DRAWS)
    off_D = ((draws_DA - expected_A) ** 2 / expected_A).sum(axis=1)
    return float((1 + (off_D >= least).sum()) / (1 + _DRAWS))


@dataclass(frozen=True)
class Counted:
    """How many units the arms have.

    Attributes:
        population: `assigned` or `exposed`.
        unit: what was counted, in the plural.
        counts: by name of the arm.
        shares: of all, that each arm should have.
    """

    population: str
    unit: str
    counts: Mapping[str, int]
    shares: Mapping[str, float]

    def ratio(self) -> SampleRatio:
        """Whether they are as many as they should be."""
        return replace(sample_ratio(self.population, self.counts, self.shares), unit=self.unit)


def populations(
    connection: duckdb.DuckDBPyConnection, log: Path, manifest: Manifest
) -> dict[str, dict[str, int]]:
    """How many distinct shoppers were assigned to each arm, and how many were exposed in it."""
    result = {}
    for population, table, unit in (
        ("assigned", "assignments", "unit"),
        ("exposed", "requests", "shopper"),
    ):
        found = rows(
            connection,
            f"SELECT arm, count(DISTINCT {unit}) AS n FROM {scan(log, table)} GROUP BY arm",
        )
        counts = {row["arm"]: row["n"] for row in found}
        result[population] = {name: counts.get(a, 0) for a, name in enumerate(manifest.arms)}
    return result


def latest_arms(
    connection: duckdb.DuckDBPyConnection, log: Path, manifest: Manifest, kind: str = ""
) -> dict[str, int]:
    """How many units each arm has at the end, also of those that have changed their arm.

    Args:
        kind: of the units that are counted, as the log calls it; "": all.
    """
    where = f"WHERE kind = '{kind}'" if kind else ""
    found = connection.execute(
        'SELECT arm, count(*) FROM (SELECT unit, arg_max(arm, "at") AS arm '
        f"FROM {scan(log, 'assignments')} {where} GROUP BY unit) GROUP BY arm"
    ).fetchall()
    counts = dict(found)
    return {name: int(counts.get(arm, 0)) for arm, name in enumerate(manifest.arms)}


def strayed(connection: duckdb.DuckDBPyConnection, log: Path) -> int:
    """How many shoppers were served by an arm that they were not assigned to."""
    found = rows(
        connection,
        f"SELECT count(DISTINCT shopper) AS n FROM {scan(log, 'requests')} AS served "
        f"ANTI JOIN {scan(log, 'assignments')} AS assigned "
        "ON served.shopper = assigned.unit AND served.arm = assigned.arm",
    )
    return int(found[0]["n"])
