"""The command `funnelab`: runs experiments, shows settings, checks what a user brings.

Heavy libraries are imported inside the commands, so that help and errors come at once.
"""

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simulator.errors import ContractError, FunnelabError

if TYPE_CHECKING:
    from experiments.records.reading import Record
    from simulator.plugins import Kind

EXIT_REFUSED = 2

app = typer.Typer(
    help="A laboratory for simulation-based A/B testing of e-commerce search recall.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Look at data before a run.", no_args_is_help=True)
check_app = typer.Typer(
    help="Check your own channel, ranker, reward or rule.", no_args_is_help=True
)
app.add_typer(data_app, name="data")
ids_app = typer.Typer(help="Semantic ids by themselves.", no_args_is_help=True)
app.add_typer(check_app, name="check")
app.add_typer(ids_app, name="ids")

ConfigName = Annotated[
    str, typer.Argument(metavar="CONFIG", help="A TOML file, or the name of a shipped config.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override one setting; may be repeated."),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Run folder [runs/<config name>].")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print a summary for scripts.")]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace the results of a run with other settings."),
]
PlugIn = Annotated[str, typer.Argument(metavar="MODULE:OBJECT", help="What to import and check.")]


@app.callback(invoke_without_command=True)
def _version(
    show: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)
    ] = False,
) -> None:
    if show:
        typer.echo(f"funnelab {version('funnelab')}")
        raise typer.Exit


@app.command()
def demo(
    out: Out = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Run the demo experiment on a generated catalogue; writes runs/demo."""
    _run("demo", out, overrides, as_json, overwrite)


@app.command()
def run(
    config: ConfigName,
    out: Out = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Run an experiment from its settings to its report.

    Finished stages are kept: the same command continues an interrupted run.
    """
    _run(config, out, overrides, as_json, overwrite)


def _run(
    name: str, out: Path | None, overrides: list[str] | None, as_json: bool, overwrite: bool
) -> None:
    from experiments.running.run import run_experiment

    folder, report = _made(run_experiment, name, "", out, overrides, overwrite)
    _summarise(folder, report, as_json)


def _made(
    work: Callable[..., Path],
    name: str,
    suffix: str,
    out: Path | None,
    overrides: list[str] | None,
    overwrite: bool,
) -> tuple[Path, Path]:
    """Read settings and carry them out in their folder; the folder and its page."""
    from experiments.config.loading import load_config
    from experiments.stages.folder import finished_stages
    from experiments.stages.progress import default_progress

    settings = load_config(name, overrides or ())
    folder = out or Path("runs") / f"{settings.name}{suffix}"
    command = shlex.join(["funnelab", *sys.argv[1:]])
    try:
        report = work(
            settings, folder, progress=default_progress(), command=command, overwrite=overwrite
        )
    except KeyboardInterrupt:
        kept = ", ".join(finished_stages(folder)) or "none"
        _complain(
            f"Interrupted. Finished stages in {folder} are kept ({kept}); "
            "the same command continues from there."
        )
        raise
    return folder, report


def _summarise(folder: Path, report: Path, as_json: bool) -> None:
    from experiments.records.metrics import Metrics
    from experiments.records.reading import find_record, read_record
    from experiments.records.truth import Truths
    from experiments.report.terminal import run_summary

    metrics, truths = read_record(Metrics, folder), find_record(Truths, folder)
    if as_json:
        _tell_json(folder, report, metrics=metrics, truth=truths)
        return
    _print(run_summary(metrics, truths))
    typer.echo(f"Report: {report}")


def _tell_json(folder: Path, report: Path, **records: "Record | None") -> None:
    """Print records for scripts, each as its file has it."""
    from dataclasses import asdict

    from experiments.records.files import plain

    told = {name: None if record is None else asdict(record) for name, record in records.items()}
    summary = plain({"run": str(folder), "report": str(report), **told})
    typer.echo(json.dumps(summary, ensure_ascii=False))


def _print(summary: object) -> None:
    from rich.console import Console

    Console().print(summary)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    as_json: AsJson = False,
) -> None:
    """Write the report of a finished run again, from its JSON files."""
    from experiments.report import write_report

    _summarise(folder, write_report(folder), as_json)


