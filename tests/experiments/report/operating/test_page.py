"""The page of operating characteristics, and what is said of each answer."""

import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from experiments.records.experiment.operating import Characteristic, Verdict
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.reading import read_record, write_record
from experiments.report.kit.digits import ABSENT, THIN
from experiments.report.operating.page import render
from experiments.report.operating.summary import operating_summary
from experiments.report.operating.words import (
    fault_sentence,
    headline,
    metric_name,
    question_words,
    sizes,
    value_words,
    wanted_words,
)
from tests.experiments.report.operating.fake_operating import (
    COVERS,
    EVEN,
    FALSE,
    FAULT,
    MANY,
    OPEN,
    POWER,
    SIZE,
    TRUE,
    fake_operating,
)


@pytest.mark.parametrize(
    ("row", "name", "value", "wanted"),
    [
        (FALSE, "GMV per shopper", ("5.2 %", "3.5 to 7.3 %"), "5 %"),
        (EVEN, "GMV per shopper", ("0.031", "0.000 to 0.082"), "0"),
        (SIZE, "GMV per shopper", ("1.7\u00d7", "1.4 to 2.9"), ABSENT),
        (OPEN, "Orders per shopper", (ABSENT, ABSENT), ABSENT),
        (FAULT, "Clicks per exposure, exposures as units", ("30.3 %", "26.6 to 34.2 %"), "5 %"),
        (replace(FALSE, wanted=0.001), "GMV per shopper", ("5.2 %", "3.5 to 7.3 %"), "0.1 %"),
    ],
)
def test_an_answer_is_told_in_words(
    row: Characteristic, name: str, value: tuple[str, str], wanted: str
) -> None:
    assert metric_name(row) == name
    assert tuple(word.replace(THIN, " ") for word in value_words(row)) == value
    assert wanted_words(row).replace(THIN, " ") == wanted


def test_the_headline_tells_broken_promises_then_open_ones() -> None:
    told = headline(fake_operating(FALSE, MANY, TRUE, FAULT))
    assert told == (
        "1 of 3 promises does not hold: orders per shopper (query cluster, by redraws)."
    )
    assert headline(fake_operating(FALSE, TRUE, FAULT)) == (
        "None of 2 promises is broken; 1 cannot be told."
    )
    assert headline(fake_operating(FALSE, COVERS, POWER)) == "All of 2 promises hold."


def test_the_known_fault_is_told_by_itself_and_is_no_broken_promise() -> None:
    told = fault_sentence(fake_operating(FALSE, FAULT))
    assert told is not None
    assert "calls 30.3" in told
    assert "too few" not in told
    few = replace(FAULT, by="worlds", value=Interval(0.3, 0.0, 0.8), verdict=Verdict.UNTOLD)
    assert "by worlds, too few to show it" in str(fault_sentence(fake_operating(FAULT, few)))
    assert fault_sentence(fake_operating(FALSE)) is None
    assert question_words(fake_operating(FALSE, FAULT), "false_positive_rate") == "1 holds."


def test_how_much_was_made_is_told() -> None:
    assert sizes(fake_operating()) == [
        "1,000 redraws of 2 designs",
        "200 worlds of each kind",
        "5 pairs of worlds for the truth",
    ]
    assert len(sizes(replace(fake_operating(), redraws=0, truth_pairs=0))) == 2


def test_every_question_has_its_picture_and_its_numbers() -> None:
    page = render(fake_operating())
    for key in ("false-positives", "uniformity", "coverage", "power", "errors", "method"):
        assert f'id="{key}"' in page
    pictures = re.findall(r'role="img" aria-label="([^"]+)"', page)
    assert len(pictures) == 6
    assert page.count("Show as a table") == 6
    assert "promised: 5" in page
    assert "What the A/B tests estimate, and the true effect" in page


def test_verdicts_have_their_marks_and_names_are_escaped() -> None:
    page = render(fake_operating())
    for mark in ('class="yes">holds', 'class="no">does not hold', 'class="unsure">cannot be told'):
        assert mark in page
    assert 'class="no known">does not hold' in page
    assert "&lt;treatment&gt; against control" in page
    assert "<treatment>" not in page
    assert "switchback: world.days == 2, must be &gt;= 4" in page


def test_what_is_far_off_is_cut_and_does_not_squash_the_rest() -> None:
    section = render(fake_operating(FALSE, FAULT)).partition('id="false-positives"')[2]
    assert "cut-high" in section.partition("</section>")[0]
    assert "cut-high" not in render(fake_operating(FALSE)).partition('id="false-positives"')[2]


def test_a_question_that_was_not_asked_has_no_section() -> None:
    page = render(replace(fake_operating(POWER), p_values=()))
    for key in ("false-positives", "uniformity", "coverage", "errors"):
        assert f'id="{key}"' not in page
    assert 'id="power"' in page


def test_an_answer_that_is_unknown_is_no_number() -> None:
    page = render(fake_operating(replace(POWER, value=UNKNOWN)))
    assert "could not be estimated" in page
    assert "None" not in page
    assert "nan" not in page.lower().replace("finance", "")


def test_the_record_is_read_as_it_was_written(tmp_path) -> None:
    record = fake_operating()
    write_record(tmp_path, record)
    assert read_record(type(record), tmp_path) == record


def test_the_terminal_tells_each_design_in_a_table_and_then_what_follows() -> None:
    console = Console(width=80, file=StringIO())
    console.print(operating_summary(fake_operating()))
    told = " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]
    for title in ("Shopper, by redraws", "Query cluster, by redraws", "Shopper, by worlds"):
        assert title in " ".join(told.split())
    assert "5.2%" in told
    assert "ctr, by exposure" in told
    assert "False positives: 2 hold and 1 does not hold." in told
    assert "must be >= 4" in told
