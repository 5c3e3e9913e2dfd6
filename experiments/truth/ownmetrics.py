"""The true effect on metrics of a user's own: what is realised in the paired worlds.

Nothing is known of such a metric but what it takes from a log, so there is no expectation of it.
Sums of shoppers go the way of every realised effect; a statistic of values has the error of a
paired bootstrap (`experiments.inference.own.pairedstatistic`). With one pair of worlds intervals
are over shoppers alone, with several also over their luck, or trainings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from experiments.inference.logs import EngineSpec
from experiments.inference.own.bootstrap import Statistic
from experiments.inference.own.estimating import statistic_of
from experiments.inference.own.lived import Lived, PairedRows, lived
from experiments.inference.own.ownmetric import OwnMetric
from experiments.inference.own.pairedstatistic import paired_statistic
from experiments.records.truth import Realised, Truth
from experiments.truth.effects import PairedTruth, blank_truth, half_width, realised_effect
from simulator.catalogue.catalog import Catalog
from simulator.errors import placing


def own_truths(
    metric: OwnMetric,
    worlds: Mapping[str, Sequence[Path]],
    catalog: Catalog | None,
    *,
    control: str,
    confidence: float = 0.95,
    trainings: int = 1,
    spec: EngineSpec | None = None,
) -> dict[str, PairedTruth]:
    """By arm, the global effect on a metric of a user's own; each world's log is read once.

    Args:
        worlds: by arm, the logs of the worlds with everybody in it, one for each seed.
        catalog: the items.
        control: the arm that all others are compared with.
        confidence, trainings: as of `experiments.truth.effects.paired_truth`.
        spec: threads and memory.

    Raises:
        ContractError: it raised in one of the worlds, or its rows there break their contract.
        DataError: a folder is not a log.
    """
    made = metric.made()
    statistic = statistic_of(metric, made)
    read: dict[str, list[Lived]] = {}
    for arm, logs in worlds.items():
        with placing(f"in a world with everybody in {arm}"):
            read[arm] = [lived(metric, made, log, catalog, spec=spec) for log in logs]
    found = {}
    for arm in (each for each in worlds if each != control):
        pairs = PairedRows(metric.name, read[control], read[arm])
        if statistic is None:
            row, reason = _of_sums(metric, pairs, confidence, trainings)
        else:
            row, reason = _of_values(metric, statistic, pairs, confidence, trainings)
        what = "interval of its global effect" if row.control is not None else "global effect"
        told = (f"{metric.name} has no {what}: {reason}",) if reason else ()
        found[arm] = PairedTruth((row,), told)
    return found


def _of_sums(
    metric: OwnMetric, pairs: PairedRows, confidence: float, trainings: int
) -> tuple[Truth, str]:
    """The row of a mean or a ratio of means, and why it has no number."""
    totals = pairs.totals()
    row = realised_effect(metric.name, totals, confidence=confidence, trainings=trainings)
    return row, "a world has no denominator" if row.control is None else ""


def _of_values(
    metric: OwnMetric, statistic: Statistic, pairs: PairedRows, confidence: float, trainings: int
) -> tuple[Truth, str]:
    """The row of a statistic of values, and why it has no interval."""
    control, treatment = pairs.values()
    seeds, n = pairs.who.exposed_SU.shape
    found = paired_statistic(
        statistic, control, treatment, n, resamples=metric.resamples, confidence=confidence
    )
    row = replace(
        blank_truth(metric.name, "realised", seeds, n),
        control=found.control,
        treatment=found.treatment,
        effect=found.effect,
        relative=found.relative,
        p_value=found.p_value,
        resolution=half_width(found.relative),
        realised=Realised(found.effect, found.relative, found.pairing_factor),
        trainings=trainings,
        training_sd=found.spread if trainings > 1 else None,
    )
    return row, found.reason
