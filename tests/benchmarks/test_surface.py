"""The tables of the docs say of every cell what the sweep says."""

from pathlib import Path

import pytest

from tests.benchmarks.surface import BEGIN, END, filled, surface
from tests.experiments.report.sweep.fake_sweep import fake_sweep
from tests.experiments.report.sweep.test_service import served

DOCS = Path(__file__).parents[2] / "docs"


def test_every_cell_is_in_a_table_with_its_state() -> None:
    record = fake_sweep(3, failing="none")
    text = surface(record)
    states = text.count("**above**") + text.count("**below**") + text.count(") ? |")
    assert states == 2 * len(record.cells)
    assert text.count("% / ") == 3 * len(record.cells)
    assert f"Of {len(record.cells)} cells with results" in text


def test_two_settings_have_one_table_of_a_metric_and_a_row_of_latency_for_each_cell() -> None:
    record = served(fake_sweep(2, failing="none"))
    text = surface(record)
    assert text.count("\norders:\n") == text.count("\ngmv:\n") == 1
    states = text.count("**above**") + text.count("**below**") + text.count(") ? |")
    assert states == 2 * len(record.cells)
    latencies = text.partition("Latency, pages without a channel")[2]
    assert latencies.count("+7.8 % (5.0 to 10.0)") == len(record.cells)
    assert "Latency" not in surface(fake_sweep(2))


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


@pytest.mark.parametrize("study", ["when-generative-pays", "quality-against-latency"])
def test_the_page_of_a_study_has_its_marks(study: str) -> None:
    page = (DOCS / f"{study}.md").read_text(encoding="utf-8")
    assert page.index(BEGIN.format(study)) < page.index(END)
