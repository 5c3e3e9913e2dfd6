"""The true effect: paired worlds, in which the same shoppers live once under each arm.

Everybody is in control in one world and in treatment in the other, on the same draws, so each
shopper is their own control. Interference between arms, which biases an A/B test, has no place
in them: their difference is the global treatment effect (GTE).

Units and intervals: the cluster is the shopper. Over several seeds a shopper's days are summed
into one cluster, rather than counted once per seed, because a shopper keeps their traits from
seed to seed; were they redrawn, the interval would still be right. It speaks of shoppers and
their luck; what a seed does to all shoppers at once shows only in many seeds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from scipy import stats

from experiments.inference.estimates import ROUNDING
from experiments.inference.logs import EngineSpec, engine, rows
from experiments.inference.metrics import Metric
from experiments.inference.units import shopper_days, unit_sums
from experiments.records.interval import UNKNOWN, Interval, Number
from experiments.records.truth import Truth
from simulator.errors import DataError


@dataclass(frozen=True)
class GlobalEffect:
    """The effect of giving everybody the treatment; None where it is not determined.

    Attributes:
        metric: its name.
        control, treatment: the metric in each world.
        effect: treatment minus control.
        relative: the same over control's level, which is taken as given.
        pairing_factor: variance of the difference between independent worlds over that between
            paired ones: how many times more shoppers unpaired worlds would need. None where the
            worlds differ by nothing, or by the same for everybody.
        seeds: pairs of worlds.
        n: shoppers.
    """

    metric: str
    control: Number
    treatment: Number
    effect: Interval
    relative: Interval
    pairing_factor: Number
    seeds: int
    n: int


@dataclass(frozen=True)
class PairedTruth:
    """The global effects of one contrast, and what was amiss with its worlds."""

    effects: tuple[GlobalEffect, ...]
    warnings: tuple[str, ...]


def paired_truth(
    control_logs: Sequence[Path],
    treatment_logs: Sequence[Path],
    metrics: Sequence[Metric],
    *,
    confidence: float = 0.95,
    spec: EngineSpec | None = None,
) -> PairedTruth:
    """The global treatment effect on each metric.

    A mean metric's difference is per shopper; a ratio metric's is linearised on the paired
    totals (delta method). Equal worlds give 0 with the interval [0, 0], exactly. A shopper that
    only one of two paired worlds has counts as zeros in the other and is warned of.

    Args:
        control_logs: the world with everybody in control, one log for each seed.
        treatment_logs: its twin with everybody in treatment, in the same order.
        metrics: what is compared.
        confidence: level of the intervals.
        spec: threads and memory.

    Raises:
        DataError: there are no worlds, or not as many of one kind as of the other.
    """
    if not control_logs or len(control_logs) != len(treatment_logs):
        raise DataError(
            f"truth worlds == {len(control_logs)} of control and {len(treatment_logs)} of "
            "treatment, must be as many of each and > 0"
        )
    with engine(spec or EngineSpec()) as connection:
        lonely = _pair(connection, control_logs, treatment_logs, metrics)
        means = rows(connection, f"SELECT count(*) AS n, {_means(metrics)} FROM pairs")[0]
        known = [metric for metric in metrics if _denominators(means, metric)]
        spread = rows(connection, f"SELECT {_spreads(known, means)} FROM pairs")[0] if known else {}
    effects = tuple(
        _effect(metric, means, spread, len(control_logs), confidence) for metric in metrics
    )
    missing = [
        f"{m.name} has no global effect: a world has no {m.denominator or 'exposed shoppers'}"
        for m in metrics
        if m not in known
    ]
    if lonely:
        missing.append(
            f"{lonely} shoppers appear in one of two paired worlds only and count as zeros in the "
            "other; arrivals should not depend on the arm"
        )
    return PairedTruth(effects, tuple(missing))


def _pair(
    connection: duckdb.DuckDBPyConnection,
    control_logs: Sequence[Path],
    treatment_logs: Sequence[Path],
    metrics: Sequence[Metric],
) -> int:
    """Create `pairs`, one row per shopper; return how many one world only has.

    Columns c_x and t_x are column x of the unit table in control and treatment, summed over
    seeds; c_exposed and t_exposed, equal by construction, count the seeds with that shopper.
    """
    columns = {column for metric in metrics for column in metric.columns}
    sums = unit_sums(columns)
    parts = [
        f"SELECT shopper, {seed} AS seed, '{world}' AS world, {sums} "
        f"FROM ({shopper_days(log, columns)}) GROUP BY shopper HAVING sum(requests) > 0"
        for world, logs in (("c", control_logs), ("t", treatment_logs))
        for seed, log in enumerate(logs)
    ]
    worlds = ", ".join(
        f"coalesce(sum({column}) FILTER (world = '{world}'), 0)::DOUBLE AS {world}_{column}"
        for column in sorted(columns)
        for world in ("c", "t")
    )
    connection.execute(
        "CREATE TEMP TABLE pairs AS SELECT shopper, count(DISTINCT seed)::DOUBLE AS c_exposed, "
        "count(DISTINCT seed)::DOUBLE AS t_exposed, "
        f"2 * count(DISTINCT seed) - count(*) AS lonely, {worlds} "
        f"FROM ({' UNION ALL '.join(parts)}) GROUP BY shopper"
    )
    return int(rows(connection, "SELECT count(*) AS n FROM pairs WHERE lonely > 0")[0]["n"])


def _terms(metric: Metric, world: str) -> tuple[str, str]:
    return f"{world}_{metric.numerator}", f"{world}_{metric.denominator or 'exposed'}"


def _means(metrics: Sequence[Metric]) -> str:
    columns = {column for m in metrics for world in "ct" for column in _terms(m, world)}
    return ", ".join(f"avg({column}) AS {column}" for column in sorted(columns))


def _denominators(means: Mapping[str, float | None], metric: Metric) -> bool:
    return all((means[_terms(metric, world)[1]] or 0) > 0 for world in "ct")


def _value(means: Mapping[str, float], metric: Metric, world: str) -> float:
    numerator, denominator = _terms(metric, world)
    return means[numerator] / means[denominator]


def _spreads(metrics: Sequence[Metric], means: Mapping[str, float]) -> str:
    """SQL of the variances over shoppers of each metric, linearised, apart and paired.

    Constants travel as quoted text: DuckDB would read a bare 0.1 as a decimal.
    """
    listed = []
    for metric in metrics:
        linear = {}
        for world in "ct":
            numerator, denominator = _terms(metric, world)
            ratio = _value(means, metric, world)
            linear[world] = (
                f"(({numerator} - '{ratio!r}'::DOUBLE * {denominator}) "
                f"/ '{means[denominator]!r}'::DOUBLE)"
            )
        listed.append(f"var_samp({linear['t']} - {linear['c']}) AS {metric.name}_paired")
        listed.append(
            f"var_samp({linear['t']}) + var_samp({linear['c']}) AS {metric.name}_unpaired"
        )
    return ", ".join(listed)


def _effect(
    metric: Metric,
    means: Mapping[str, Any],
    spread: Mapping[str, float | None],
    seeds: int,
    confidence: float,
) -> GlobalEffect:
    n = int(means["n"])
    if not _denominators(means, metric):
        return GlobalEffect(metric.name, None, None, UNKNOWN, UNKNOWN, None, seeds, n)
    control, treatment = _value(means, metric, "c"), _value(means, metric, "t")
    gte = treatment - control
    paired, unpaired = spread[f"{metric.name}_paired"], spread[f"{metric.name}_unpaired"]
    effect, factor = Interval(gte, None, None), None
    if paired is not None and unpaired is not None:
        half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * math.sqrt(paired / n)
        effect = Interval(gte, gte - half, gte + half)
        factor = unpaired / paired if paired > ROUNDING * unpaired else None
    relative = effect.over(control) if control > 0 else UNKNOWN
    return GlobalEffect(metric.name, control, treatment, effect, relative, factor, seeds, n)


def beside(effect: GlobalEffect, contrast: tuple[str, str], naive: Interval) -> Truth:
    """A global effect beside the naive A/B estimate of it, as truth.json has them.

    Args:
        effect: from `paired_truth`.
        contrast: (control, treatment) arm names.
        naive: the unadjusted effect of metrics.json; unknown where the test did not estimate it.
    """
    gte = effect.effect.estimate
    return Truth(
        metric=effect.metric,
        contrast=contrast,
        control=effect.control,
        treatment=effect.treatment,
        effect=effect.effect,
        relative=effect.relative,
        naive=naive,
        bias=None if gte is None or naive.estimate is None else naive.estimate - gte,
        covered=naive.holds(gte),
        pairing_factor=effect.pairing_factor,
        seeds=effect.seeds,
        n=effect.n,
    )
