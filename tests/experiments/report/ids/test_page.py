"""The page, the terminal and the words: complete, escaped, and honest."""

import re
from dataclasses import replace

import pytest

from experiments.config.ids_bench import IdsBenchSpec
from experiments.inference.finding import Finding
from experiments.records.ids import HIT_RATE, Mode
from experiments.records.interval import Interval
from experiments.records.reading import write_record
from experiments.report.ids.page import PARTS, render, write_report
from experiments.report.ids.schemes import colour
from experiments.report.ids.verdict import (
    choice,
    comparisons,
    finding,
    headline,
    paper_sentences,
    scheme_sentences,
)
from simulator.errors import StoreError
from tests.experiments.report.ids.fake_results import fake_record
from tests.experiments.report.run.test_page import Page


@pytest.fixture(scope="module")
def record():
    return fake_record()


def gain_with(record, **changes):
    row = record.gain("cqsid", "semantic", HIT_RATE, 10)
    return replace(row, **changes)


def test_the_page_is_written_beside_its_record_and_loads_nothing(record, tmp_path):
    write_record(tmp_path, record)
    html = write_report(tmp_path).read_text(encoding="utf-8")
    page = Page(html)
    assert page.open == []
    assert not re.search(r"https?://|@import|url\(|fetch\(|<link", html)
    found = [value for tag, name, value in page.attributes if (tag, name) == ("section", "id")]
    assert found == [key for key, *_ in PARTS]
    with pytest.raises(StoreError):
        write_report(tmp_path / "elsewhere")


def test_every_scheme_is_drawn_in_a_colour_of_its_own(record):
    html = render(record)
    colours = {colour(record, scheme) for scheme in record.schemes}
    assert len(colours) == len(record.schemes)
    assert all(f'class="series {each}' in html for each in colours)
    assert colour(record, record.baseline) == "a0"


def test_more_schemes_than_colours_are_told_apart_by_their_strokes():
    names = ("rqvae", *(f"scheme_{at}" for at in range(12)))
    record = fake_record(IdsBenchSpec(schemes=names), requests=40, modes=(Mode.SEMANTIC,))
    assert len({colour(record, name) for name in names}) == len(names)


def test_names_from_settings_cannot_become_markup():
    evil = "<img src=x onerror=alert(1)>"
    spec = IdsBenchSpec(schemes=("rqvae", evil))
    html = render(fake_record(spec, requests=40, name=f"</title>{evil}"))
    assert evil not in html
    assert not [row for row in Page(html).attributes if row[0] == "img"]


def test_a_bench_without_intervals_or_ids_still_gives_a_page():
    bare = replace(fake_record(requests=30, seeds=1), quality=(), published=())
    text = Page(render(bare)).text
    assert "With one training seed no difference from rqvae has an interval" in text
    assert "so it may all be luck. The largest estimate is that of " in text
    assert "1 training seeds" not in text
    assert "holds no measures of ids" in text
    assert "None" not in text
    assert "nan" not in text.lower()


def around(middle):
    return Interval(middle, middle - 0.05, middle + 0.05)


def test_findings_need_the_correction_to_be_called_real(record):
    def said(**changes):
        return finding(gain_with(record, **changes), 0.95)

    assert said(effect=around(0.1), p_value=0.001, p_holm=0.01) is Finding.MORE
    assert said(effect=around(-0.1), p_value=0.001, p_holm=0.01) is Finding.LESS
    assert said(effect=around(0.1), p_value=0.01, p_holm=0.2) is Finding.ALONE
    assert said(effect=around(0.1), p_value=0.2, p_holm=0.2) is Finding.UNTOLD
    assert said(p_value=None) is Finding.MISSING
    assert finding(None, 0.95) is Finding.MISSING


def test_the_headline_names_the_best_scheme_that_is_really_better(record):
    sentence, better = headline(record)
    assert better
    assert re.match(r"cqsid covers .* more clicked items than rqvae at beam 10", sentence)
    told = scheme_sentences(record)
    assert any("random against rqvae: Semantic: less" in said for said in told)
    assert any("+22.6" in said for said in paper_sentences(record))


def test_it_says_which_scheme_to_take_or_that_it_cannot_be_told(record):
    best = choice(record)
    assert best.startswith("Take ")
    assert f"more than {record.baseline}" in best
    unsure = tuple(replace(gain, p_value=0.5, p_holm=1.0) for gain in record.gains)
    kept = choice(replace(record, gains=unsure))
    assert kept.startswith(f"Keep {record.baseline}: no scheme can be told to cover more.")
    assert "more training seeds tell" in kept


def test_without_a_real_gain_the_headline_claims_none(record):
    unsure = tuple(replace(gain, p_holm=0.5, p_value=0.5) for gain in record.gains)
    sentence, better = headline(replace(record, gains=unsure))
    assert better is False
    assert sentence.startswith("No scheme can be told to cover more")


def test_the_three_comparisons_are_said_to_disagree_where_they_do(record):
    raised = tuple(
        replace(row, value=replace(row.value, estimate=0.99))
        if (row.scheme, row.measure) == ("random", "item_recall_equal_compute")
        else row
        for row in record.measured
    )
    said = comparisons(replace(record, measured=raised))
    assert "disagree" in said[0]
    assert "random at equal compute" in said[0]
