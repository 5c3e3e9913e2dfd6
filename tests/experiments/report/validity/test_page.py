"""The page of a validation, and what is said of each check."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from experiments.report.kit.digits import ABSENT, THIN
from experiments.report.validity.page import render
from experiments.report.validity.summary import validity_summary
from experiments.report.validity.words import found_words, headline, name_of, wanted_words, where
from tests.experiments.report.validity.fake_validity import (
    BROKEN,
    CONVERSION,
    ITEMS,
    MOVED,
    PRESSURE,
    SHARE,
    fake_validity,
)


@pytest.mark.parametrize(
    ("check", "name", "found", "wanted"),
    [
        (SHARE, "Purchase per click", ("1.45 %", "1.36 to 1.54 %"), "0.5 to 2 %"),
        (ITEMS, "Items per order", ("1.024", "1.014 to 1.034"), "1.2 to 1.5"),
        (PRESSURE, "Recall pressure tail", ("1.10", "0.94 to 1.26"), "at least 1"),
        (CONVERSION, "Repeat buyers", (ABSENT, ABSENT), "0.5 to 2 %"),
        (BROKEN, "Purchase without click", ("3", ABSENT), "none"),
        (MOVED, "GMV before", ("+0.21 (\u22120.10 to 0.52)", "p 1.00"), "no difference"),
    ],
)
def test_a_check_is_told_in_words(check, name, found, wanted):
    assert name_of(check) == name
    assert tuple(word.replace(THIN, " ") for word in found_words(check)) == found
    assert wanted_words(check).replace(THIN, " ") == wanted


def test_a_percentage_and_a_rate_in_a_name_are_written_as_such():
    assert name_of(replace(SHARE, fact="top_1_percent_of_items")) == f"Top 1{THIN}% of items"
    assert name_of(replace(SHARE, fact="ctr_rise_on_phone")) == "CTR rise on phone"
    assert where(PRESSURE) == "experiment, <control>"


def test_the_headline_tells_failures_then_warnings():
    assert headline(fake_validity()).startswith("2 of 7 checks failed: purchase without click (h")
    assert headline(fake_validity(SHARE, PRESSURE)).startswith("None of 2 checks failed; 1 warning")
    assert headline(fake_validity(SHARE, CONVERSION)) == "All of 2 checks that can be told passed."


def test_a_page_has_each_check_with_its_mark_and_escapes_names():
    page = render(fake_validity())
    for mark in ('class="yes">pass', 'class="no">fail', 'class="unsure">warn', "cannot be told"):
        assert mark in page
    assert "experiment, &lt;control&gt;" in page
    assert "<control>" not in page
    assert "the first: request 12" in page
    assert "Everybody searches." in page


def test_what_needs_a_look_stands_first():
    page = render(fake_validity())
    table = page[page.index("Ranges: where a shop&#x27;s figures lie</caption>") :]
    assert table.index("Items per order") < table.index("Recall pressure") < table.index("Purchase")


def test_a_rung_that_was_not_climbed_has_no_section():
    page = render(replace(fake_validity(SHARE), positions=(), concentration=()))
    assert 'id="controls"' not in page
    assert 'id="positions"' not in page
    assert 'id="concentration"' not in page


def test_channels_stand_in_their_order_by_each_truth_beside_chance():
    page = render(fake_validity())
    section = page[page.index('id="recalls"') :]
    assert section.index("&lt;dense&gt;") < section.index("lexical")
    for told in ("What matches the need: recall", "Human grades: NDCG@10", "at random: 0.40"):
        assert told in section
    assert "Recall of &lt;dense&gt; with the truth permuted" in page
    assert 'id="recalls"' not in render(replace(fake_validity(), recalls=()))


def test_the_terminal_tells_all_ranges_and_of_the_others_what_did_not_pass():
    console = Console(width=120, file=StringIO())
    console.print(validity_summary(fake_validity()))
    told = console.file.getvalue()
    for fact in ("Purchase per click", "Items per order", "Purchase without click"):
        assert fact in told
    assert "GMV before" not in told
    assert "Controls: 1 pass." in told