@app.command()
def attribute(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
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

    Finished replays and worlds are kept: the same command continues an interrupted one.
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
    if as_json:
        _tell_json(folder, report, attribution=record)
    else:
        _print(attribution_summary(record, report))


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
    from experiments.config.loading import json_schema, load_config, resolved_toml

    if schema:
        typer.echo(json.dumps(json_schema(), indent=1))
        return
    settings = load_config(name, overrides or ())
    typer.echo(resolved_toml(settings) if show else f"{name}: settings are valid", nl=not show)


@data_app.command("check")
def data_check(
    files: Annotated[
        list[str], typer.Argument(metavar="CONFIG|FILE...", help="Configs or catalogue files.")
    ],
    as_json: AsJson = False,
) -> None:
    """Check catalogue files, or the data files that a config names, without a run."""
    from experiments.config.datacheck import check_data

    rows = [row for name in files for row in check_data(name)]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        counts = ", ".join(f"{key} {value:,}" for key, value in row.items() if key != "file")
        typer.echo(f"{row['file']} can be used: {counts.replace('_', ' ')}")
    if not rows:
        typer.echo("No data files: the catalogue is generated.")


@check_app.command("channel")
def check_channel_command(name: PlugIn, as_json: AsJson = False) -> None:
    """Check that a class or function makes channels that keep the contract."""
    from recall.conformance import check_channel
    from recall.registry import CHANNEL

    _check(CHANNEL, name, check_channel, as_json)


@check_app.command("ranker")
def check_ranker_command(name: PlugIn, as_json: AsJson = False) -> None:
    """Check that a class or function makes rankers that keep the contract."""
    from ranking.conformance import check_ranker
    from ranking.rankers.registry import RANKER

    _check(RANKER, name, check_ranker, as_json)


@check_app.command("reward")
def check_reward_command(name: PlugIn, as_json: AsJson = False) -> None:
    """Check that a function is a reward that keeps the contract, or that a class makes such."""
    from cqsid.rewards.conformance import check_reward
    from cqsid.rewards.registry import REWARD

    _check(REWARD, name, check_reward, as_json)


@check_app.command("rule")
def check_rule_command(name: PlugIn, as_json: AsJson = False) -> None:
    """Check that a function or class is a rule of credit that keeps the contract."""
    from experiments.attribution.credit.conformance import check_rule
    from experiments.attribution.credit.customrules import RULE

    _check(RULE, name, check_rule, as_json)


@ids_app.command("bench")
def ids_bench_command(
    config: ConfigName,
    out: Out = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Train identifier schemes on one history, compare them; writes runs/<config name>-ids.

    Finished trainings are kept: the same command continues an interrupted bench.
    """
    from experiments.idsbench.run import bench_ids
    from experiments.records.ids import IdsRecord
    from experiments.records.reading import read_record
    from experiments.report.terminal import ids_summary

    folder, report = _made(bench_ids, config, "-ids", out, overrides, overwrite)
    record = read_record(IdsRecord, folder)
    if as_json:
        _tell_json(folder, report, ids=record)
    else:
        _print(ids_summary(record, report))


@app.command()
def rewards(
    config: ConfigName,
    out: Out = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Align a generator with rewards, compare the policies; writes runs/<config name>-rewards.

    Finished trainings are kept: the same command continues an interrupted run, an interrupted
    training too.
    """
    from experiments.records.reading import read_record
    from experiments.records.rewards import RewardsRecord
    from experiments.report.terminal import rewards_summary
    from experiments.rewardlab.run import bench_rewards

    folder, report = _made(bench_rewards, config, "-rewards", out, overrides, overwrite)
    record = read_record(RewardsRecord, folder)
    if as_json:
        _tell_json(folder, report, rewards=record)
    else:
        _print(rewards_summary(record, report))


@ids_app.command("save")
def ids_save_command(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="A new folder to write.")],
    channel: Annotated[
        str | None,
        typer.Option("--channel", metavar="NAME", help="A cqsid channel [the only one]."),
    ] = None,
) -> None:
    """Save the ids and the generator of a run's channel, to serve in other runs.

    They must be of the same catalogue; set channels.NAME.checkpoint to the folder.
    """
    from experiments.running.savedids import save_ids

    name = save_ids(folder, channel, to)
    typer.echo(
        f"Saved channel {name} to {to}; it serves with channels.NAME.checkpoint = {str(to)!r}"
    )


def _check(
    kind: "Kind", name: str, suite: Callable[[Any], Sequence[object]], as_json: bool
) -> None:
    """Print what the conformance suite of a kind finds of a plug-in; findings are an error."""
    findings = suite(kind.load(name))
    if as_json:
        typer.echo(json.dumps({"object": name, "findings": [str(each) for each in findings]}))
    if findings:
        problems = "\n".join(f"  {each}" for each in findings)
        raise ContractError(f"{name} breaks the contract of {kind.noun}:\n{problems}")
    if not as_json:
        typer.echo(f"{name} keeps the contract of {kind.noun}")


def _complain(text: str) -> None:
    typer.secho(text, fg=typer.colors.RED, err=True)


def run_command(arguments: list[str]) -> int:
    """Carry out one command line; returns the exit status.

    0 done, 2 refused (a clear message went to standard error), 130 interrupted by Ctrl-C.
    """
    sys.path.insert(0, "")  # so that MODULE:OBJECT finds modules of the current folder
    try:
        app(arguments, prog_name="funnelab")
    except FunnelabError as error:
        _complain(f"Error: {error}")
        return EXIT_REFUSED
    except SystemExit as done:
        return int(done.code or 0)
    return 0


def main() -> None:
    """Entry point of the command."""
    sys.exit(run_command(sys.argv[1:]))
