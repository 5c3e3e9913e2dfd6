"""The contents of truth.json, from the paired worlds of every arm."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from experiments.inference.logs import EngineSpec
from experiments.inference.longrun import long_run_rows
from experiments.inference.metrics import METRICS, Metric
from experiments.inference.own.ownmetric import OwnMetric
from experiments.records.interval import UNKNOWN
from experiments.records.metrics import Metrics
from experiments.records.truth import (
    Headroom,
    LongRun,
    Method,
    Refit,
    Scarcity,
    SegmentLift,
    Truth,
    Truths,
)
from experiments.truth.effects import PairedTruth, beside, paired_truth
from experiments.truth.files import HEADROOM
from experiments.truth.ownmetrics import own_truths
from experiments.truth.refits import refit_rows
from experiments.truth.searches.gains import headroom_rows
from experiments.truth.searches.segments import segment_lifts
from simulator.catalogue.catalog import Catalog
from simulator.errors import ContractError, DataError
from simulator.failures import Failure, note_failure
from simulator.protocols import FaultReason


def truth_table(
    worlds: Mapping[str, Sequence[Path]],
    found: Metrics,
    *,
    control: str,
    metrics: Sequence[Metric] = tuple(METRICS.values()),
    own: Sequence[OwnMetric] = (),
    catalog: Catalog | None = None,
    method: Method = "expected",
    trainings: int = 1,
    lasting: tuple[int, int] | None = None,
    spec: EngineSpec | None = None,
) -> Truths:
    """Everything that truth.json holds: the global effects beside the naive estimates.

    A metric of a user's own that fails in a world has no row, and the others have theirs.

    Args:
        worlds: by arm, the logs of the worlds with everybody in it, one for each seed.
        found: what `analyse` made of the A/B test, for its naive (unadjusted) estimates.
        control: the arm that all others are compared with.
        metrics: what is compared.
        own: metrics of a user's own, beside those; their effects are realised ones.
        catalog: the items, which these may read.
        method, trainings: see `paired_truth`.
        lasting: first day and number of days of a period whose early and late effects are told
            apart; None: they are not.
        spec: threads and memory.

    Raises:
        DataError: an arm has no worlds, or not as many as control.
    """
    if control not in worlds:
        raise DataError(f"truth worlds == {', '.join(worlds)}, must include control {control!r}")
    table, warnings = [], []
    paired = {
        arm: paired_truth(
            worlds[control],
            logs,
            metrics,
            method=method,
            trainings=trainings,
            confidence=found.confidence,
            spec=spec,
        )
        for arm, logs in worlds.items()
        if arm != control
    }
    asked = (worlds, catalog, control, found.confidence, trainings, spec)
    of_own = [each for metric in own if (each := _tried(metric, *asked)) is not None]
    for arm, truth in paired.items():
        told = [truth, *(each[arm] for each in of_own)]
        warnings += [f"{arm} against {control}: {line}" for each in told for line in each.warnings]
        table += [_beside(row, (control, arm), found) for each in told for row in each.effects]
    rooms, scarce = _weighed(worlds, found.confidence, spec)
    refits = tuple(
        row
        for arm, logs in worlds.items()
        for row in refit_rows(arm, logs, metrics, confidence=found.confidence, spec=spec)
    )
    warnings += training_warnings(table, refits)
    return Truths(
        truth=tuple(table),
        headroom=tuple(rooms),
        refits=refits,
        warnings=tuple(warnings),
        scarcity=tuple(scarce),
        long_run=tuple(_grown(worlds, control, lasting, found.confidence, spec)),
        segments=tuple(_segments(worlds, control, found.confidence)),
    )


def _weighed(
    worlds: Mapping[str, Sequence[Path]], confidence: float, spec: EngineSpec | None
) -> tuple[list[Headroom], list[Scarcity]]:
    """Headroom and scarcity of the arms whose requests were weighed."""
    rooms, scarce = list[Headroom](), list[Scarcity]()
    for arm, logs in worlds.items():
        if all((log.parent / HEADROOM).is_file() for log in logs):
            weighed = headroom_rows(arm, logs, confidence=confidence, spec=spec)
            rooms += weighed[0]
            scarce += weighed[1]
    return rooms, scarce


def _segments(
    worlds: Mapping[str, Sequence[Path]], control: str, confidence: float
) -> Iterator[SegmentLift]:
    """Effects of every arm by kind of search, where they are told apart."""
    for arm, logs in worlds.items():
        if arm != control:
            yield from segment_lifts(worlds[control], logs, (control, arm), confidence=confidence)


def _grown(
    worlds: Mapping[str, Sequence[Path]],
    control: str,
    lasting: tuple[int, int] | None,
    confidence: float,
    spec: EngineSpec | None,
) -> Iterator[LongRun]:
    """Early and late effects of every arm, where they are told apart."""
    for arm, logs in worlds.items():
        if arm != control and lasting is not None:
            pair = worlds[control], logs
            contrast = control, arm
            yield from long_run_rows(*pair, contrast, lasting, confidence=confidence, spec=spec)


def _beside(effect: Truth, contrast: tuple[str, str], found: Metrics) -> Truth:
    """The same beside the naive estimate of it, where the test has one."""
    naive = found.lift(effect.metric, contrast)
    shown = naive.effect if naive else UNKNOWN
    return beside(effect, contrast, shown, confidence=found.confidence)


def _tried(
    metric: OwnMetric,
    worlds: Mapping[str, Sequence[Path]],
    catalog: Catalog | None,
    control: str,
    confidence: float,
    trainings: int,
    spec: EngineSpec | None,
) -> dict[str, PairedTruth] | None:
    """By arm, the effect on a metric of the user's own; None where it fails."""
    try:
        return own_truths(
            metric,
            worlds,
            catalog,
            control=control,
            confidence=confidence,
            trainings=trainings,
            spec=spec,
        )
    except ContractError as error:
        note_failure(Failure(f"metric {metric.name}", FaultReason.RAISED, 0, str(error)))
        return None


def training_warnings(table: Sequence[Truth], refits: Sequence[Refit]) -> list[str]:
    """Where another training moves a metric by more than the interval of an effect is wide."""
    warned = []
    for row in table:
        own = [each for each in refits if each.metric == row.metric and each.arm in row.contrast]
        moved = {each: abs(each.relative.estimate or 0.0) for each in own}
        most = max(own, key=moved.__getitem__, default=None)
        if row.resolution is None or most is None or moved[most] <= row.resolution:
            continue
        luck = "the interval leaves that luck out (truth.trainings)"
        if most.arm == row.contrast[0]:
            luck = "arms whose models are trained apart may differ by that alone"
        warned.append(
            f"{row.metric}: another training of {most.arm}'s {most.model} moves it by "
            f"{moved[most]:.1%}, more than its effect is known to (+-{row.resolution:.1%}); {luck}"
        )
    return warned
