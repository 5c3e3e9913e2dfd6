"""The scorecard of a frame shows itself in words, in a notebook and in Markdown."""

import pytest

import funnelab
from experiments.records.experiment.scorecard import Scorecard
from tests.experiments.analyze.planted import ORDERS, RATE, VIEWS, visits


@pytest.fixture(scope="module")
def card() -> funnelab.Analysis:
    named = {"unit": "customer", "arm": "variant", "control": "old", "time": "at"}
    return funnelab.analyze(visits(), metrics=(ORDERS, VIEWS, RATE), **named)


def test_it_is_a_scorecard(card: funnelab.Analysis) -> None:
    assert isinstance(card, Scorecard)
    assert card.verdicts[0].label == "launch"


def test_prose_has_what_to_do_the_effect_and_why(card: funnelab.Analysis) -> None:
    row = card.deciding("orders", ("old", "new"))
    assert card.prose.startswith(f"Launch new: orders +{100 * row.relative.estimate:.1f}")
    assert "Orders is better, by " in card.prose
    assert str(card) == card.prose


def test_markdown_has_a_row_for_each_metric(card: funnelab.Analysis) -> None:
    lines = card.to_markdown().splitlines()
    assert lines[0] == "## experiment"
    assert lines[2] == card.prose
    head, sides, *rows = lines[lines.index("**new against old**") + 2 :]
    assert [len(line.split(" | ")) for line in (head, sides, *rows)] == [7] * 5
    assert [row.split(" | ")[0] for row in rows] == ["| orders", "| views", "| rate"]


def test_a_notebook_shows_the_table_and_escapes_names() -> None:
    frame = visits(300).assign(variant=lambda log: log["variant"].replace("new", "<b>new</b>"))
    named = {"unit": "customer", "arm": "variant", "control": "old", "time": "at"}
    shown = funnelab.analyze(frame, metrics=(ORDERS,), **named)._repr_html_()
    assert "<table>" in shown
    assert "&lt;b&gt;new&lt;/b&gt;" in shown
    assert "<b>new</b>" not in shown


def test_the_page_is_that_of_the_command(card: funnelab.Analysis) -> None:
    page = card.to_html()
    assert page.startswith("<!doctype html>")
    assert "How it went" in page
