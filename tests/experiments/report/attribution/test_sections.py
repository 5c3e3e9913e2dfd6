"""Attribution in the report: complete, and whole whatever is missing."""

import json
import re
from dataclasses import replace

import pytest

from experiments.records.attribution import AttributionRecord, DifferenceRow, Overlap
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.reading import write_record
from experiments.records.run import read_run
from experiments.report import write_report
from experiments.report.attribution.causes import steps
from experiments.report.attribution.overlap import dot
from experiments.report.attribution.sections import PARTS, sections
from simulator.errors import DataError
from tests.experiments.report.attribution.tiny_attribution import (
    FULL,
    credit,
    lookup_of,
    text_of,
    tiny,
    value,
)
from tests.experiments.report.fake_attribution import fake_attribution
from tests.experiments.report.fake_run import fake_run
from tests.experiments.report.run.test_page import Page

KEYS = [key for key, *_ in PARTS]
LONG = tuple(f"a_channel_with_quite_a_long_name_of_its_own_{at}" for at in range(12))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return read_run(fake_run(tmp_path_factory.mktemp("attribution") / "run"))


def drawn(run, record):
    """Sections by key, each whole."""
    found = {each.key: str(each.__html__()) for each in sections(run, record)}
    for part in found.values():
        assert Page(part).open == []
        assert not re.search(r"\bNone\b|\bnan\b|\binf\b", Page(part).text)
        for width in re.findall(r"(?:left|width|bottom|height):(-?[\d.]+)%", part):
            assert 0 <= float(width) <= 100
    return found


def without_ends(row):
    """A row whose numbers have no intervals."""
    known = {name: value for name, value in vars(row).items() if isinstance(value, Interval)}
    return replace(row, **{name: replace(n, low=None, high=None) for name, n in known.items()})


def wide(row):
    return replace(row, value=replace(row.value, low=-1e9, high=1e9))


def test_attribution_stands_behind_the_effects_by_day(tmp_path):
    folder = fake_run(tmp_path / "run")
    write_record(folder, FULL)
    html = write_report(folder).read_text()
    page = Page(html)
    assert page.open == []
    found = [at for tag, name, at in page.attributes if (tag, name) == ("section", "id")]
    start = found.index("daily") + 1
    assert found[start : start + len(KEYS)] == KEYS
    links = [at[1:] for tag, name, at in page.attributes if (tag, name) == ("a", "href")]
    ids = [at for _, name, at in page.attributes if name == "id"]
    assert set(KEYS) <= set(links) <= set(ids)
    assert len(ids) == len(set(ids))
    assert not re.search(r"https?://|@import|url\(|fetch\(|<link", html)


def test_runs_without_attribution_have_neither_its_sections_nor_its_style(tmp_path):
    html = write_report(fake_run(tmp_path / "run")).read_text()
    assert not any(f'id="{key}"' in html for key in KEYS)
    assert "upset" not in html


def test_a_broken_record_is_refused_by_name(tmp_path):
    folder = fake_run(tmp_path / "run")
    (folder / AttributionRecord.FILE).write_text(json.dumps({"schema": 99}))
    with pytest.raises(DataError, match=r"attribution\.json: schema == 99, must be 2"):
        write_report(folder)


def test_every_picture_is_described_and_has_its_numbers_behind_a_fold(run):
    for key, part in drawn(run, FULL).items():
        figures = re.findall(r"<figure>.*?</figure>", part)
        assert figures or key == "attribution"
        for each in figures:
            assert re.search(r'role="img" aria-label="[^"]{20,}"', each)
            assert re.search(r"<details.*<table", each)


def test_nothing_is_drawn_by_a_script(run):
    assert not any(
        "<script" in part or " on" + "click" in part for part in drawn(run, FULL).values()
    )


def test_names_from_the_record_are_escaped(run):
    evil = ("<b>bold</b>", 'quo"te', "ampersand&")
    record = replace(fake_attribution(evil), warnings=("<script>alert(1)</script>",))
    for part in drawn(run, record).values():
        assert "<b>bold" not in part
        assert "<script" not in part


MISSING = {
    "nothing": tiny(),
    "no incremental": replace(
        FULL,
        **dict.fromkeys(
            ("values", "interactions", "coalitions", "fates", "differences", "studies"), ()
        ),
        off_policy=(),
    ),
    "one channel": fake_attribution(("only",), ("treatment",)),
    "one arm": fake_attribution(arms=("treatment",)),
    "many long names": fake_attribution(LONG),
    "no purchases": replace(
        FULL,
        credits=tuple(row for row in FULL.credits if row.event in ("exposure", "click")),
        steps=tuple(row for row in FULL.steps if row.then == "click"),
        sets=tuple(row for row in FULL.sets if row.event == "exposure"),
        fates=(),
    ),
    "purchases of nothing": replace(
        FULL,
        credits=tuple(replace(row, credit=0.0, total=0.0, share=UNKNOWN) for row in FULL.credits),
        fates=tuple(replace(row, purchases=0.0, share=UNKNOWN) for row in FULL.fates),
    ),
    "no intervals": replace(
        FULL,
        **{
            kind: tuple(without_ends(row) for row in getattr(FULL, kind))
            for kind in ("credits", "steps", "values", "interactions", "fates", "differences")
        },
        studies=tuple(replace(without_ends(row), p_value=None) for row in FULL.studies),
    ),
    "values that are not known": replace(
        FULL,
        values=tuple(replace(row, share=UNKNOWN) for row in FULL.values),
        differences=tuple(replace(row, value=UNKNOWN) for row in FULL.differences),
        studies=tuple(replace(row, value=UNKNOWN) for row in FULL.studies),
        interactions=tuple(replace(row, share=UNKNOWN) for row in FULL.interactions),
    ),
    "estimates that the log does not carry": replace(
        FULL,
        off_policy=tuple(replace(row, value=UNKNOWN, relative=UNKNOWN) for row in FULL.off_policy),
    ),
    "an arm that is not listed": replace(FULL, arm="elsewhere"),
    "wild numbers": replace(
        FULL,
        values=tuple(replace(row, share=Interval(40.0, -900.0, 1e6)) for row in FULL.values),
        differences=tuple(wide(row) for row in FULL.differences),
        studies=tuple(wide(row) for row in FULL.studies),
    ),
}


