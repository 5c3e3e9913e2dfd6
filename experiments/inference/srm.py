"""Sample ratio mismatch (SRM): whether the arms hold the shares of the shoppers that they should.

Where they do not, something chose who is in an arm, and a difference between the arms may be that
choice rather than the treatment.
"""

import math
from collections.abc import Mapping
from pathlib import Path

import duckdb
from scipy import stats

from experiments.inference.logs import Manifest, rows, scan
from experiments.records.metrics import SampleRatio

SRM_ALARM = 0.001
"""A sample ratio this improbable is an alarm: lower than 0.05, as every run is tested."""


def sample_ratio(
    population: str, counts: Mapping[str, int], shares: Mapping[str, float]
) -> SampleRatio:
    """Test a population's split over any number of arms with any shares (summing to 1).

    By Pearson's chi-square without continuity correction.
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
    p_value = float(stats.chi2.sf(statistic, len(wanted) - 1))
    return SampleRatio(population, arms, found, expected, statistic, p_value)


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


def strayed(connection: duckdb.DuckDBPyConnection, log: Path) -> int:
    """How many shoppers were served by an arm that they were not assigned to."""
    found = rows(
        connection,
        f"SELECT count(DISTINCT shopper) AS n FROM {scan(log, 'requests')} AS served "
        f"ANTI JOIN {scan(log, 'assignments')} AS assigned "
        "ON served.shopper = assigned.unit AND served.arm = assigned.arm",
    )
    return int(found[0]["n"])
