"""The command `funnelab sweep`.

Libraries are imported inside it, so that help and errors come at once.
"""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from experiments.commands.options import AsJson, ConfigName, Out, Overrides, Overwrite
from experiments.commands.telling import tell, telling_what_is_kept
from simulator.errors import ConfigError

Over = Annotated[
    list[str] | None,
    typer.Option(
        "--over",
        metavar="KEY=V1,V2,..",
        help="A setting and its values; several of them are crossed [those of the settings].",
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
WorldCount = Annotated[
    int | None,
    typer.Option(
        "--worlds",
        metavar="N",
        help="Draw N worlds from ranges of what nobody knows, and say what the lift hangs on.",
    ),
]
Vary = Annotated[
    list[str] | None,
    typer.Option(
        "--vary",
        metavar="KEY=LOW..HIGH",
        help="A setting and its range, for --worlds; log:LOW..HIGH is even in the logarithm "
        "[those that come with funnelab].",
    ),
]
FromLog = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="DIR",
        help="Results of calibrate-market: draw what they tell of its posterior, for --worlds; "
        "what --set gives stays.",
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        min=1,
        metavar="N",
        help="Cells at a time, each in a process of its own [1; all processors of a cluster].",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="ADDR",
        help="Run cells on this Ray cluster; local: start one on this machine.",
    ),
]


def sweep(
    config: ConfigName,
    over: Over = None,
    cells: CellsFile = None,
    worlds: WorldCount = None,
    vary: Vary = None,
    log: FromLog = None,
    out: Out = None,
    jobs: Jobs = None,
    address: Address = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Run an experiment under many settings, compare its lift; writes runs/<config name>-sweep.

    It tells about how long that takes before it begins. Every cell is an ordinary run, and stages
    that cells have in common are made once; the same command continues an interrupted sweep, with
    whatever --jobs and --address: they change no result. What is found so far is written whenever a
    cell ends. A cell that cannot be or that fails is told, the others go on, and the status is 3.

    With --worlds the cells are worlds drawn from ranges, or from what a log of your own says;
    writes runs/<config name>-worlds.
    """
    from experiments.config.loading import load_config
    from experiments.stages.progress import default_progress
    from experiments.sweep.assumptions.declared import declared_for, parse_vary
    from experiments.sweep.cells import draw_sweep, make_sweep
    from experiments.sweep.grid import axes_of, parse_over, read_cells
    from experiments.sweep.hiring import Workers
    from experiments.sweep.run import run_sweep

    settings = load_config(config, overrides or ())
    if worlds is None:
        if vary:
            raise ConfigError(f"--vary {vary[0]} == without --worlds N, must be with it")
        if log is not None:
            raise ConfigError(f"--from {log} == without --worlds N, must be with it")
        axes = [parse_over(each) for each in over or ()]
        axes += [read_cells(cells)] if cells is not None else []
        if not axes and settings.sweep is not None:
            axes = axes_of(settings.sweep)
        swept = make_sweep(config, axes, overrides or ())
    else:
        if over or cells is not None:
            raise ConfigError("--worlds == with --over or --cells, must be without them")
        ranges = [parse_vary(each) for each in vary or ()]
        if not ranges and log is None:
            ranges = [*declared_for(config, overrides or ())]
        swept = draw_sweep(config, ranges, worlds, overrides or (), log)
    kind = "sweep" if worlds is None else "worlds"
    folder = out or Path("runs") / f"{settings.name}-{kind}"
    command = shlex.join(["funnelab", *sys.argv[1:]])
    with telling_what_is_kept(folder):
        report = run_sweep(
            swept,
            folder,
            progress=default_progress(),
            command=command,
            overwrite=overwrite,
            workers=Workers(jobs, address),
        )
    tell_sweep(folder, report, as_json)


def holds_sweep(folder: Path) -> bool:
    """Whether a folder is that of a sweep."""
    from experiments.records.sweep import SweepRecord

    return (folder / SweepRecord.FILE).is_file()


def redraw_sweep(folder: Path, as_json: bool) -> None:
    """Write the page of a sweep again, of what has been found so far, and tell that."""
    from experiments.report.sweep.page import write_report

    tell_sweep(folder, write_report(folder), as_json)


def tell_sweep(folder: Path, report: Path, as_json: bool) -> None:
    """Print what a sweep found."""
    from experiments.records.reading import read_record
    from experiments.records.sweep import SweepRecord
    from experiments.report.sweep.terminal import sweep_summary

    record = read_record(SweepRecord, folder)
    tell(folder, report, as_json, sweep_summary, failed=record.failed, sweep=record)
