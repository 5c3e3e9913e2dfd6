"""Figures of a page are taken along: numbers as CSV, pictures as SVG."""

import csv
import io
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from tests.experiments.report.browser import Browser


@pytest.fixture
def tab(browsing: Browser, written: dict[str, str], tmp_path: Path) -> Browser:
    """The browser with the page of a run, its script included."""
    (tmp_path / "run.html").write_text(written["run"], encoding="utf-8")
    browsing.open(tmp_path / "run.html")
    browsing.look(1280, "light")
    return browsing


def test_every_figure_has_its_buttons(tab: Browser) -> None:
    figures, saves = (
        tab.evaluate(f"document.querySelectorAll('{each}').length")
        for each in ("main figure", "main figure > .saves")
    )
    assert figures == saves > 5
    titles = tab.evaluate(
        "[...document.querySelectorAll('#effects .saves button')].map(each => each.title)"
    )
    assert titles[-2:] == ["Save the picture", "Save the numbers"]


def test_changes_are_shown_relative_to_control_or_in_their_unit(tab: Browser) -> None:
    said = "document.querySelector('#effects .post.primary .first').innerText"
    switch = "#effects .saves button"
    assert "%" in tab.evaluate(said)
    for other, percent in (("Relative", False), ("Absolute", True)):
        tab.evaluate(f"document.querySelector('{switch}').click()")
        assert ("%" in tab.evaluate(said)) is percent
        assert tab.evaluate(f"document.querySelector('{switch}').textContent") == other


def test_numbers_are_saved_as_a_program_reads_them(tab: Browser) -> None:
    shut = "document.querySelectorAll('details:not([open])').length"
    before = tab.evaluate(shut)  # its own fold among them
    text = tab.evaluate("funnelab.csv(document.querySelector('#effects figure table'))")
    assert tab.evaluate(shut) == before
    head, *rows = list(csv.reader(io.StringIO(text)))
    shown = tab.evaluate(
        "[...document.querySelector('#effects figure table').rows].map(row => row.cells.length)"
    )
    assert [len(head), *map(len, rows)] == shown
    gmv = dict(zip(head, rows[0], strict=True))
    assert gmv["Metric"] == "GMV per shopper"
    assert float(gmv["control"]) < float(gmv["treatment"])
    assert gmv["Relative"].endswith("%")
    assert float(gmv["Relative"].rstrip("%")) > 0


def test_a_picture_that_is_drawn_small_keeps_the_layout_that_it_was_saved_in(
    tab: Browser, tmp_path: Path
) -> None:
    text = tab.evaluate("funnelab.svg(document.querySelector('#effects .picture'))")
    (tmp_path / "effects.svg").write_text(text, encoding="utf-8")
    tab.look(400, "light")
    tab.open(tmp_path / "effects.svg")
    needed = tab.evaluate("document.querySelector('.picture').offsetHeight")
    assert needed <= float(ET.fromstring(text).get("height", 0))


def test_a_picture_is_saved_as_it_looks(tab: Browser, tmp_path: Path) -> None:
    text = tab.evaluate("funnelab.svg(document.querySelector('#effects .picture'))")
    drawn = ET.fromstring(text)
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    box = tab.evaluate(
        "(box => [box.width, box.height])"
        "(document.querySelector('#effects .picture').getBoundingClientRect())"
    )
    assert [float(drawn.get(side, 0)) for side in ("width", "height")] == pytest.approx(box, abs=1)
    assert "GMV per shopper" in "".join(drawn.itertext())
    (tmp_path / "effects.svg").write_text(text, encoding="utf-8")
    (tmp_path / "paper.html").write_text('<img src="effects.svg">', encoding="utf-8")
    tab.open(tmp_path / "paper.html")
    tab.look(1280, "light")
    shot = np.asarray(tab.picture().convert("RGB"), np.float64)
    blue = (np.abs(shot - np.array([0, 114, 178])).max(axis=2) < 30).sum()
    assert blue > 100  # the intervals of the treatment, in its colour
