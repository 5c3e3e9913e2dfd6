"""What commands tell in the end, and in which status they end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from simulator.errors import printable

if TYPE_CHECKING:
    from experiments.records.manifest import Failed
    from experiments.records.reading import Record

EXIT_REFUSED = 2
EXIT_FAILED = 3
STATUS = (
    "Exit status: 0 done; 2 refused, before anything was done, or stopped by what is no part's "
    "fault; 3 a part (a channel, ranker, metric, rule, scheme or reward, most likely of your own) "
    "failed at its work: results were made without it and say so at their top, or where nothing "
    "could go on, the command stopped; 130 interrupted."
)


def complain(text: str) -> None:
    """Tell on standard error what went wrong."""
    typer.secho(printable(text), fg=typer.colors.RED, err=True)


@contextmanager
def telling_what_is_kept(folder: Path) -> Iterator[None]:
    """On Ctrl-C, tell which stages a folder keeps."""
    from experiments.stages.folder import finished_stages

    try:
        yield
    except KeyboardInterrupt:
        kept = ", ".join(finished_stages(folder)) or "none"
        complain(
            f"Interrupted. Finished stages in {folder} are kept ({kept}); "
            "the same command continues from there."
        )
        raise


def tell(
    folder: Path,
    report: Path,
    as_json: bool,
    summary: Callable[..., object],
    failed: "Sequence[Failed] | None" = None,
    **records: "Record | None",
) -> None:
    """Print a summary of some records or, for scripts, each as its file has it.

    Args:
        folder, report: of the results, and their page.
        as_json: for scripts.
        summary: makes what a console prints, of the records and the page.
        failed: what failed; by default the parts that the folder's own files tell.
        records: by the names that scripts know them by.

    Raises:
        typer.Exit: with a status of its own where a part failed, which is told on standard error.
    """
    from rich.console import Console

    from experiments.records.files import json_bytes
    from experiments.records.run import failed_parts
    from experiments.report.kit.failed import told_failed

    failed = failed_parts(folder) if failed is None else failed
    if not as_json:
        Console().print(summary(*records.values(), report))
    else:
        whole = {"run": str(folder), "report": str(report), "failed": failed, **records}
        typer.echo(json_bytes(whole).decode())
    for sentence in told_failed(failed):
        complain(f"Failed: {sentence}")
    if failed:
        raise typer.Exit(EXIT_FAILED)
