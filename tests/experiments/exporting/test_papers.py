"""Tables in LaTeX: what they hold is escaped, columns match, and TeX sets them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from rich.text import Text

from experiments.exporting.papers import PACKAGES, ROWS, latex
from experiments.report.kit.tables import Cell, Table
from experiments.report.sweep.terminal import sweep_summary
from experiments.report.terminal import ids_summary, rewards_summary
from tests.experiments.report.ids import fake_results
from tests.experiments.report.rewards import fake_record
from tests.experiments.report.sweep import fake_sweep
from tests.pages import DOCS, blocks

MIXED = Table(
    '50\u202f% of {a_b} & "c" \\ d ~ ^ < > | # $ \u2264 \u2026 \u2019 \u201cq\u201d \u2192 \u00e9',
    ["a_name", "$ & %", Text("n#")],
    [
        ["\\input{x}", Cell("4.0", "+2\u202f%", "1 to 3\u202f%"), "\u2212$5"],
        ["two\nlines %", "<\u202f0.001", "\u2013"],
    ],
)
WIDE = Table("Wide", [f"column {n}" for n in range(20)], [["0.123 (0.1 to 0.2)"] * 20])
LONG = Table("Long", ["name", "value"], [[f"row {n}", str(n)] for n in range(2 * ROWS + 5)])
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)


def told() -> list[Table]:
    """The tables that benches and sweeps print."""
    summaries = (
        ids_summary(fake_results.fake_record()),
        rewards_summary(fake_record.fake_record()),
        sweep_summary(fake_sweep.fake_sweep(2)),
        sweep_summary(fake_sweep.of_worlds()),
    )
    return [table for summary in summaries for table in summary.tables]


def flaws(text: str) -> list[str]:
    """What is wrong with the file's syntax, without TeX."""
    found, opened = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        bare = re.sub(r"\\[\\&%$#_{}]", "", line)
        if line.startswith("%"):
            continue
        if re.search(r"[#_^%]", bare) and r"\resizebox" not in line:
            found.append(f"line {number}: {line!r} has a bare sign")
        if bare.count("$") % 2:
            found.append(f"line {number}: {line!r} opens mathematics")
        for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", line):
            if kind == "begin":
                opened.append(name)
            elif not opened or opened.pop() != name:
                found.append(f"line {number}: {line!r} ends what was not begun")
        if sides := re.search(r"\\begin\{tabular\}\{([lr]+)\}", line):
            columns = len(sides[1])
        if line.endswith(r" \\") and line.replace(r"\&", "").count("&") != columns - 1:
            found.append(f"line {number}: {line!r} has not {columns} columns")
    braces = re.sub(r"\\[\\{}]", "", text)
    if opened or braces.count("{") != braces.count("}"):
        found.append("something is begun and not ended")
    return found


@pytest.mark.parametrize("table", [MIXED, WIDE, LONG, *told()], ids=lambda table: table.caption)
def test_the_syntax_of_every_table_is_sound(table: Table) -> None:
    assert not flaws(latex(table))


@given(TEXTS, st.lists(TEXTS, min_size=3, max_size=3))
def test_no_text_whatever_is_read_as_a_command(caption: str, cells: list[str]) -> None:
    text = latex(Table(caption, ["a", "b", "c"], [cells]))
    assert text.count(r" \\") == 2
    assert not flaws(text)


@pytest.mark.parametrize(
    ("sign", "written"),
    [
        ("<\u202f0.001", r"$<$\,0.001"),
        ("a_b", r"a\_b"),
        ("\u22125\u202f%", r"$-$5\,\%"),
        ("5%", r"5\,\%"),  # as a terminal has it
        ("{\\}", r"\{\textbackslash{}\}"),
        ("a\n b", "a b"),
    ],
)
def test_signs_are_written_as_they_are_read(sign: str, written: str) -> None:
    (line,) = [
        line for line in latex(Table("c", ["n"], [[sign]])).splitlines() if line.endswith(r" \\")
    ][1:]
    assert line == rf"{written} \\"


def test_a_table_that_is_longer_than_a_page_becomes_several_with_all_rows() -> None:
    text = latex(LONG)
    assert re.findall(r"\\caption\{(.*)\}", text) == [f"Long ({n} of 3)" for n in (1, 2, 3)]
    assert re.findall(r"^row (\d+) & (\d+) ", text, re.MULTILINE) == [
        (str(n), str(n)) for n in range(len(LONG.rows))
    ]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex == missing")
def test_tex_sets_the_tables_with_the_preamble_of_the_documentation(tmp_path: Path) -> None:
    """Nothing is refused, and nothing is wider than the text."""
    (document,) = (text for kind, text in blocks(DOCS / "worked-example.md") if kind == "latex")
    assert all(package in document for package in PACKAGES)
    tables = tmp_path / "runs" / "engine" / "export-latex" / "tables.tex"
    tables.parent.mkdir(parents=True)
    tables.write_text("\n".join(latex(table) for table in (MIXED, WIDE, LONG, *told())))
    (tmp_path / "paper.tex").write_text(document)
    words = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout
    assert not re.search(r"^(Overfull|LaTeX Warning: (?!Label)).*", done.stdout, re.MULTILINE)
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000
