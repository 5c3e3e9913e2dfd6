"""The command `funnelab analyze`.

Libraries are imported inside it, so that help and errors come at once.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.commands.options import AsJson
from experiments.commands.telling import tell
from simulator.errors import ConfigError


def analyze(
    log: Annotated[
        str,
        typer.Argument(
            metavar="LOG",
            help="A table (Parquet, CSV, JSON, FILE.duckdb:TABLE), a TOML file that describes one, "
            "or the folder of a finished run.",
        ),
    ],
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="NAME[=SQL][/OVER]",
            help="What is estimated: a column, SQL of what a row adds, over another metric; "
            "repeat. The first one decides.",
        ),
    ] = None,
    unit: Annotated[
        str | None, typer.Option("--unit", metavar="COLUMN", help="Who was assigned [unit].")
    ] = None,
    arm: Annotated[
        str | None, typer.Option("--arm", metavar="COLUMN", help="To which arm [arm].")
    ] = None,
    control: Annotated[
        str | None, typer.Option("--control", metavar="ARM", help="The arm compared with.")
    ] = None,
    rows: Annotated[
        str | None, typer.Option("--rows", metavar="KIND", help="A row is one of: events, units.")
    ] = None,
    segments: Annotated[
        list[str] | None,
        typer.Option("--segment", metavar="COLUMN", help="Tell effects apart by it; repeat."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder of the results.")
    ] = Path("analysis"),
    as_json: AsJson = False,
) -> None:
    """Write the scorecard of an experiment, simulated or not: scorecard.json and scorecard.html.

    Effects with intervals, narrowed by the time before and by what arms cannot move; guardrails,
    corrections for many questions, tails, segments, what to believe and what to do. A log of
    100,000 rows takes a second or two. There is no truth beside it: that is in the report of a
    simulated run.
    """
    given: dict[str, Any] = {"unit": unit, "arm": arm, "control": control, "rows": rows}
    given |= {"segments": segments or None, "metrics": [_metric(each) for each in metrics or ()]}
    given = {name: value for name, value in given.items() if value}

    from experiments.analyze.run import analyze_log, analyze_run, log_spec, read_log_spec

    if (Path(log) / "config.toml").is_file():
        if given:
            raise ConfigError(f"{', '.join(given)} == given, must not be with a finished run")
        report = analyze_run(Path(log), out)
    elif log.lower().endswith(".toml"):
        report = analyze_log(read_log_spec(Path(log), given), out)
    else:
        named = {"name": Path(log).stem, "path": log, **given}
        report = analyze_log(log_spec(named, "command line"), out)

    from experiments.records.experiment.scorecard import Scorecard
    from experiments.records.reading import read_record
    from experiments.report.scorecard.summary import scorecard_summary

    record = read_record(Scorecard, out)
    tell(out, report, as_json, scorecard_summary, failed=(), scorecard=record)


def _metric(words: str) -> dict[str, str]:
    """NAME, NAME=SQL, or either with /OVER at its end, as settings.

    Raises:
        ConfigError: there is no name.
    """
    left, slash, over = words.rpartition("/")
    if not slash or not over.isidentifier():
        left, over = words, ""
    name, _, value = left.partition("=")
    if not name.strip():
        raise ConfigError(f"--metric {words} == no name, must be NAME, NAME=SQL or NAME=SQL/OVER")
    told = {"name": name.strip(), "value": value.strip() or name.strip()}
    return {**told, "over": over} if over else told
