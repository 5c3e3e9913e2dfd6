"""The contents of truth.json, from the paired worlds of every arm."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.inference.logs import EngineSpec
from experiments.inference.metrics import METRICS, Metric
from experiments.records.interval import UNKNOWN
from experiments.records.metrics import Metrics
from experiments.records.truth import Method, Refit, Truth, Truths
from experiments.truth.effects import beside, paired_truth
from experiments.truth.files import HEADROOM
from experiments.truth.gains import headroom_rows
from experiments.truth.refits import refit_rows
from simulator.errors import DataError


def truth_table(
    worlds: Mapping[str, Sequence[Path]],
    found: Metrics,
    *,
    control: str,
    metrics: Sequence[Metric] = tuple(METRICS.values()),
    method: Method = "expected",
    trainings: int = 1,
    spec: EngineSpec | None = None,
) -> Truths:
    """Everything that truth.json holds: the global effects beside the naive estimates.

    Args:
        worlds: by arm, the logs of the worlds with everybody in it, one for each seed.
        found: what `analyse` made of the A/B test, for its naive (unadjusted) estimates.
        control: the arm that all others are compared with.
        metrics: what is compared.
        method, trainings: see `paired_truth`.
        spec: threads and memory.

    Raises:
        DataError: an arm has no worlds, or not as many as control.
    """
    if control not in worlds:
        raise DataError(f"truth worlds == {', '.join(worlds)}, must include control {control!r}")
    table, warnings = [], []
    for arm, logs in worlds.items():
        if arm == control:
            continue
        truth = paired_truth(
            worlds[control],
            logs,
            metrics,
            method=method,
            trainings=trainings,
            confidence=found.confidence,
            spec=spec,
        )
        warnings += [f"{arm} against {control}: {warning}" for warning in truth.warnings]
        for effect in truth.effects:
            naive = found.estimate(effect.metric, (control, arm), cuped=False)
            table.append(
                beside(
                    effect,
                    (control, arm),
                    naive.effect if naive else UNKNOWN,
                    confidence=found.confidence,
                )
            )
    rooms = [
        row
        for arm, logs in worlds.items()
        if all((log.parent / HEADROOM).is_file() for log in logs)
        for row in headroom_rows(arm, logs, confidence=found.confidence, spec=spec)
    ]
    refits = refit_rows(worlds[control], metrics, confidence=found.confidence, spec=spec)
    warnings += training_warnings(table, refits)
    return Truths(
        truth=tuple(table),
        headroom=tuple(rooms),
        refits=refits,
        warnings=tuple(warnings),
    )


def training_warnings(table: Sequence[Truth], refits: Sequence[Refit]) -> list[str]:
    """Where another training moves a metric by more than the interval of the effect is wide."""
    warned = []
    for row in table:
        moved = [
            abs(refit.relative.estimate or 0.0) for refit in refits if refit.metric == row.metric
        ]
        if row.resolution is not None and moved and max(moved) > row.resolution:
            warned.append(
                f"{row.metric}: another training of control's ranker moves it by "
                f"{max(moved):.1%}, more than its effect is known to (+-{row.resolution:.1%}); "
                "arms whose rankers are trained apart may differ by that alone"
            )
    return warned
