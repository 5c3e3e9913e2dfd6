"""The record of a sweep, from the records of its cells."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from experiments.config.loading import resolved_toml
from experiments.inference.finding import corrected
from experiments.records.files import MANIFEST
from experiments.records.interval import UNKNOWN
from experiments.records.manifest import RunManifest
from experiments.records.reading import write_record
from experiments.records.sweep import (
    Assumption,
    CellDifference,
    CellLift,
    CellRoom,
    CellRow,
    Status,
    SweepRecord,
)
from experiments.stages.folder import check_same_settings
from experiments.sweep.assumptions.weighing import weighed
from experiments.sweep.cells import Cell, Sweep
from experiments.sweep.differences import differences
from experiments.sweep.finished import Finished, read_finished
from experiments.sweep.folder import CELLS
from experiments.sweep.services import services
from simulator.errors import DataError, StoreError

Event = Literal["purchase", "gmv"]

MAIN = ("gmv", "orders")
"""Metrics whose lifts are told beside that of the primary one."""


class Results:
    """What a sweep has found so far, written down whenever a cell ends.

    Args:
        folder: of the sweep, where the cells' runs are.
        command: what the user typed.
    """

    def __init__(self, sweep: Sweep, folder: Path, command: str) -> None:
        self._sweep, self._folder, self._command = sweep, folder, command
        self._finished: dict[str, Finished] = {}
        self._reasons = {cell.name: cell.reason for cell in sweep.cells if cell.config is None}
        self._apart: dict[tuple[str, str], list[CellDifference]] = {}
        for cell in sweep.cells:
            with suppress(StoreError, DataError):  # not run yet, or of another version
                self._keep(cell)

    def _keep(self, cell: Cell) -> None:
        """Take over the results of a cell, if its run has some with these settings."""
        run = self._folder / CELLS / cell.name
        if cell.config is not None and (run / MANIFEST).is_file():
            check_same_settings(run, resolved_toml(cell.config))
            self._finished[cell.name] = read_finished(cell, cell.config, run)

    def add(self, cell: Cell, reason: str) -> None:
        """Take the results of a cell that has been run, or the reason why it has none."""
        self._finished.pop(cell.name, None)
        self._reasons.pop(cell.name, None)
        self._apart = {pair: told for pair, told in self._apart.items() if cell.name not in pair}
        if reason:
            self._reasons[cell.name] = reason
        else:
            self._keep(cell)

    def write(self) -> None:
        """Write sweep.json."""
        write_record(self._folder, self._record())

    def _record(self) -> SweepRecord:
        sweep, config = self._sweep, self._sweep.configs[0]
        finished = [
            self._finished[cell.name] for cell in sweep.cells if cell.name in self._finished
        ]
        metrics = tuple(dict.fromkeys((config.analysis.primary, *MAIN)))
        lifts = [row for each in finished for row in _lifts(each, metrics)]
        # Drawn worlds share no luck with the first one, and nothing sets that one apart.
        others = [] if sweep.ranges else finished[1:]
        apart = [row for each in others for row in self._beside(each, finished[0], metrics)]
        drawn = weighed(sweep, lifts, config.analysis.confidence)
        return SweepRecord(
            name=config.name,
            seed=config.seed,
            command=self._command,
            overrides=sweep.overrides,
            keys=sweep.keys,
            primary=config.analysis.primary,
            metrics=metrics,
            confidence=config.analysis.confidence,
            base=finished[0].name if finished else "",
            cells=_rows(sweep, finished, self._reasons),
            lifts=corrected(lifts, family=lambda row: (row.metric, row.contrast)),
            rooms=tuple(row for each in finished for row in _rooms(each)),
            differences=corrected(apart, family=lambda row: (row.metric, row.contrast)),
            warnings=tuple(warnings(finished, drawn=bool(sweep.ranges))),
            assumptions=tuple(
                Assumption(each.key, each.low, each.high, each.log) for each in sweep.ranges
            ),
            over=drawn.over,
            leans=drawn.leans,
            importance=drawn.importance,
            services=tuple(row for each in finished for row in services(each)),
        )

    def _beside(
        self, found: Finished, base: Finished, metrics: Sequence[str]
    ) -> list[CellDifference]:
        """A cell beside the base; taken once, for it reads their logs."""
        pair = found.name, base.name
        if pair not in self._apart:
            self._apart[pair] = differences(found, base, metrics)
        return self._apart[pair]


def _rows(
    sweep: Sweep, finished: Sequence[Finished], reasons: Mapping[str, str]
) -> tuple[CellRow, ...]:
    """A row for every cell."""
    known = {each.name: each.manifest for each in finished}
    seen: set[str] = set()
    rows = []
    for cell in sweep.cells:
        manifest, reason = known.get(cell.name), reasons.get(cell.name, "")
        stages = manifest.stages if manifest is not None else ()
        failed = manifest.failed if manifest is not None else ()
        own = {stage.key for stage in stages}
        rows.append(
            CellRow(
                name=cell.name,
                values=cell.values,
                folder=f"{CELLS}/{cell.name}",
                status=_status(cell, manifest, reason),
                reason=reason,
                failed=failed,
                stages=len(own),
                shared=len(own & seen),
                seconds=round(sum(stage.seconds for stage in stages), 3),
            )
        )
        seen |= own
    return tuple(rows)


def _status(cell: Cell, manifest: RunManifest | None, reason: str) -> Status:
    if manifest is None:
        return "waiting" if not reason else "failed" if cell.config is not None else "invalid"
    return "parts_failed" if manifest.failed else "done"


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
            freedom=row.freedom,
            method=row.method,
            trainings=row.trainings,
        )
        for row in found.truths.truth
        if row.metric in metrics
    ]


def _rooms(found: Finished) -> list[CellRoom]:
    """How much recall could matter for each arm; without those where that was not measured."""
    event: Event = "gmv" if found.metrics.primary == "gmv" else "purchase"
    rows = []
    for arm in (each.name for each in found.config.arms):
        room, scarce = found.truths.room(arm, event), found.truths.scarce(arm)
        if room is None and scarce is None:
            continue
        rows.append(
            CellRoom(
                cell=found.name,
                arm=arm,
                event=event,
                recall=room.recall if room else UNKNOWN,
                catalogue=room.catalogue if room else UNKNOWN,
                pool=room.pool if room else UNKNOWN,
                kept=room.kept if room else UNKNOWN,
                pressure=scarce.pressure if scarce else UNKNOWN,
                found=scarce.found if scarce else UNKNOWN,
                unseen=scarce.unseen if scarce else UNKNOWN,
            )
        )
    return rows


def warnings(finished: Sequence[Finished], *, drawn: bool) -> list[str]:
    """What makes cells differ beyond the settings that a reader looks at.

    Args:
        drawn: the cells are worlds that were drawn, each with a seed of its own.
    """
    said = []
    levels = {each.metrics.confidence for each in finished}
    if len(levels) > 1:
        said.append("Cells have intervals of several levels: they cannot be held side by side.")
    if len({each.config.seed for each in finished}) > 1 and not drawn:
        said.append("Cells have several seeds: they do not share luck and differ by it, too.")
    for what, lucks in (
        ("catalogue", {each.config.traits.seed for each in finished}),
        ("needs", {each.config.queries.seed for each in finished}),
    ):
        if len(lucks) > 1:
            said.append(
                f"Cells have several seeds of the {what}: they differ by that luck, which is in no "
                "interval of a cell's lift."
            )
        elif drawn and lucks - {None}:
            said.append(f"All worlds have one luck of the {what}: what is said of them lacks it.")
    if len({each.config.analysis.primary for each in finished}) > 1:
        said.append("Cells have several primary metrics; the first cell's is told as primary.")
    return said
