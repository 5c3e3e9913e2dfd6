"""The page of a sweep shows what was found as a curve, a surface or several, and what failed."""

import html
import re
from dataclasses import replace

import pytest

from experiments.records.reading import write_record
from experiments.report.sweep.page import render, write_report
from experiments.report.sweep.verdict import headline
from tests.experiments.report.sweep.fake_sweep import REASON, fake_sweep, of_grid, of_worlds


def tiles(page: str) -> list[str]:
    """The kind of every tile, without those that explain."""
    kinds = re.findall(r'class="tile (\w+)"', page)
    return [kind for kind in kinds if kind != "key"]


def test_one_setting_is_a_curve_with_intervals_and_the_line_of_zero() -> None:
    page = render(fake_sweep(1, failing="none"))
    assert 'class="chart sweep-curve ' in page
    assert page.count('class="upright-bar"') == 2 * 5  # two metrics
    assert 'class="rule zero"' in page
    assert not tiles(page)


def test_two_settings_are_a_map_whose_tiles_say_what_can_be_told() -> None:
    record = fake_sweep(2)
    page = render(record)
    assert len(tiles(page)) == 2 * 20
    assert set(tiles(page)) == {"up", "down", "untold", "gone"}
    assert tiles(page).count("gone") == 2 * 2
    assert "\u25b2 +" in page
    assert "\u25bc \u2212" in page
    assert 'class="zero-line"' in page
    names = [cell.name for cell in record.cells]
    (low,) = (row for row in record.lifts if (row.cell, row.metric) == (names[3], "orders"))
    assert f"\u00b1{100 * (low.resolution or 0):.2f}" in page


def test_three_settings_are_a_map_for_each_value_of_the_third() -> None:
    page = render(fake_sweep(3, failing="none"))
    assert len(tiles(page)) == 2 * 40
    assert page.count("<h4>limit 100</h4>") == page.count("<h4>limit 300</h4>") == 2


def test_maps_beyond_what_anybody_looks_at_are_left_to_the_table() -> None:
    grid = {"a.x": [1, 2], "b.x": [1, 2], "c.x": list(range(14))}
    page = render(of_grid(grid))
    assert len(tiles(page)) == 2 * 4 * 12
    assert page.count("2 more maps are not drawn") == 2
    assert page.count("c.x") >= 1


def test_values_that_are_no_numbers_are_rows_and_have_no_line_of_zero() -> None:
    page = render(of_grid({"ranker.type": ["learned", "merge"]}, arms=2))
    assert 'class="forest"' in page
    page = render(of_grid({"ranker.type": ["learned", "merge"], "queries.gap": [0.2, 0.8]}))
    assert len(tiles(page)) == 2 * 4
    assert 'class="zero-line"' not in page


def test_a_list_of_settings_that_change_together_is_rows_and_no_map_full_of_holes() -> None:
    whole = of_grid({"queries.gap": [0.2, 0.5, 0.8], "queries.intents": [6_000, 9_000, 30_000]})
    names = {cell.name for cell in whole.cells[::4]}
    tied = replace(
        whole,
        cells=whole.cells[::4],
        lifts=tuple(row for row in whole.lifts if row.cell in names),
        rooms=tuple(row for row in whole.rooms if row.cell in names),
        differences=tuple(row for row in whole.differences if row.cell in names),
    )
    page = render(tied)
    assert not tiles(page)
    assert page.count("gap 0.8, intents 30,000") >= 2


def test_what_channels_pre_ranker_and_ranker_let_pass_is_told_of_every_arm() -> None:
    page = render(fake_sweep(1, failing="none"))
    table = page.partition("Pre-ranker keeps")[2].partition("</table>")[0]
    told = re.findall(r">(\d+).%<", table)
    assert table.count("control") == table.count("cqsid") == 5
    assert [*told[-3:]] == ["75", "95", "50"]  # 2.1 of 2.8, 2 of 2.1, 1 of 2


