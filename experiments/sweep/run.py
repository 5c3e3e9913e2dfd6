"""A sweep: its cells run on one store, one after the other or side by side, then told together."""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from experiments.config.estimate import plan_sweep
from experiments.report.kit.sentences import counted
from experiments.report.sweep.page import write_report
from experiments.running.run import run_experiment
from experiments.stages.folder import held_store
from experiments.stages.pace import planned
from experiments.stages.progress import Bar, Progress
from experiments.sweep.cells import Cell, Sweep
from experiments.sweep.crew import Run, Work, carry_out
from experiments.sweep.folder import CELLS, open_sweep
from experiments.sweep.hiring import HERE, Workers
from experiments.sweep.results import Results
from simulator.errors import StoreError


def run_sweep(
    sweep: Sweep,
    folder: Path,
    *,
    progress: Progress,
    command: str,
    overwrite: bool = False,
    run: Run = run_experiment,
    workers: Workers = HERE,
) -> Path:
    """Run or continue every cell of a sweep; returns the path of its page.

    A cell that fails is told in the record, and the others go on. The record and the page are
    written whenever a cell ends.

    Args:
        folder: of the sweep; finished stages in it are reused, by whatever cell.
        command: what the record names as the way to reproduce it.
        overwrite: replace the results of a sweep of other cells, and of cells of other settings.
        run: what runs a cell.
        workers: who runs them.

    Raises:
        StoreError: a folder that cannot be used.
        ConfigError: workers that cannot be had.
    """
    with open_sweep(sweep, folder, overwrite=overwrite), held_store(folder):
        progress.plan(_announced(sweep, workers.jobs or 1))
        results, cells = Results(sweep, folder, command), dict(enumerate(sweep.cells, start=1))
        for number, cell in cells.items():
            if cell.reason:
                progress.plan(_left_out(sweep, number, cell.reason))
        works = [
            _work(sweep, number, folder, overwrite)
            for number, cell in cells.items()
            if cell.config is not None
        ]
        shown = _counting(progress, len(works)) if workers.apart else nullcontext(None)
        with workers.hired(run, sweep.configs[0], progress) as crew, shown as bar:
            for work, outcome in carry_out(crew, works, progress):
                if outcome.stops:
                    raise StoreError(outcome.reason)
                if outcome.reason:
                    progress.plan(_left_out(sweep, work.number, outcome.reason))
                results.add(cells[work.number], outcome.reason)
                results.write()
                write_report(folder)
                if bar is not None:
                    (bar.advance if outcome.made else bar.keep)()
        with progress.stage("sweep"):
            results.write()
            return write_report(folder)


@contextmanager
def _counting(progress: Progress, total: int) -> Iterator[Bar]:
    """One bar for all cells, where their own cannot be shown."""
    with progress.stage("cells", total=total, unit="cells") as bar:
        yield bar


def _work(sweep: Sweep, number: int, folder: Path, overwrite: bool) -> Work:
    """A cell that can be run."""
    cell = sweep.cells[number - 1]
    assert cell.config is not None
    return Work(
        number=number,
        place=_place(sweep, number),
        told=", ".join(cell.texts),
        config=cell.config,
        folder=folder / CELLS / cell.name,
        command=_command(sweep, cell, folder),
        overwrite=overwrite,
        started_in=(os.getcwd(), tuple(sys.path)),
    )


def _place(sweep: Sweep, number: int) -> str:
    return f"{number}/{len(sweep.cells)}"


def _left_out(sweep: Sweep, number: int, reason: str) -> str:
    texts = ", ".join(sweep.cells[number - 1].texts)
    return f"cell {_place(sweep, number)}: {texts}: left out, for {reason}"


def _command(sweep: Sweep, cell: Cell, folder: Path) -> str:
    """What makes the run of a cell by itself."""
    words = ["funnelab", "run", sweep.source]
    words += [word for each in (*sweep.overrides, *cell.texts) for word in ("--set", each)]
    return shlex.join([*words, "--out", str(folder / CELLS / cell.name)])


def _announced(sweep: Sweep, jobs: int) -> str:
    """What is to come, and about how long it takes, as long as there are processors for all."""
    ready = sweep.configs
    without = len(sweep.cells) - len(ready)
    out = f", {without} of them left out, for they cannot be" if without else ""
    at_a_time = min(jobs, len(ready))
    side = f", {at_a_time} at a time" if at_a_time > 1 else ""
    steps = [(step, seconds / at_a_time) for step, seconds in plan_sweep(ready)]
    return f"{counted(len(sweep.cells), 'cell')}{out}{side}: {planned(steps)}"
