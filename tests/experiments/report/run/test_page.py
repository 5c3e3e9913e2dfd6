"""The report as a file: self-contained, complete, escaped, and honest about what is missing."""

import json
import re
from html.parser import HTMLParser

import pytest

from experiments.records.reading import write_record
from experiments.report import write_report
from simulator.errors import DataError, StoreError
from tests.experiments.report.fake_run import bare_metrics, fake_run

SECTIONS = (
    "effects",
    "compared",
    "figures",
    "headroom",
    "segments",
    "daily",
    "funnel",
    "latency",
    "ends",
    "retrieval",
    "models",
    "health",
    "reproduce",
)
VOID = {"meta", "br", "hr", "input"}


class Page(HTMLParser):
    """Sections with their tables and text, every attribute, and whether tags are balanced."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tables, self.attributes, self.words = [], {}, [], {}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in VOID:
            self.open.append((tag, dict(attrs).get("id")))
        if tag == "table":
            self.tables[self.section()] = self.tables.get(self.section(), 0) + 1

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        inside = {tag for tag, _ in self.open}
        if not inside & {"style", "script"}:
            self.words[self.section()] = self.words.get(self.section(), "") + data

    def section(self):
        return next((key for tag, key in self.open if tag == "section"), None)

    @property
    def text(self):
        return "".join(self.words.values())


def edit(folder, name, change):
    path = folder / name
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def page_of(folder):
    return Page(write_report(folder).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    folder = fake_run(tmp_path_factory.mktemp("report") / "run")
    return write_report(folder).read_text(encoding="utf-8")


def test_report_lies_in_the_run_folder_and_leaves_nothing_else(tmp_path):
    folder = fake_run(tmp_path / "run")
    before = {path.name for path in folder.iterdir()}
    assert write_report(folder) == folder / "report.html"
    assert {path.name for path in folder.iterdir()} == before | {"report.html"}


def test_report_loads_nothing_from_elsewhere(html):
    loading = {"src", "srcset", "data", "poster", "action"}
    page = Page(html)
    assert not [row for row in page.attributes if row[1] in loading]
    links = [value for _, name, value in page.attributes if name == "href"]
    assert links
    assert all(link.startswith("#") for link in links)
    assert not re.search(r"https?://|@import|url\(|fetch\(|<link", html)


def test_links_lead_to_sections_that_exist(html):
    page = Page(html)
    ids = {value for _, name, value in page.attributes if name == "id"}
    assert {value[1:] for _, name, value in page.attributes if name == "href"} <= ids


def test_tags_are_balanced_and_sections_stand_in_order(html):
    page = Page(html)
    assert page.open == []
    found = [value for tag, name, value in page.attributes if (tag, name) == ("section", "id")]
    assert tuple(found) == SECTIONS


def test_every_section_has_a_table(html):
    assert {key for key in Page(html).tables if key} == set(SECTIONS)


def test_every_picture_is_described(html):
    described = re.findall(r'<div class="picture"[^>]*>|<div role="img"[^>]*>', html)
    assert len(described) >= 7
    assert all('aria-label="' in tag for tag in described)


def test_calibration_is_disclaimed(html):
    assert "uncalibrated until you bring a log" in Page(html).text


def test_table_under_the_forest_holds_estimate_and_truth(html):
    words = Page(html).words["effects"]
    assert "4.873" in words
    assert "\u00b1 resolution" in words
    assert "0.40" in words


def test_added_channel_is_marked_in_words_and_not_in_control(html):
    control, treatment = html.split('class="funnel"')[1:3]
    assert "added" not in control
    assert re.search(r"dense.{0,60}added", re.sub("<[^>]+>", "", treatment))


def test_strings_from_data_cannot_become_markup(tmp_path):
    evil = '<img src=x onerror="alert(1)">'
    folder = fake_run(tmp_path / "run", arms=("control", evil))
    (folder / "config.toml").write_text(f'name = "</pre><script>{evil}</script>"')

    def spoil(metrics):
        metrics["name"] = f"</title>{evil}"
        metrics["health"]["warnings"] = [evil]
        metrics["health"]["dropped"][0]["detail"] = evil
        metrics["end_reasons"][0]["reason"] = evil
        metrics["retrieval"][0]["channel"] = evil

    edit(folder, "metrics.json", spoil)
    edit(folder, "manifest.json", lambda manifest: manifest.update(command=evil, created=evil))
    html = write_report(folder).read_text(encoding="utf-8")
    page = Page(html)
    assert evil not in html
    assert evil in page.text
    assert not [row for row in page.attributes if row[0] == "img" or row[1] == "onerror"]
    assert html.count("<script>") == 1


def test_missing_truth_manifest_and_config_are_said_not_raised(tmp_path):
    folder = fake_run(tmp_path / "run")
    for name in ("truth.json", "manifest.json", "config.toml"):
        (folder / name).unlink()
    page = page_of(folder)
    assert "no simulated truth was computed" in page.text
    assert "The truth stage has not run" in page.words["effects"]
    assert "manifest is missing" in page.words["compared"]
    assert "config.toml) is missing" in page.words["reproduce"]


def test_metrics_without_any_rows_still_give_a_page(tmp_path):
    write_record(tmp_path, bare_metrics())
    page = page_of(tmp_path)
    assert "holds no estimate of GMV per shopper" in page.text
    for key in ("funnel", "latency", "ends"):
        assert "The run holds no" in page.words[key]


def test_a_run_without_models_that_tell_anything_has_no_such_section(tmp_path):
    folder = fake_run(tmp_path / "run")
    edit(folder, "metrics.json", lambda metrics: metrics.update(models=[]))
    page = page_of(folder)
    assert "models" not in page.words
    assert ("a", "href", "#models") not in page.attributes


@pytest.mark.parametrize(
    "training",
    [None, 7, "quick", [3], [{"stage": "x"}], [{"stage": "x", "losses": [{"step": 1}]}]],
)
def test_a_training_told_in_another_form_still_gives_a_page(tmp_path, training):
    folder = fake_run(tmp_path / "run")
    report = {"training": training, "nested": {"a": 1}, "depth": [3, None, "deep"], "good": True}

    def spoil(metrics):
        new = {"model": "channel", "name": "<b>new</b>", "arms": [], "report": report}
        metrics["models"] = [new]

    edit(folder, "metrics.json", spoil)
    words = page_of(folder).words["models"]
    assert "<b>new</b>" in words
    assert "3 \u00b7 \u2013 \u00b7 deep" in words
    assert "nested" not in words


def test_a_run_without_human_grades_has_no_empty_card_for_them(tmp_path):
    folder = fake_run(tmp_path / "run")
    edit(folder, "metrics.json", lambda metrics: metrics.update(retrieval=[]))
    assert "retrieval" not in page_of(folder).words


def test_numbers_that_could_not_be_computed_are_dashes(tmp_path):
    folder = fake_run(tmp_path / "run")

    def blank(rows, keys):
        for row in rows:
            row.update(dict.fromkeys(keys))

    def spoil(metrics):
        ends = ("estimate", "low", "high")
        blank(metrics["estimates"], ("control", "treatment", "p_value"))
        for rows, key in (("estimates", "effect"), ("estimates", "relative")):
            blank([row[key] for row in metrics[rows]], ends)
        blank([row["effect"] for row in metrics["daily"]], ends)
        blank(metrics["funnel"], ("per_request",))
        blank(metrics["retrieval"], ("recall_at_100", "ndcg_at_10", "judged_at_10"))
        blank(metrics["srm"], ("statistic", "p_value"))
        blank(metrics["health"]["requests"], ("zero_result_rate", "abandonment"))

    edit(folder, "metrics.json", spoil)
    (folder / "truth.json").unlink()
    page = page_of(folder)
    assert "could not be estimated" in page.text
    assert "None" not in page.text.replace("None.", "")
    assert "nan" not in page.text.lower().replace("finance", "")
    assert "\u2013" in page.words["retrieval"]


def test_three_arms_get_a_verdict_and_a_forest_each(tmp_path):
    folder = fake_run(tmp_path / "run", arms=("control", "with_dense", "no_popularity"))
    html = write_report(folder).read_text(encoding="utf-8")
    assert html.count('class="sentence"') == 2
    assert html.count('aria-label="Forest plot: relative change') == 2
    assert "left out" in Page(html).words["compared"]
    assert 'class="series a1"' in html
    assert 'class="series a2"' in html


def test_broken_sample_ratio_warns_above_every_effect(tmp_path):
    folder = fake_run(tmp_path / "run")
    edit(folder, "metrics.json", lambda metrics: metrics["srm"][0].update(p_value=1e-9))
    page = page_of(folder)
    assert "Do not read the effect" in page.words[None]
    assert "Do not read these effects" in page.words["figures"]
    assert "Do not read these effects" in page.words["effects"]
    assert "mismatch" in page.words["health"]


def test_one_day_one_arm_of_data_is_drawn(tmp_path):
    folder = fake_run(tmp_path / "run")

    def shorten(metrics):
        metrics["daily"] = [row for row in metrics["daily"] if row["day"] == 14]

    edit(folder, "metrics.json", shorten)
    assert "Cumulative effect by day" in page_of(folder).words["daily"]


def test_missing_metrics_name_the_file(tmp_path):
    with pytest.raises(StoreError, match=r"metrics\.json: .*, must be a file of a finished run"):
        write_report(tmp_path)


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        ("{", StoreError, r"metrics\.json: .*must be whole JSON"),
        ('{"schema": 2}', DataError, r"metrics\.json: name is missing"),
        ('{"schema": 1}', DataError, r"schema == 1, must be 2: .*`funnelab run`"),
    ],
)
def test_unreadable_metrics_name_place_and_keep_the_old_report(tmp_path, content, error, said):
    folder = fake_run(tmp_path / "run")
    before = write_report(folder).read_text()
    (folder / "metrics.json").write_text(content)
    with pytest.raises(error, match=said):
        write_report(folder)
    assert (folder / "report.html").read_text() == before


def test_warnings_name_metrics_as_the_page_does(tmp_path):
    folder = fake_run(tmp_path / "run")
    said = ["ctr: another training moves it by 0.3% (+-0.2%)", "worlds: few"]
    edit(folder, "metrics.json", lambda metrics: metrics["health"].update(warnings=said))
    words = page_of(folder).words["health"]
    assert "Clicks per exposure: another training moves it by 0.3% (\u00b10.2%)." in words
    assert "Worlds: few." in words


def test_changes_of_the_service_have_intervals(html):
    words = Page(html).words
    assert re.search(
        r"31.2\u202fms \u2192 36.8\u202fms\+18.0\u202f% 13.0 to 23.0\u202f%", words["latency"]
    )
    assert re.search(r"[+\u2212]\d+\.\d\u202fpp .\d+\.\d+ to ", words["ends"])
    assert "popular" in words["funnel"]
    assert "none in control" in words["funnel"]
    for part in ("funnel", "latency", "ends"):
        assert "with 95\u202f% intervals over shoppers" in words[part]


def test_without_these_bars_tell_how_far_arms_are_apart(tmp_path):
    folder = fake_run(tmp_path / "run")
    edit(folder, "metrics.json", lambda metrics: metrics.update(service=[]))
    words = page_of(folder).words
    assert re.search(r"36.8\u202fms \(\+18\u202f%\)", words["latency"])
    assert re.search(r"\d\u202f% \([+\u2212]\d+\.\d+\u202fpp\)", words["ends"])
    assert "which has no interval here" in words["ends"]


def test_the_true_effect_stands_by_kind_of_search(html):
    section = html[html.index('id="segments"') : html.index('id="daily"')]
    picture, numbers = section.split("<table", 1)
    assert "Never asked before (12" in picture
    assert "Worded: specific (44" in picture
    assert "knowledge" not in picture  # it brings next to nothing
    assert "Worded: knowledge" in numbers
    assert re.search(r"\+9\.0\u202f%", section)


def test_no_card_stands_alone_in_its_row(html):
    section = html[html.index('id="figures"') : html.index('id="headroom"')]
    assert section.count('class="card"') == 6
