"""The command `funnelab calibrate-market`.

Libraries are imported inside it, so that help and errors come at once.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from experiments.commands.options import AsJson, Overrides
from experiments.commands.telling import STATUS
from simulator.errors import ConfigError

CALIBRATE_STATUS = STATUS


def calibrate_market(
    log: Annotated[
        Path,
        typer.Option("--log", metavar="TOML", help="A file that says where a log of your own is."),
    ],
    config: Annotated[
        str | None,
        typer.Argument(
            metavar="[CONFIG]",
            help="A config whose clicks, orders and queries are fitted by simulated worlds, too.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder of the results.")
    ] = Path("market"),
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Fit settings of demand to a log of your own.

    Arrivals, activity, units, moves of prices and the click model by likelihood; with a CONFIG,
    how much is clicked, bought and reworded, and which texts are asked, by small simulated worlds.
    It tells about how long these take before it begins.

    Writes market.toml, which `--set DIR/market.toml` lays over a config, and calibration.json, from
    which `sweep CONFIG --worlds N --from DIR` draws worlds. What the log does not tell is said, and
    stays as it was.
    """
    from dataclasses import asdict

    from experiments.calibrate.demand import MARKET, calibrate
    from experiments.calibrate.worlds import Market
    from experiments.report.kit.digits import number
    from experiments.stages.progress import default_progress

    if config is None and overrides:
        raise ConfigError(f"--set {overrides[0]} == without CONFIG, must be with one")
    market = None if config is None else Market(config, tuple(overrides or ()))
    record = calibrate(log, out, market=market, progress=default_progress())
    if as_json:
        typer.echo(json.dumps({"calibration": asdict(record), "market": str(out / MARKET)}))
        return
    for finding in record.findings:
        note = f" ({finding.note})" if finding.note else ""
        typer.echo(f"  {finding.what}: {number(finding.rows)}, {finding.handling}{note}")
    for each in record.chosen:
        typer.echo(f"{each.setting} = {each.value}, for {each.reason}")
    for row in record.settings:
        value = number(row.value.estimate)
        ends = " to ".join(number(end) for end in (row.value.low, row.value.high))
        typer.echo(f"{row.setting} = {value} ({ends}), by {row.law}")
    for sentence in record.missing:
        typer.echo(f"  {sentence}")
    typer.echo(f"Written: {out / MARKET}")
