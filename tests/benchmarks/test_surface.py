"""The tables of the docs say of every cell what the sweep says."""

from pathlib import Path

import pytest

from tests.benchmarks.surface import BEGIN, END, filled, surface
from tests.experiments.report.sweep.fake_sweep import fake_sweep

PAGE = Path(__file__).parents[2] / "docs" / "when-generative-pays.md"


def test_every_cell_is_in_a_table_with_its_state() -> None:
    record = fake_sweep(3, failing="none")
    text = surface(record)
    states = text.count("**above**") + text.count("**below**") + text.count(") ? |")
    assert states == 2 * len(record.cells)
    assert text.count("% / ") == 3 * len(record.cells)
    assert f"Of {len(record.cells)} cells with results" in text


def test_a_page_is_filled_between_its_marks_and_refused_without() -> None:
    record = fake_sweep(3)
    page = f"before\n{BEGIN.format('when')}\nfrom before\n{END}\nafter\n"
    text = filled(page, record)
    assert "from before" not in text
    assert text.startswith("before\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "no result" in text
    assert filled(text, record) == text
    with pytest.raises(ValueError, match="must have the marks"):
        filled("no marks", record)


def test_the_page_of_the_study_has_its_marks() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.index(BEGIN.format("when-generative-pays")) < page.index(END)
