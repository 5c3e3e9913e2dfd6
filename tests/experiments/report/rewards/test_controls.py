"""What is said of a policy beside its controls never goes beyond the paired contrasts."""

from dataclasses import replace

import pytest

from experiments.records.interval import UNKNOWN, Interval
from experiments.records.rewards import Contrast, Control
from experiments.report.rewards.controls import comparisons, controls_headline, match_words
from experiments.report.rewards.page import render
from tests.experiments.report.rewards.fake_record import fake_record
from tests.experiments.report.run.test_page import Page

EG, SFT = "tiers.eg_grpo", "tiers.sft_matched"


@pytest.fixture(scope="module")
def record():
    return fake_record()


def contrast(at=0.03, half=0.01, p=0.001, holm=0.01, *, kind="online", name="gmv", policy=EG):
    ends = (None, None) if half is None else (at - half, at + half)
    relative = Interval(at, *ends)
    effect = Interval(at / 2, None, None) if kind == "online" else relative.over(2.0)
    return Contrast(policy, SFT, kind, name, effect, relative, p, holm)


def said(record, *rows):
    (found,) = comparisons(replace(record, contrasts=rows))
    return found.sentence


def headline(record, *rows):
    return controls_headline(replace(record, contrasts=rows))


def test_only_what_holds_after_the_correction_is_higher_or_lower(record):
    assert "online higher GMV per shopper +3.0" in said(record, contrast())
    assert "online lower GMV per shopper" in said(record, contrast(-0.03))
    assert "online perhaps chance: GMV per shopper" in said(record, contrast(holm=0.2))
    assert "online nothing can be told apart (GMV per shopper +3.0" in said(
        record, contrast(p=0.3, holm=1.0)
    )
    assert "online unknown, for there is no interval" in said(record, contrast(half=None, p=None))


def test_overlapping_intervals_beside_the_supervised_model_do_not_matter(record):
    alike = tuple(replace(row, relative=Interval(0.01, 0.0, 0.02)) for row in record.online)
    assert "online higher" in said(replace(record, online=alike), contrast())


def test_both_places_are_told_of_with_sizes_where_they_are_few(record):
    offline = [contrast(kind="offline", name=name) for name in ("clk@1", "clk@10", "exp@1")]
    told = said(record, contrast(p=0.5, holm=1.0), offline[0])
    assert told.startswith(f"{EG} beside {SFT} (the SFT control): online nothing can be told")
    assert "; offline higher clk@1 +3.0" in told
    assert "higher in 3 figures (clk@1, clk@10 and exp@1)" in said(record, *offline)


def test_an_offline_contrast_over_nothing_is_told_in_absolute_terms(record):
    row = replace(contrast(kind="offline", name="clk@1"), relative=UNKNOWN)
    assert "offline higher clk@1 +0.0150 [0.0100 to 0.0200]" in said(record, row)


def test_it_is_said_whether_the_controls_weight_matches(record):
    rows = {row.name: row for row in record.policies}
    eg, sft = rows[EG], rows[SFT]
    assert match_words(eg, sft) == "The control's weight matches (0.40)."
    assert match_words(eg, replace(sft, weight=0.1)) == (
        "The control's weight is 0.10; 0.40 would match."
    )
    assert "is not known" in match_words(replace(eg, matched=None), sft)
    other = match_words(replace(eg, experts="2 mixed by id"), sft)
    assert other == "Its experts are not the control's: 2 mixed by id, against 2 clicks by id."
    assert match_words(rows["tiers.grpo"], sft) is None
    assert match_words(eg, rows["tiers.grpo"]) is None
    assert said(record, contrast()).endswith("The control's weight matches (0.40).")


def test_the_headline_names_who_stands_above_and_below_the_sft_control(record):
    up, down = contrast(), contrast(-0.03, policy="oracle.eg_grpo")
    told = headline(record, up, down)
    assert told == (
        f"Beside the SFT control: online {EG} above it, oracle.eg_grpo below it; offline unknown."
    )
    both = headline(record, up, contrast(-0.03, name="ctr"))
    assert f"online {EG} above it in some figures and below it in others" in both
    assert "online nothing can be told from it" in headline(record, contrast(p=0.3, holm=1.0))
    assert "online unknown" in headline(record, contrast(half=None, p=None, holm=None))


def test_the_headline_names_policies_that_the_control_does_not_match(record):
    other = [
        replace(row, matched=0.47) if row.name == "oracle.eg_grpo" else row
        for row in record.policies
    ]
    changed = replace(record, policies=tuple(other))
    rows = (contrast(), contrast(policy="oracle.eg_grpo"))
    assert headline(changed, *rows).endswith("It does not push experts as oracle.eg_grpo does.")
    assert "does not push" not in headline(record, *rows)


def test_a_grid_without_an_sft_control_is_told_that_it_lacks_one(record):
    kept = tuple(row for row in record.policies if row.control != Control.SFT)
    assert "no SFT control" in controls_headline(replace(record, policies=kept))
    assert "but the SFT control itself" in headline(record)


def test_the_page_has_every_contrast_with_its_numbers(record):
    text = Page(render(record)).text
    for each in comparisons(record):
        assert each.sentence in text
    table = text[text.index("Policies beside their controls") :]
    assert all(row.against in table for row in record.contrasts)
    assert "Beside the controls" not in Page(render(replace(record, contrasts=()))).text
