"""A table tells the same on a page and in a terminal."""

import io
import re

import pytest
from rich.console import Console

from experiments.report.kit.markup import text
from experiments.report.kit.tables import Cell, Table

TABLE = Table(
    "Sizes [bold]of[/bold] <i>things</i>",
    ["thing", "level", "change"],
    [
        ["<b>one</b>", "1.2\u202f%", Cell("4.0", "+2.0\u202f%", "1.0 to 3.0\u202f%", 1)],
        ["[red]two", "\u2013", Cell("3.0", "", "2.0 to 4.0")],
    ],
)


def printed(table, width=80):
    console = Console(width=width, file=io.StringIO())
    console.print(table)
    return console.file.getvalue()


@pytest.mark.parametrize("cell", ["4.0", "+2.0", "1.0 to 3.0", "3.0", "\u2013", "1.2"])
def test_every_number_stands_in_both(cell):
    assert cell in re.sub("<[^>]+>", "", text(TABLE))
    assert cell in printed(TABLE)


def test_names_are_markup_nowhere():
    assert "<i>things" not in text(TABLE)
    assert "<b>one" not in text(TABLE)
    assert "[bold]of[/bold]" in printed(TABLE)
    assert "[red]two" in printed(TABLE)


def test_an_arrow_marks_what_is_really_more_or_less():
    assert "\u25b2 +2.0" in text(TABLE)
    assert "\u25bc" in text(Cell(change="\u22121", told=-1))
    assert not re.search("\u25b2|\u25bc", text(Cell(change="+1")))


def test_a_narrow_terminal_leaves_out_spare_columns_alone():
    wide = Table("t", ["name", "spare", "kept"], [["a" * 20, "b" * 30, "c" * 20]], spare=(1,))
    assert "bbb" in printed(wide, 80)
    narrow = printed(wide, 60)
    assert "bbb" not in narrow
    assert "c" * 20 in narrow
    assert "b" * 30 in text(wide)


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("1.2 to 3.4", '<span class="part">1.2 to</span> <span class="part">3.4</span>'),
        ("0.3, 0.5 \u2192 0.4", '<span class="part">0.3, 0.5</span> <span class="part">\u2192 0.4'),
        (
            "5 (1 to 9)",
            '<span class="part">5</span></span> <span class="group"><span class="part">(1',
        ),
        ("1,200", '<td class="num">1,200</td>'),
    ],
)
def test_numbers_are_broken_before_brackets_and_inside_ranges_alone(cell, shown):
    assert shown in text(Table("t", ["name", "number"], [["1.2 to 3.4", cell]]))


def test_names_are_not_taken_for_ranges():
    assert "<td>2 to 3 (a)</td>" in text(Table("t", ["a", "b"], [["a", "2 to 3 (a)"]], names=2))
