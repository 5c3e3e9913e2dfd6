"""The page: complete, escaped, self-contained, and honest about what is missing."""

import json
import re
from dataclasses import asdict, replace

import pytest

from experiments.records.interval import Interval
from experiments.records.papers import published
from experiments.records.reading import read_record, write_record
from experiments.records.rewards import RewardsRecord
from experiments.report.kit.curves import Spot
from experiments.report.rewards.page import PARTS, render, write_report
from experiments.report.rewards.pareto import corners, front
from experiments.report.rewards.policies import colour, names, number_of
from experiments.report.rewards.training import blocks, choice_style, mean_series
from simulator.errors import StoreError
from tests.experiments.report.rewards.fake_record import POLICIES, fake_record
from tests.experiments.report.run.test_page import Page


@pytest.fixture(scope="module")
def record():
    return fake_record()


@pytest.fixture(scope="module")
def html(record):
    return render(record)


def spot(name, x, y):
    x, y = (Interval(value, None, None) for value in (x, y))
    return Spot(name, "", "", x, y, "")


def renamed(record, old, new):
    """The record with another name in every place."""

    def walk(value):
        if isinstance(value, dict):
            return {key: walk(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return tuple(walk(each) for each in value)
        return new if value == old else value

    from pydantic import TypeAdapter

    return TypeAdapter(RewardsRecord).validate_python(walk(asdict(record)), strict=False)


def test_the_page_is_written_beside_its_record_and_loads_nothing(record, tmp_path):
    write_record(tmp_path, record)
    html = write_report(tmp_path).read_text(encoding="utf-8")
    assert Page(html).open == []
    assert not re.search(r"https?://|@import|url\(|fetch\(|<link", html)
    with pytest.raises(StoreError):
        write_report(tmp_path / "elsewhere")


def test_the_page_is_the_same_for_the_same_record(record, html):
    assert render(record) == html


def test_every_section_of_the_contents_is_there_in_order(html):
    found = [
        value for tag, name, value in Page(html).attributes if (tag, name) == ("section", "id")
    ]
    assert found == [key for key, *_ in PARTS]


def test_every_policy_has_a_number_and_those_with_few_a_colour_of_their_own(record, html):
    assert [number_of(record, name) for name in names(record)] == list(range(7))
    assert colour(record, record.baseline) == "a0"
    assert len({colour(record, name) for name in names(record)}) == 7
    text = Page(html).text
    assert all(name in text for name in POLICIES)


def test_more_policies_than_colours_differ_by_number_and_stroke(record):
    rows = [replace(record.policies[1], name=f"r.a{at}") for at in range(10)]
    many = replace(record, policies=(record.policies[0], *rows))
    assert "again" in colour(many, "r.a8")
    assert number_of(many, "r.a9") == 10


def test_names_from_a_record_cannot_become_markup(record):
    evil = "<img src=x onerror=alert(1)>"
    changed = renamed(replace(record, name=f"</title>{evil}", warnings=(evil,)), "tiers.grpo", evil)
    changed = renamed(renamed(changed, "clk@1", evil + "1"), "cqsid", evil)
    page = render(changed)
    assert evil not in page
    assert not [row for row in Page(page).attributes if row[0] == "img"]


@pytest.mark.parametrize(
    "missing", ["online", "offline", "contrasts", "policy_shares", "courses", "hacking", "trust"]
)
def test_a_missing_part_leaves_the_rest_of_the_page(record, missing):
    page = Page(render(replace(record, **{missing: ()})))
    assert page.open == []
    assert "None" not in page.text
    assert "nan" not in re.findall(r"\bnan\b", page.text.lower())


def test_one_seed_and_no_worlds_still_give_a_page_that_says_so():
    text = Page(render(fake_record(online=False, seeds=1))).text
    assert "No world was lived with these policies" in text
    assert "no offline number can be held against the truth" in text
    assert "One seed: nothing tells" in text
    assert "None" not in text
    assert "\u25b2" not in text.replace("\u25b2 and \u25bc", "")


def test_a_record_of_the_supervised_model_alone_gives_a_page(record):
    rows = {
        "offline": tuple(row for row in record.offline if row.policy == "sft"),
        "policy_shares": tuple(row for row in record.policy_shares if row.policy == "sft"),
        **dict.fromkeys(("online", "contrasts", "courses", "hacking", "trust"), ()),
    }
    alone = replace(record, policies=record.policies[:1], **rows)
    assert Page(render(alone)).open == []


def test_real_differences_alone_are_marked(record, html):
    real = [row for row in record.offline if row.p_holm is not None and row.p_holm < 0.05]
    real += [row for row in record.online if row.p_holm < 0.05]
    assert html.count('class="told up"') + html.count('class="told down"') == len(real)


def test_a_chosen_policy_shows_its_seeds(record, html):
    style = choice_style(record)
    assert "#curves:has(#curves-6:checked) .seed.of-6" in style
    assert html.count('class="series c0 seed of-1"') == 3 * html.count('class="series c0 of-1"')


def test_each_metric_of_trust_can_be_chosen(html):
    assert all(f'id="trusted-{at}"' in html and f"option-{at}" in html for at in range(4))


def test_the_front_holds_what_no_other_policy_beats_in_both():
    found = [spot("a", 1, 3), spot("b", 2, 2), spot("c", 1, 2), spot("d", 3, 1), spot("e", 3, 0)]
    assert [each.name for each in front(found)] == ["a", "b", "d"]
    assert corners(found) == [(1, 3), (1, 2), (2, 2), (2, 1), (3, 1)]


def test_equal_policies_stand_on_the_front_together():
    assert len(front([spot("a", 1, 1), spot("b", 1, 1)])) == 2


def test_long_curves_become_means_of_blocks():
    assert blocks({1: 1.0, 2: 3.0, 3: 5.0}, most=50) == {1: 1.0, 2: 3.0, 3: 5.0}
    assert blocks({1: 1.0, 2: 3.0, 3: 5.0, 4: 7.0}, most=2) == {2: 2.0, 4: 6.0}
    assert blocks({}) == {}


def test_a_mean_curve_ends_where_the_first_seed_does():
    assert mean_series([{0: 1.0, 5: 2.0}, {0: 3.0}]) == {0: 2.0}
    assert mean_series([]) == {}


def test_published_gains_are_those_of_the_paper():
    assert published.policy_gain("EG-GRPO, K = 2", "clk@1") == pytest.approx(0.1524 / 0.1510 - 1)
    assert published.policy_gain("GRPO", "pvr@10") < 0
    assert all(len(levels) == len(published.MEASURES) for levels in published.POLICIES.values())


def test_what_the_channel_holds_stands_beside_what_it_adds(record):
    text = Page(render(record)).text
    table = text[text.index("What it holds, and what it adds") :]
    added = next(row for row in record.control if (row.policy, row.metric) == ("sft", "gmv"))
    assert f"{100 * added.relative.estimate:+.1f}" in table.replace("\u2212", "-")
    assert "What it holds" not in Page(render(replace(record, control=()))).text


def test_what_rewards_logged_is_drawn_by_its_name_beside_our_curves(record, html):
    title = "What rewards log beside their values"
    assert title not in html
    (first, *others) = record.courses
    steps = tuple(replace(at, logged={"custom/<accuracy>": at.step / 100}) for at in first.steps)
    said = render(replace(record, courses=(replace(first, steps=steps), *others)))
    assert title in said
    assert "custom/&lt;accuracy&gt;" in said
    assert "custom/<accuracy>" not in said


def test_a_record_from_before_rewards_could_log_is_read(record, tmp_path):
    write_record(tmp_path, record)
    path = tmp_path / "rewards.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    for course in told["courses"]:
        for step in course["steps"]:
            assert step.pop("logged") == {}
    path.write_text(json.dumps(told), encoding="utf-8")
    assert read_record(RewardsRecord, tmp_path) == record


def test_many_limits_are_not_all_on_the_first_screen_and_none_is_lost(record):
    told = tuple(f"Limit number {n}." for n in range(5))
    html = render(replace(record, warnings=told))
    first, fold = html.split("3 more limits of this comparison")
    assert [each in first for each in told] == [True, True, False, False, False]
    assert all(each in fold for each in told[2:])
    assert "more limits" not in render(replace(record, warnings=told[:3]))
