"""Every experiment of a table of snapshots, monitored: the contents of sequential.json."""

from collections.abc import Mapping
from pathlib import Path

from experiments.inference.diagnostics.srm import SRM_ALARM, sample_ratio
from experiments.inference.logs import EngineSpec
from experiments.inference.sequential.monitor import monitor
from experiments.inference.sequential.plans import Plan, as_it_ended
from experiments.inference.sequential.snapshots import (
    SnapshotArm,
    SnapshotColumns,
    read_snapshots,
)
from experiments.inference.sequential.spending import OBRIEN_FLEMING, Spending
from experiments.records.experiment.sequential import (
    Clock,
    Sequential,
    SequentialArm,
    SequentialSeries,
)
from simulator.errors import placing

EVEN = 0.005
"""How far a treatment's share may be from one half and still have been planned to be that. Of the
99 arms of the ASOS table 91 are within 0.0025; the next are 0.0074 away."""


def analyse_snapshots(
    path: Path,
    columns: SnapshotColumns | None = None,
    *,
    plans: Mapping[str, Plan] | None = None,
    clock: Clock = "units",
    alpha: float = 0.05,
    spending: Spending = OBRIEN_FLEMING,
    spec: EngineSpec | None = None,
) -> Sequential:
    """Monitor every metric of every treatment, and test the arms' sizes.

    Args:
        path: the table: see `read_snapshots`.
        columns: names of its columns.
        plans: by experiment, what it is planned to end with. One without a plan counts as over: it
            was planned to end as it did, which only hindsight knows.
        clock: of the experiments without a plan.
        alpha: level of every rule.
        spending: of the group-sequential tests.
        spec: threads and memory.

    Raises:
        ConfigError: an alpha or a plan out of range.
        DataError: a table that cannot be used, or precision as the clock of a metric that is not
            above 0.
    """
    found = read_snapshots(path, columns, spec=spec)
    plans = plans or {}
    series = []
    for each in found.series:
        place = f"experiment {each.experiment}, variant {each.variant}, metric {each.metric}"
        with placing(place):
            plan = plans.get(each.experiment) or as_it_ended(each.looks, clock)
            looks = monitor(each.looks, plan, alpha=alpha, spending=spending)
        series.append(
            SequentialSeries(
                experiment=each.experiment,
                variant=each.variant,
                metric=each.metric,
                clock=plan.clock,
                planned=plan.planned,
                looks=looks,
            )
        )
    return Sequential(
        confidence=1 - alpha,
        spending=spending.label,
        series=tuple(series),
        arms=tuple(_judged(arm) for arm in found.arms),
        peeking=(),
        findings=found.findings,
    )


def _judged(arm: SnapshotArm) -> SequentialArm:
    """Whether the arms' sizes are those of an even split, where that was planned."""
    counts = {"control": arm.n_control, "treatment": arm.n_treatment}
    total = sum(counts.values())
    share = arm.n_treatment / total if total else None
    ratio = None
    if share is not None and abs(share - 0.5) < EVEN:
        ratio = sample_ratio("counted", counts, {"control": 0.5, "treatment": 0.5})
    p_value = None if ratio is None else ratio.p_value
    return SequentialArm(
        experiment=arm.experiment,
        variant=arm.variant,
        share=share,
        mismatch=None if p_value is None else p_value < SRM_ALARM,
        ratio=ratio,
    )
