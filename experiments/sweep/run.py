"""A sweep: its cells run one after the other on one store, then told beside each other."""

import shlex
from collections.abc import Callable
from pathlib import Path

from experiments.config.estimate import plan_sweep
from experiments.records.reading import write_record
from experiments.report.kit.sentences import counted
from experiments.report.sweep.page import write_report
from experiments.running.run import run_experiment
from experiments.stages.pace import planned
from experiments.stages.progress import Progress
from experiments.sweep.cells import Cell, Sweep
from experiments.sweep.folder import CELLS, open_sweep
from experiments.sweep.progress import CellProgress
from experiments.sweep.results import make_record
from simulator.errors import FunnelabError, StoreError

Run = Callable[..., object]
"""What runs a cell; called as `run_experiment`."""


def run_sweep(
    sweep: Sweep,
    folder: Path,
    *,
    progress: Progress,
    command: str,
    overwrite: bool = False,
    run: Run = run_experiment,
) -> Path:
    """Run or continue every cell of a sweep; returns the path of its page.

    A cell that fails is told in the record, and the others go on.

    Args:
        folder: of the sweep; finished stages in it are reused, by whatever cell.
        command: what the record names as the way to reproduce it.
        overwrite: replace the results of a sweep of other cells, and of cells of other settings.
        run: what runs a cell.

    Raises:
        StoreError: a folder that cannot be used.
    """
    with open_sweep(sweep, folder, overwrite=overwrite):
        progress.plan(_announced(sweep))
        reasons = {}
        for number, cell in enumerate(sweep.cells, start=1):
            place = f"{number}/{len(sweep.cells)}"
            reason = cell.reason
            if cell.config is not None:
                told = CellProgress(progress, place, ", ".join(cell.texts))
                again = _command(sweep, cell, folder)
                options = {"progress": told, "command": again, "overwrite": overwrite}
                reason = _failure(run, cell, folder / CELLS / cell.name, **options)
            if reason:
                progress.plan(f"cell {place}: {', '.join(cell.texts)}: left out, for {reason}")
            reasons[cell.name] = reason
        write_record(folder, make_record(sweep, folder, reasons, command))
        with progress.stage("sweep"):
            return write_report(folder)


def _command(sweep: Sweep, cell: Cell, folder: Path) -> str:
    """What makes the run of a cell by itself."""
    words = ["funnelab", "run", sweep.source]
    words += [word for each in (*sweep.overrides, *cell.texts) for word in ("--set", each)]
    return shlex.join([*words, "--out", str(folder / CELLS / cell.name)])


def _announced(sweep: Sweep) -> str:
    """What is to come, and about how long it takes."""
    ready = sweep.configs
    without = len(sweep.cells) - len(ready)
    out = f", {without} of them left out, for they cannot be" if without else ""
    return f"{counted(len(sweep.cells), 'cell')}{out}: {planned(plan_sweep(ready))}"


def _failure(run: Run, cell: Cell, path: Path, **options: object) -> str:
    """Run a cell; returns why it failed, empty where it did not.

    A store that cannot be written stops the sweep: the next cell would not fare better.
    """
    try:
        run(cell.config, path, **options)
    except StoreError:
        raise
    except FunnelabError as error:
        return str(error)
    except MemoryError:
        return "memory == full, must be a smaller world or fewer processes"
    return ""
