"""The findings as tables of a paper."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from experiments.notebook.results import Results
from experiments.report.kit.digits import ABSENT, MINUS, THIN
from experiments.report.kit.tables import Table, plain

FILE = "tables.tex"
PACKAGES = ("booktabs", "graphicx")
"""What the preamble of the paper has to load."""

ROWS = 40  # of one table: more do not fit on a page
_TOP = "% Tables of {name}, by funnelab. They need \\usepackage{{{packages}}}.\n"
_FITTED = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"

_LATEX: Final = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    # In the oldest encoding of fonts, which is still the usual one, these are other letters.
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    '"': "''",
    MINUS: "$-$",
    ABSENT: "--",
    THIN: r"\,",
    "\u00a0": "~",
    "\u00b1": r"$\pm$",
    "\u00b7": r"$\cdot$",
    "\u00d7": r"$\times$",
    "\u2014": "---",
    "\u2018": "`",
    "\u2019": "'",
    "\u201c": "``",
    "\u201d": "''",
    "\u2026": r"\dots{}",
    "\u2190": r"$\leftarrow$",
    "\u2191": r"$\uparrow$",
    "\u2192": r"$\rightarrow$",
    "\u2193": r"$\downarrow$",
    "\u221a": r"$\surd$",
    "\u2264": r"$\leq$",
    "\u2265": r"$\geq$",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
"""What LaTeX writes in another way; letters of all languages stay as they are."""


def write_latex(results: Results, folder: Path) -> list[Path]:
    """Write the tables that the command prints, one below the other."""
    path = folder / FILE
    top = _TOP.format(name=" ".join(results.name.split()), packages=",".join(PACKAGES))
    tables = [latex(table) for table in results.summary.tables]
    path.write_text("\n".join([top, *tables]), encoding="utf-8")
    return [path]


def latex(table: Table) -> str:
    """A table with its caption in LaTeX; it needs `PACKAGES`.

    It is made smaller where it is wider than the text. One that is longer than a page becomes
    several, each with the head.
    """
    rows, caption = list(table.rows), _escaped(table.caption)
    parts = [rows[at : at + ROWS] for at in range(0, len(rows), ROWS)] or [[]]
    captions = [caption]
    if len(parts) > 1:
        captions = [f"{caption} ({at} of {len(parts)})" for at in range(1, len(parts) + 1)]
    made = (_part(table, *each) for each in zip(captions, parts, strict=True))
    return "\n".join("\n".join(lines) + "\n" for lines in made)


def _part(table: Table, caption: str, rows: Sequence[Sequence[object]]) -> Iterator[str]:
    sides = "".join("l" if at < table.names else "r" for at in range(len(table.head)))
    yield r"\begin{table}"
    yield r"\centering"
    yield rf"\caption{{{caption}}}"
    yield _FITTED
    yield rf"\begin{{tabular}}{{{sides}}}"
    yield r"\toprule"
    yield _line(table.head)
    yield r"\midrule"
    yield from map(_line, rows)
    yield r"\bottomrule"
    yield r"\end{tabular}}"
    yield r"\end{table}"


def _line(cells: Iterable[object]) -> str:
    return " & ".join(map(_escaped, cells)) + r" \\"


def _escaped(cell: object) -> str:
    """A cell on one line, with a thin space before each unit also where a terminal has none."""
    line = re.sub("[\x00-\x20\x7f-\x9f\u2028\u2029]+", " ", plain(cell)).strip()
    spaced = re.sub(r"(?<=\d)(?=%|pp\b|ms\b)", THIN, line)
    return "".join(_LATEX.get(sign, sign) for sign in spaced)
