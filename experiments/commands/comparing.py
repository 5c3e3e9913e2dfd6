"""Two finished runs beside each other: what sets them apart, and whether they agree, printed."""

import json
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from experiments.inference.agreement import agreements, summary
from experiments.notebook.changed import Change, changes
from experiments.records.metrics import Metrics
from experiments.records.reading import read_record
from experiments.records.truth import Truths
from experiments.report.kit.digits import ABSENT
from experiments.report.kit.tables import Table
from experiments.report.terminal import agreement_summary


def compare_runs(folder: Path, other: Path, *, as_json: bool) -> bool:
    """Print what sets two runs apart, and their true effects; returns whether none of them differ.

    Args:
        folder, other: of finished runs with a truth.
        as_json: for scripts, `effects` and `changed`.

    Raises:
        StoreError, DataError: a folder is not that of such a run.
    """
    truths = [read_record(Truths, each) for each in (folder, other)]
    rows = agreements(*truths, confidence=read_record(Metrics, folder).confidence)
    apart = changes(folder, other)
    if as_json:
        told = [vars(row) | {"agrees": row.agrees} for row in rows]
        typer.echo(json.dumps({"effects": told, "changed": apart}, default=vars))
    else:
        if apart:
            Console().print(_apart(apart), Text())
        Console().print(agreement_summary(rows, summary(rows)))
    return all(row.agrees is not False for row in rows)


def _apart(apart: Sequence[Change]) -> Table:
    """What differs, a line each."""
    return Table.of(
        "What sets them apart",
        apart,
        ("", lambda row: row.kind),
        ("which", lambda row: row.key),
        ("first", lambda row: row.first or ABSENT),
        ("second", lambda row: row.second or ABSENT),
        names=4,
    )
