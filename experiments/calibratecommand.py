"""The command `funnelab calibrate-market`.

Libraries are imported inside it, so that help and errors come at once.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from experiments.options import AsJson
from experiments.telling import STATUS

CALIBRATE_STATUS = STATUS


def calibrate_market(
    log: Annotated[
        Path,
        typer.Option("--log", metavar="TOML", help="A file that says where a log of your own is."),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder of the results.")
    ] = Path("market"),
    as_json: AsJson = False,
) -> None:
    """Fit settings of demand to a log of your own: arrivals, activity, units, moves of prices.

    Writes market.toml, which `--set market.toml` lays over a config, and calibration.json. What the
    log does not tell is said, and stays as it was.
    """
    from dataclasses import asdict

    from experiments.calibrate.demand import MARKET, calibrate
    from experiments.report.kit.digits import number

    record = calibrate(log, out)
    if as_json:
        typer.echo(json.dumps({"calibration": asdict(record), "market": str(out / MARKET)}))
        return
    for finding in record.findings:
        note = f" ({finding.note})" if finding.note else ""
        typer.echo(f"  {finding.what}: {number(finding.rows)}, {finding.handling}{note}")
    for row in record.settings:
        value = number(row.value.estimate)
        ends = " to ".join(number(end) for end in (row.value.low, row.value.high))
        typer.echo(f"{row.setting} = {value} ({ends}), by {row.law}")
    for sentence in record.missing:
        typer.echo(f"  {sentence}")
    typer.echo(f"Written: {out / MARKET}")
