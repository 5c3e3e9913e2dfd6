"""Two finished runs beside each other: whether they agree, printed."""

import json
from pathlib import Path

import typer
from rich.console import Console

from experiments.inference.agreement import agreements, summary
from experiments.records.metrics import Metrics
from experiments.records.reading import read_record
from experiments.records.truth import Truths
from experiments.report.terminal import agreement_summary


def compare_runs(folder: Path, other: Path, *, as_json: bool) -> bool:
    """Print the true effects of two runs of one config; returns whether none of them differ.

    Args:
        folder, other: of finished runs with a truth.
        as_json: for scripts, a list of effects.

    Raises:
        StoreError, DataError: a folder is not that of such a run.
    """
    truths = [read_record(Truths, each) for each in (folder, other)]
    rows = agreements(*truths, confidence=read_record(Metrics, folder).confidence)
    if as_json:
        told = [vars(row) | {"agrees": row.agrees} for row in rows]
        typer.echo(json.dumps(told, default=vars))
    else:
        Console().print(agreement_summary(rows, summary(rows)))
    return all(row.agrees is not False for row in rows)
