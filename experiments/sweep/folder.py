"""Where a sweep is kept: a folder for each cell, and one store of stages for all of them.

OUT/sweep.json, OUT/sweep.html
OUT/stages/                          the store
OUT/cells/<cell>/stages -> ../../stages
OUT/cells/<cell>/report.html, ...    an ordinary run folder
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.config.loading import resolved_toml
from experiments.records.files import storing
from experiments.records.metrics import Metrics
from experiments.records.reading import find_record
from experiments.records.sweep import SweepRecord
from experiments.stages.folder import (
    STAGES,
    check_is_run,
    check_same_settings,
    check_version,
    locked,
)
from experiments.sweep.cells import Sweep
from simulator.errors import DataError, StoreError

CELLS = "cells"


@contextmanager
def open_sweep(sweep: Sweep, folder: Path, *, overwrite: bool) -> Iterator[None]:
    """Hold the folder of a sweep, with a run folder in it for every cell.

    Args:
        folder: a new one, or that of the same sweep or of one of fewer cells.
        overwrite: replace the results of other settings and other cells.

    Raises:
        StoreError: a folder that cannot be used, is in use, or holds results of other settings.
    """
    check_is_run(folder)
    if (folder / Metrics.FILE).is_file():
        raise StoreError(f"{folder} holds a run, must be a new folder or that of a sweep")
    check_version(folder)
    if not overwrite:
        _check_same(sweep, folder)
    with storing(folder):
        (folder / STAGES).mkdir(parents=True, exist_ok=True)
        (folder / CELLS).mkdir(exist_ok=True)
    with locked(folder / CELLS / ".lock", folder):
        for cell in sweep.cells:
            if cell.config is not None:
                _link(folder / CELLS / cell.name / STAGES)
        yield


def _link(stages: Path) -> None:
    """Make a cell's store the store of all."""
    with storing(stages):
        stages.parent.mkdir(exist_ok=True)
        if not stages.is_symlink():
            stages.symlink_to(Path("..", "..", STAGES), target_is_directory=True)


def _check_same(sweep: Sweep, folder: Path) -> None:
    """Refuse to replace results of other settings, or of cells that are none any more."""
    try:
        record = find_record(SweepRecord, folder)
    except DataError:  # of another version: cells tell what they hold
        record = None
    now = {cell.name for cell in sweep.cells}
    gone = [cell.name for cell in record.cells if cell.name not in now] if record else []
    if gone:
        more = f", and {len(gone) - 3} more" if len(gone) > 3 else ""
        raise StoreError(
            f"{folder} holds a sweep with other cells ({', '.join(gone[:3])}{more}), must be the "
            "same cells or more, another folder (--out) or --overwrite"
        )
    for cell in sweep.cells:
        if cell.config is not None:
            check_same_settings(folder / CELLS / cell.name, resolved_toml(cell.config))
