"""What a run can be exported to, and the command's work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from experiments.exporting.bandit import write_bandit
from experiments.exporting.papers import write_latex
from experiments.exporting.preferences import write_preferences
from experiments.exporting.tables import write_tables
from experiments.exporting.ubi import write_ubi
from experiments.notebook.results import Results, open_run
from experiments.records.files import storing
from simulator.errors import ConfigError


@dataclass(frozen=True)
class Format:
    """One form of export.

    Attributes:
        told: what is in it, in a few words.
        write: into a folder; returns the files.
    """

    told: str
    write: Callable[[Results, Path], list[Path]]


FORMATS: Mapping[str, Format] = {
    "parquet": Format(
        "estimates, truth, shares, log and items as Parquet", partial(write_tables, kind="parquet")
    ),
    "csv": Format("the same as CSV", partial(write_tables, kind="csv")),
    "ubi": Format("the log as User Behavior Insights 1.3.0, JSON lines", write_ubi),
    "obp": Format("the log as bandit feedback for Open Bandit Pipeline, NumPy", write_bandit),
    "trl": Format("clicked against skipped items as preferences, JSON lines", write_preferences),
    "latex": Format("the tables of the findings, LaTeX with booktabs", write_latex),
}


def export(run: Path, kind: str, out: Path | None = None) -> list[Path]:
    """Write a run, a sweep, an id bench or a reward lab in another form.

    Args:
        run: its folder.
        kind: one of `FORMATS`.
        out: where to; none: `export-<kind>` in the folder.

    Returns:
        The files that were written.

    Raises:
        ConfigError: an unknown form.
        StoreError: no finished run, or a folder that cannot be written.
        DataError: a run that has not what the form needs.
    """
    if kind not in FORMATS:
        raise ConfigError(f"--format == {kind!r}, must be one of: {', '.join(FORMATS)}")
    results = open_run(run)
    folder = out or run / f"export-{kind}"
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return FORMATS[kind].write(results, folder)
