"""The command `funnelab export`."""

from pathlib import Path
from typing import Annotated

import typer

FORMAT_HELP = (
    "parquet or csv (findings, log and items), ubi (User Behavior Insights 1.3.0), obp (bandit "
    "feedback), trl (preferences by clicks) or latex (tables)."
)


def export(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="The folder of a finished run, sweep or bench.")
    ],
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help=FORMAT_HELP)],
    out: Annotated[Path | None, typer.Option("--out", help="Where to [RUN/export-FORMAT].")] = None,
) -> None:
    """Write a finished run in another form: tables, UBI, bandit feedback, preferences, LaTeX.

    Items have the shop's own ids and titles, arms and channels their names. For example:
    funnelab export runs/demo --format csv
    """
    from experiments.exporting.exports import export as written

    for path in written(folder, form, out):
        typer.echo(path)