def test_cells_that_are_still_to_be_run_are_counted_at_the_top_and_marked() -> None:
    record = fake_sweep(2, failing="none")
    *done, last = record.cells
    page = render(replace(record, cells=(*done, replace(last, status="waiting"))))
    assert "1 of 20 cells not run yet" in page
    assert "not run yet</td>" in page
    assert "not run yet" not in render(record)


def test_a_cell_without_results_is_named_with_its_reason_at_the_top_and_in_its_tile() -> None:
    page = render(fake_sweep(2))
    top = page.partition("<main>")[0]
    assert "raised ValueError" in top
    assert "must be &lt;= funnel.slots (20)" in top
    assert "cannot be" in page


def test_a_sweep_in_which_every_cell_failed_still_has_its_page() -> None:
    record = fake_sweep(2, failing="all")
    assert headline(record) == ("No results", "No cell has results.", "alarm")
    page = render(record)
    assert "No cell has results." in page
    assert page.count(REASON.replace("<", "&lt;")) >= len(record.cells)


def test_the_verdict_counts_what_can_be_told_and_no_more() -> None:
    record = fake_sweep(1, failing="none")
    badge, sentence, tone = headline(record)
    assert badge == "It depends"
    assert tone == "plain"
    assert sentence == (
        "Lift of orders per shopper by cqsid: above zero in 2, below zero in 1 and not to be told "
        "in 2 of 5 cells."
    )
    unsure = replace(
        record, lifts=tuple(replace(row, p_value=0.5, p_holm=1.0) for row in record.lifts)
    )
    assert headline(unsure)[0] == "Cannot be told"
    sure = replace(
        record,
        lifts=tuple(
            replace(row, relative=row.relative.turned, p_value=0.0, p_holm=0.0)
            for row in record.lifts
            if (row.relative.estimate or 0) > 0
        ),
    )
    assert headline(sure)[0] == "Below zero"
    assert headline(sure)[2] == "bad"


def test_the_page_is_written_from_the_record_alone(tmp_path) -> None:
    record = fake_sweep(2)
    write_record(tmp_path, record)
    assert write_report(tmp_path).read_text(encoding="utf-8") == render(record)


@pytest.mark.parametrize("arms", [1, 2])
def test_every_treatment_has_a_picture_of_its_own(arms: int) -> None:
    page = render(fake_sweep(2, arms=arms, failing="none"))
    assert len(tiles(page)) == 2 * 20 * arms


def test_drawn_worlds_are_told_together_with_what_the_lift_hangs_on() -> None:
    record = of_worlds()
    page = render(record)
    _, sentence, _ = headline(record)
    assert sentence.startswith("Over 24 worlds drawn from what nobody knows, cqsid changes orders")
    assert "It hangs most on queries.vocabulary_gap (+" in page
    assert "Of what differs between worlds, the settings of queries explain 9" in page
    parts = page.index("Part of what differs between worlds that settings explain")
    assert page.index("channels.lexical", parts) > page.index("queries", parts)
    assert page.count('class="lane gain"') + page.count('class="lane loss"') == 3
    first = page.index("Over all worlds")
    order = [
        page.index(f">{name}</span>", first) for name in ("vocabulary_gap", "tolerance", "limit")
    ]
    assert order[0] == min(order)  # the longest bar comes first
    assert "world 24" in page
    assert "beside the base" not in page


def test_where_no_assumption_moves_the_lift_the_page_says_so() -> None:
    page = render(of_worlds(moved=0.0))
    assert "No assumption can be told to move it; the largest estimate is that of" in page
    assert "Of what differs between worlds, the settings of" not in page


def test_the_page_says_which_luck_intervals_hold() -> None:
    record = fake_sweep(2)
    assert (
        "holds the luck of shoppers and of the worlds' state, and leaves out other tr"
        in html.unescape(render(record))
    )
    realised = replace(record, lifts=tuple(replace(row, method="realised") for row in record.lifts))
    assert "holds the luck of shoppers alone, and leaves out other trainings" in html.unescape(
        render(realised)
    )
    each = replace(record, lifts=tuple(replace(row, trainings=4) for row in record.lifts))
    assert "and that of training: each pair of worlds has models of its own." in html.unescape(
        render(each)
    )
