"""The command `funnelab`: runs experiments, shows settings, checks what a user brings.

Heavy libraries are imported inside the commands, so that help and errors come at once.
"""

import atexit
import gc
import io
import json
import os
import shlex
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from pkgutil import resolve_name
from traceback import walk_tb
from typing import Annotated

import typer

from experiments.commands.analyzecommand import analyze
from experiments.commands.calibratecommand import OPERATING_STATUS, calibrate
from experiments.commands.checkcommand import check_app
from experiments.commands.datacommand import data_app
from experiments.commands.ending import end_like_interrupted
from experiments.commands.exportcommand import export
from experiments.commands.marketcommand import CALIBRATE_STATUS, calibrate_market
from experiments.commands.options import AsJson, ConfigName, Out, Overrides, Overwrite
from experiments.commands.powercommand import POWER_STATUS, power
from experiments.commands.sweepcommand import holds_sweep, redraw_sweep, sweep
from experiments.commands.telling import (
    EXIT_FAILED,
    EXIT_REFUSED,
    STATUS,
    complain,
    tell,
    telling_what_is_kept,
)
from experiments.commands.validatecommand import VALIDATE_STATUS, validate
from simulator.errors import FunnelabError, PartFailedError

app = typer.Typer(
    help="A laboratory for simulation-based A/B testing of e-commerce search recall.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=STATUS,
)
app.add_typer(data_app, name="data")
ids_app = typer.Typer(help="Semantic ids by themselves.", no_args_is_help=True)
app.add_typer(check_app, name="check")
app.add_typer(ids_app, name="ids")

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")]
RunOrSweep = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run or sweep.")]


@app.callback(invoke_without_command=True)
def _version(
    show: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)
    ] = False,
) -> None:
    if show:
        typer.echo(f"funnelab {version('funnelab')}")
        raise typer.Exit


@app.command(epilog=STATUS)
def demo(
    out: Out = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Run the demo experiment on a generated catalogue, some two minutes; writes runs/demo."""
    _tell_run(*_made(_RUN, "demo", "", out, overrides, overwrite), as_json)


Tell = Callable[[Path, Path, bool], None]
"""Prints what a run folder holds: the folder, its page, whether for scripts."""

_RUN = "experiments.running.run:run_experiment"


def _command(group: typer.Typer, name: str, work: str, suffix: str = "") -> Callable[[Tell], Tell]:
    """A command of settings, from what tells its findings and has its help.

    Args:
        group, name: the command.
        work: MODULE:OBJECT of what carries settings out.
        suffix: of the run folder, behind the name of the settings.
    """

    def made(tell: Tell) -> Tell:
        @group.command(name, help=tell.__doc__, epilog=STATUS)
        def command(
            config: ConfigName,
            out: Out = None,
            overrides: Overrides = None,
            as_json: AsJson = False,
            overwrite: Overwrite = False,
        ) -> None:
            tell(*_made(work, config, suffix, out, overrides, overwrite), as_json)

        return tell

    return made


def _made(
    work: str,
    name: str,
    suffix: str,
    out: Path | None,
    overrides: list[str] | None,
    overwrite: bool,
) -> tuple[Path, Path]:
    """Read settings and carry them out in their folder; the folder and its page."""
    from experiments.config.loading import load_config
    from experiments.stages.progress import default_progress

    settings = load_config(name, overrides or ())
    folder = out or Path("runs") / f"{settings.name}{suffix}"
    command = shlex.join(["funnelab", *sys.argv[1:]])
    with telling_what_is_kept(folder):
        report: Path = resolve_name(work)(
            settings, folder, progress=default_progress(), command=command, overwrite=overwrite
        )
    return folder, report


@_command(app, "run", _RUN)
def _tell_run(folder: Path, report: Path, as_json: bool) -> None:
    """Run an experiment from its settings to its report.

    It tells about how long that takes before it begins; shipped settings take minutes. Finished
    stages are kept: the same command continues an interrupted run.
    """
    from experiments.records.metrics import Metrics
    from experiments.records.reading import find_record, read_record
    from experiments.records.truth import Truths
    from experiments.report.terminal import run_summary

    metrics, truth = read_record(Metrics, folder), find_record(Truths, folder)
    tell(folder, report, as_json, run_summary, metrics=metrics, truth=truth)


app.command(epilog=STATUS)(sweep)
app.command(epilog=STATUS)(analyze)
app.command(epilog=VALIDATE_STATUS)(validate)
app.command(epilog=OPERATING_STATUS)(calibrate)
app.command("calibrate-market", epilog=CALIBRATE_STATUS)(calibrate_market)
app.command(epilog=POWER_STATUS)(power)
app.command(epilog=STATUS)(export)


@app.command()
def report(folder: RunOrSweep, as_json: AsJson = False) -> None:
    """Write the report of a finished run or of a sweep again, from its JSON files.

    That of a sweep may also still be under way.
    """
    if holds_sweep(folder):
        redraw_sweep(folder, as_json)
        return
    from experiments.report import write_report

    _tell_run(folder, write_report(folder), as_json)


@app.command()
def compare(
    folder: RunFolder,
    other: Annotated[Path, typer.Argument(metavar="OTHER", help="The folder of another one.")],
    as_json: AsJson = False,
) -> None:
    """Say whether two finished runs of one config agree, as on two machines; exit 1 if not."""
    from experiments.commands.comparing import compare_runs

    if not compare_runs(folder, other, as_json=as_json):
        raise typer.Exit(1)


@app.command(epilog=STATUS)
def attribute(
    folder: RunFolder,
    rules: Annotated[
        list[str] | None,
        typer.Option("--rule", metavar="NAME", help="A rule of credit; may be repeated [all]."),
    ] = None,
    incremental: Annotated[
        list[str] | None,
        typer.Option(
            "--incremental",
            metavar="METHOD",
            help="replay, worlds, offpolicy or none; may be repeated [replay, worlds].",
        ),
    ] = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Say what each channel of a finished run contributes: credit, and what is lost without it.

    It tells about how long that takes before it begins; of the demo about a quarter of an hour,
    --incremental replay three minutes. Finished replays and worlds are kept: the same command
    continues an interrupted one.
    """
    from experiments.attribution.run import asked, attribute_run
    from experiments.records.attribution import AttributionRecord
    from experiments.records.reading import read_record
    from experiments.report.terminal import attribution_summary
    from experiments.stages.progress import default_progress

    report = attribute_run(
        folder,
        overrides=[*(overrides or ()), *asked(rules or (), incremental or ())],
        progress=default_progress(),
    )
    record = read_record(AttributionRecord, folder)
    tell(folder, report, as_json, attribution_summary, attribution=record)


@app.command()
def config(
    name: Annotated[
        str, typer.Argument(metavar="[CONFIG]", help="A TOML file or a shipped config.")
    ] = "demo",
    show: Annotated[bool, typer.Option("--show", help="Print all settings, as TOML.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print their JSON schema.")] = False,
    overrides: Overrides = None,
) -> None:
    """Check settings; show them with all defaults, or their JSON schema."""
    from experiments.config.loading import load_config, resolved_toml
    from experiments.config.schema import Config

    if schema:
        typer.echo(json.dumps(Config.model_json_schema(), indent=1))
        return
    settings = load_config(name, overrides or ())
    typer.echo(resolved_toml(settings) if show else f"{name}: settings are valid", nl=not show)


@_command(ids_app, "bench", "experiments.idsbench.run:bench_ids", "-ids")
def _tell_ids(folder: Path, report: Path, as_json: bool) -> None:
    """Train identifier schemes on one history, compare them; writes runs/<config name>-ids.

    It tells about how long that takes before it begins; each scheme and seed is a training of half
    a minute or more. Finished trainings are kept: the same command continues an interrupted bench.
    """
    from experiments.records.ids import IdsRecord
    from experiments.records.reading import read_record
    from experiments.report.terminal import ids_summary

    tell(folder, report, as_json, ids_summary, ids=read_record(IdsRecord, folder))


@_command(app, "rewards", "experiments.rewardlab.run:bench_rewards", "-rewards")
def _tell_rewards(folder: Path, report: Path, as_json: bool) -> None:
    """Align a generator with rewards, compare the policies; writes runs/<config name>-rewards.

    It tells about how long that takes before it begins; shipped settings take ten minutes to half
    an hour, for a training and a world of each policy and seed. Finished trainings are kept: the
    same command continues an interrupted run, an interrupted training too.
    """
    from experiments.records.reading import read_record
    from experiments.records.rewards import RewardsRecord
    from experiments.report.terminal import rewards_summary

    tell(folder, report, as_json, rewards_summary, rewards=read_record(RewardsRecord, folder))


@ids_app.command("save")
def ids_save_command(
    folder: RunFolder,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="A new folder to write.")],
    channel: Annotated[
        str | None,
        typer.Option("--channel", metavar="NAME", help="A cqsid channel [the only one]."),
    ] = None,
) -> None:
    """Save the ids and the generator of a run's channel, to serve in other runs.

    They must be of the same catalogue; set channels.NAME.checkpoint to the folder.
    """
    from experiments.idsbench.saving import save_ids

    name = save_ids(folder, channel, to)
    typer.echo(
        f"Saved channel {name} to {to}; it serves with channels.NAME.checkpoint = {str(to)!r}"
    )


