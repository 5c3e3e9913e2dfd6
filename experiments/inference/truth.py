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
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from experiments.inference.intervals import ROUNDING, student
from experiments.inference.logs import EngineSpec, engine
from experiments.inference.metrics import Metric
from experiments.inference.units import exposed_shoppers
from experiments.inference.worldtotals import WorldTotals, read_world
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
    columns = {column for metric in metrics for column in metric.columns}
    worlds = {"control": control_logs, "treatment": treatment_logs}
    with engine(spec or EngineSpec()) as connection:
        for name, logs in worlds.items():
            read_world(connection, name, logs, partial(exposed_shoppers, columns=columns))
        totals = WorldTotals(connection, list(worlds), len(control_logs))
        effects = tuple(_effect(metric, totals, confidence) for metric in metrics)
    missing = [
        f"{m.name} has no global effect: a world has no {m.denominator or 'exposed shoppers'}"
        for m, found in zip(metrics, effects, strict=True)
        if found.control is None
    ]
    if totals.lonely:
        missing.append(
            f"{totals.lonely} shoppers appear in one of two paired worlds only and count as zeros "
            "in the other; arrivals should not depend on the arm"
        )
    return PairedTruth(effects, tuple(missing))


def _effect(metric: Metric, totals: WorldTotals, confidence: float) -> GlobalEffect:
    """The effect on one metric, linearised on each shopper's totals over all seeds."""
    seeds, n = totals.exposed_SU.shape
    top_WU = totals.of(metric.numerator).sum(axis=1)
    bottom_WU = np.tile(totals.exposed_SU.sum(axis=0), (2, 1))
    if metric.denominator is not None:
        bottom_WU = totals.of(metric.denominator).sum(axis=1)
    if not bottom_WU.any(axis=1).all():
        return GlobalEffect(metric.name, None, None, UNKNOWN, UNKNOWN, None, seeds, n)
    mean_W1 = bottom_WU.mean(axis=1, keepdims=True)
    level_W1 = top_WU.mean(axis=1, keepdims=True) / mean_W1
    linear_WU = (top_WU - level_W1 * bottom_WU) / mean_W1
    control, treatment = level_W1[:, 0].tolist()
    effect, factor = Interval(treatment - control, None, None), None
    if n >= 2:
        paired = float(np.var(linear_WU[1] - linear_WU[0], ddof=1))
        unpaired = float(np.var(linear_WU, axis=1, ddof=1).sum())
        error = math.sqrt(paired / n)
        effect, _ = student(treatment - control, error, n - 1, confidence=confidence)
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