@pytest.mark.parametrize("record", MISSING.values(), ids=MISSING)
def test_the_page_is_whole_whatever_is_missing(run, record):
    found = drawn(run, record)
    assert list(found)[:3] == KEYS[:3]
    assert set(found) <= set(KEYS)


def test_what_was_not_measured_has_no_section_and_is_said(run):
    found = drawn(run, MISSING["no incremental"])
    assert not {"substitution", "shapley", "twoways", "offpolicy", "studies"} & set(found)
    assert "was not measured, so its credit stands alone" in text_of(found["attribution"])


def test_warnings_stand_above_the_verdict(run):
    part = drawn(run, FULL)["attribution"]
    assert part.index("12 shoppers hold half of it") < part.index('class="verdict')


def test_doubts_of_off_policy_estimates_stand_above_them(run):
    part = drawn(run, FULL)["offpolicy"]
    assert part.index("91.0% of the judged slots hold") < part.index("<figure>")


def test_dots_of_a_set_are_joined_from_its_first_to_its_last_member():
    row = Overlap("t", "exposure", ("a", "c"), 7, 0.7)
    names = ("z", "a", "b", "c", "d")
    assert [dot(row, name, names) for name in names] == [
        "cell-off",
        "cell-on down",
        "cell-off up down",
        "cell-on up",
        "cell-off",
    ]


def test_sets_stand_from_the_most_frequent_down(run):
    sets = (
        Overlap("t", "exposure", ("a",), 2, 0.2),
        Overlap("t", "exposure", ("a", "b"), 7, 0.7),
        Overlap("t", "exposure", ("b",), 1, 0.1),
    )
    part = drawn(run, tiny(sets=sets))["sets"]
    assert re.findall(r'class="upright" title="([^"]*):', part) == ["a + b", "a", "b"]
    assert re.findall(r'<span class="value">(\d+)', part) == ["90", "80"]


def test_of_very_many_sets_the_table_sums_up_the_rarest(run):
    rows = (*MISSING["many long names"].sets,)
    sets = [row for row in rows if (row.arm, row.event) == ("treatment", "exposure")]
    assert len(sets) > 100
    part = drawn(run, MISSING["many long names"])["sets"]
    shown = re.findall(r"<td>Exposures</td><td>treatment</td><td[^>]*>([\d,]+)</td>", part)
    assert len(shown) == 61
    assert sum(int(count.replace(",", "")) for count in shown) == sum(row.count for row in sets)


def test_a_waterfall_steps_from_the_replay_to_the_worlds():
    rows = [("replay", 5.0), ("sessions", -2.0), ("memory", 1.0), ("luck", -0.5), ("worlds", 3.5)]
    differences = tuple(
        DifferenceRow("t", "a", "gmv", cause, Interval(value, None, None)) for cause, value in rows
    )
    found = steps(lookup_of(tiny(differences=differences)), "a", "gmv")
    bars = [(step.row.cause, step.start, step.end) for step in found]
    assert bars == [
        ("replay", 0.0, 5.0),
        ("sessions", 5.0, 3.0),
        ("memory", 3.0, 4.0),
        ("luck", 4.0, 3.5),
        ("worlds", 0.0, 3.5),
    ]


def test_the_paper_is_quoted_only_beside_a_generative_channel(run):
    quoted = drawn(run, FULL)["rise"]
    assert "50.25" in quoted
    assert "published" in quoted
    plain = drawn(run, fake_attribution(("lexical", "popular", "itemcf")))["rise"]
    assert "50.25" not in plain
    assert "published" not in plain


def test_a_value_has_the_same_interval_in_every_section():
    rows = (
        DifferenceRow("t", "a", "gmv", "replay", Interval(0.2, -0.7, 1.2)),
        DifferenceRow("t", "a", "gmv", "luck", Interval(0.1, 0.0, 0.2)),
        DifferenceRow("t", "a", "gmv", "worlds", Interval(0.3, -0.5, 1.1)),
    )
    known = (value(0.2, 0.1, 0.3, "replay"), value(0.9, 0.8, 1.0, "worlds"))
    found = steps(lookup_of(tiny(differences=rows, values=known)), "a", "gmv")
    assert [step.row.value.ends for step in found] == [(0.1, 0.3), (0.0, 0.2), (-0.5, 1.1)]


def test_nothing_is_drawn_across_a_day_without_events(run):
    days = [(1, 0.5), (2, 0.6), (4, 0.7), (5, 0.8), (7, 0.9)]
    rows = [
        replace(
            credit("any_touch", "a", share, share - 0.1, share + 0.05), cut="day", part=str(day)
        )
        for day, share in days
    ]
    part = drawn(run, tiny(credits=tuple(rows)))["parts"]
    assert len(re.findall(r'class="curve"', part)) == 3
    assert len(re.findall(r'class="band"', part)) == 2
    assert part.count('class="upright-bar"') == 1  # day 7 stands alone
