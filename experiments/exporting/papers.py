"""The findings as tables of a paper."""

from pathlib import Path

from experiments.notebook.results import Results

FILE = "tables.tex"
_TOP = "% Tables of {folder}, by funnelab. They need \\usepackage{{booktabs}}.\n"


def write_latex(results: Results, folder: Path) -> list[Path]:
    """Write the tables that the command prints, one below the other."""
    path = folder / FILE
    tables = [table.latex for table in results.summary.tables]
    path.write_text(_TOP.format(folder=results.folder) + "\n" + "\n".join(tables), encoding="utf-8")
    return [path]