def run_command(arguments: list[str]) -> int:
    """Carry out one command line; returns the exit status.

    0 done, 2 refused (a clear message went to standard error), 3 a part failed at its work (the
    same), 130 interrupted by Ctrl-C.
    """
    sys.path.insert(0, "")  # so that MODULE:OBJECT finds modules of the current folder
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a letter gets its code
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(arguments, prog_name="funnelab")
    except PartFailedError as error:
        complain(f"Error: {error}")
        complain("Finished stages are kept: once that is mended, the same command goes on.")
        return EXIT_FAILED
    except FunnelabError as error:
        complain(f"Error: {error}")
        return EXIT_REFUSED
    except MemoryError as error:
        why = f" ({error})" if str(error) else ""
        complain(f"Error: memory == full{why}, must be a smaller world or fewer processes")
        return EXIT_REFUSED
    except SystemExit as done:
        if _foreign(done):
            complain(f"Error: sys.exit({done.code!r}) called, must not end the program")
            return EXIT_REFUSED
        return int(done.code or 0)
    return 0


def _foreign(done: SystemExit) -> bool:
    """Whether it was not the library of commands that ended the program."""
    *_, (frame, _line) = walk_tb(done.__traceback__)
    return frame.f_globals.get("__name__", "").partition(".")[0] not in ("typer", "click")


_SELDOM = 10_000
"""New objects after which Python looks for circles of forgotten ones. Libraries make half a million
that stay, and by Python's own 700 half a second of loading them goes into looking at them."""


def main() -> None:
    """Entry point of the command.

    The process ends without taking the interpreter apart: what libraries hold then is theirs, and
    DuckDB would complain of it in the user's terminal. One that was asked to end ends by that very
    signal, once its workers are gone and what it shared with them is given back.
    """
    asked = end_like_interrupted()
    gc.set_threshold(_SELDOM)
    status = run_command(sys.argv[1:])
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    for number in asked:
        os.kill(os.getpid(), number)
    os._exit(status)
