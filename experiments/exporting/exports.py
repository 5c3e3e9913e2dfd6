"""What a run can be exported to, and the command's work."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from experiments.exporting.bandit import write_bandit
from experiments.exporting.papers import write_latex
from experiments.exporting.preferences import write_preferences
from experiments.exporting.tables import write_tables
from experiments.exporting.ubi import write_ubi
from experiments.notebook.results import Results, open_run
from experiments.records.files import storing
from simulator.errors import ConfigError, DataError

FORMATS: Mapping[str, Callable[[Results, Path], list[Path]]] = {
    "parquet": partial(write_tables, kind="parquet"),
    "csv": partial(write_tables, kind="csv"),
    "ubi": write_ubi,
    "obp": write_bandit,
    "trl": write_preferences,
    "latex": write_latex,
}
"""By name, what writes a form into a folder and returns the files."""


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
    made = not folder.exists()
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            return FORMATS[kind](results, folder)
        except DataError:
            if made and not any(folder.iterdir()):
                folder.rmdir()
            raise
