"""The record of a sweep, from the records of its cells."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.inference.finding import corrected
from experiments.records.interval import UNKNOWN
from experiments.records.sweep import (
    CellLift,
    CellRoom,
    CellRow,
    Status,
    SweepRecord,
)
from experiments.sweep.cells import Cell, Sweep
from experiments.sweep.differences import differences
from experiments.sweep.finished import Finished, read_finished
from experiments.sweep.folder import CELLS

MAIN = ("gmv", "orders")
"""Metrics whose lifts are told beside that of the primary one."""


def make_record(
    sweep: Sweep, folder: Path, reasons: Mapping[str, str], command: str
) -> SweepRecord:
    """What sweep.json holds.

    Args:
        folder: of the sweep, where the cells' runs are.
        reasons: by cell, why it has no results; empty where it has.
        command: what the user typed.
    """
    finished = [
        read_finished(cell, cell.config, folder / CELLS / cell.name)
        for cell in sweep.cells
        if not reasons[cell.name] and cell.config is not None
    ]
    config = sweep.configs[0]
    metrics = tuple(dict.fromkeys((config.analysis.primary, *MAIN)))
    lifts = [row for each in finished for row in _lifts(each, metrics)]
    apart = [row for each in finished[1:] for row in differences(each, finished[0], metrics)]
    return SweepRecord(
        name=config.name,
        seed=config.seed,
        command=command,
        overrides=sweep.overrides,
        keys=sweep.keys,
        primary=config.analysis.primary,
        metrics=metrics,
        confidence=config.analysis.confidence,
        base=finished[0].name if finished else "",
        cells=_rows(sweep, finished, reasons),
        lifts=corrected(lifts, family=lambda row: (row.metric, row.contrast)),
        rooms=tuple(row for each in finished if (row := _room(each)) is not None),
        differences=corrected(apart, family=lambda row: (row.metric, row.contrast)),
        warnings=tuple(_warnings(finished)),
    )


def _rows(
    sweep: Sweep, finished: Sequence[Finished], reasons: Mapping[str, str]
) -> tuple[CellRow, ...]:
    """A row for every cell."""
    known = {each.name: each.manifest for each in finished}
    seen: set[str] = set()
    rows = []
    for cell in sweep.cells:
        manifest, reason = known.get(cell.name), reasons[cell.name]
        stages = manifest.stages if manifest is not None else ()
        failed = manifest.failed if manifest is not None else ()
        own = {stage.key for stage in stages}
        rows.append(
            CellRow(
                name=cell.name,
                values=cell.values,
                folder=f"{CELLS}/{cell.name}",
                status=_status(cell, reason, bool(failed)),
                reason=reason,
                failed=failed,
                stages=len(own),
                shared=len(own & seen),
                seconds=round(sum(stage.seconds for stage in stages), 3),
            )
        )
        seen |= own
    return tuple(rows)


def _status(cell: Cell, reason: str, without_parts: bool) -> Status:
    if reason:
        return "failed" if cell.config is not None else "invalid"
    return "parts_failed" if without_parts else "done"


def _lifts(found: Finished, metrics: Sequence[str]) -> list[CellLift]:
    """The true effects of a cell, by treatment and metric."""
    return [
        CellLift(
            cell=found.name,
            metric=row.metric,
            contrast=row.contrast,
            control=row.control,
            relative=row.growth,
            resolution=row.resolution,
            p_value=row.p_value,
            p_holm=None,
            seeds=row.seeds,
            n=row.n,
        )
        for row in found.truths.truth
        if row.metric in metrics
    ]


def _room(found: Finished) -> CellRoom | None:
    """How much recall could matter for control; None where that was not measured."""
    control = found.config.control
    event = "gmv" if found.metrics.primary == "gmv" else "purchase"
    room, scarce = found.truths.room(control, event), found.truths.scarce(control)
    if room is None and scarce is None:
        return None
    return CellRoom(
        cell=found.name,
        event="gmv" if event == "gmv" else "purchase",
        recall=room.recall if room else UNKNOWN,
        pool=room.pool if room else UNKNOWN,
        pressure=scarce.pressure if scarce else UNKNOWN,
        found=scarce.found if scarce else UNKNOWN,
        unseen=scarce.unseen if scarce else UNKNOWN,
    )


def _warnings(finished: Sequence[Finished]) -> list[str]:
    """What makes cells differ beyond the settings that a reader looks at."""
    said = []
    levels = {each.metrics.confidence for each in finished}
    if len(levels) > 1:
        said.append("Cells have intervals of several levels: they cannot be held side by side.")
    if len({each.config.seed for each in finished}) > 1:
        said.append("Cells have several seeds: they do not share luck and differ by it, too.")
    if len({each.config.analysis.primary for each in finished}) > 1:
        said.append("Cells have several primary metrics; the first cell's is told as primary.")
    return said
