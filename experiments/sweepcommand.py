"""The command `funnelab sweep`.

Libraries are imported inside it, so that help and errors come at once.
"""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from experiments.options import AsJson, ConfigName, Out, Overrides, Overwrite
from experiments.telling import tell, telling_what_is_kept

Over = Annotated[
    list[str] | None,
    typer.Option(
        "--over",
        metavar="KEY=V1,V2,..",
        help="A setting and its values; several of them are crossed.",
    ),
]
CellsFile = Annotated[
    Path | None,
    typer.Option(
        "--cells",
        metavar="FILE.toml",
        help="Settings that change together: a list of [[cells]], crossed with --over.",
    ),
]


def sweep(
    config: ConfigName,
    over: Over = None,
    cells: CellsFile = None,
    out: Out = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Run an experiment under many settings, compare its lift; writes runs/<config name>-sweep.

    It tells about how long that takes before it begins. Every cell is an ordinary run, and stages
    that cells have in common are made once; the same command continues an interrupted sweep. A
    cell that cannot be or that fails is told, the others go on, and the status is 3.
    """
    from experiments.config.loading import load_config
    from experiments.records.reading import read_record
    from experiments.records.sweep import SweepRecord
    from experiments.report.sweep.terminal import sweep_summary
    from experiments.stages.progress import default_progress
    from experiments.sweep.cells import make_sweep
    from experiments.sweep.grid import parse_over, read_cells
    from experiments.sweep.run import run_sweep

    axes = [parse_over(each) for each in over or ()]
    axes += [read_cells(cells)] if cells is not None else []
    swept = make_sweep(config, axes, overrides or ())
    folder = out or Path("runs") / f"{load_config(config, overrides or ()).name}-sweep"
    command = shlex.join(["funnelab", *sys.argv[1:]])
    with telling_what_is_kept(folder):
        report = run_sweep(
            swept, folder, progress=default_progress(), command=command, overwrite=overwrite
        )
    record = read_record(SweepRecord, folder)
    tell(folder, report, as_json, sweep_summary, failed=record.failed, sweep=record)
