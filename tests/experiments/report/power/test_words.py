"""The answer, in a sentence."""

from dataclasses import replace

import pytest

from experiments.records.experiment.power import Size
from experiments.report.kit.digits import THIN
from experiments.report.power.words import headline
from tests.experiments.report.power.fake_power import CUPED, PLAIN, fake_power


def said(**changes):
    badge, sentence, tone = headline(fake_power(**changes))
    return badge, sentence.replace(THIN, " "), tone


def test_a_test_under_way_is_told_what_is_left():
    badge, sentence, tone = said()
    assert badge == "4 days left"
    assert sentence == (
        "To find a change of 5.0 % in clicks per exposure with a power of 80 %, a test of "
        "14 days needs 7,882 shoppers without adjustment and 6,634 shoppers with CUPED. It has run "
        "for 14 days; 20 days without adjustment and 4 days with CUPED are left."
    )
    assert tone == "plain"


def test_a_test_that_is_long_enough_is_told_so():
    badge, _, tone = said(needs=(replace(PLAIN, days_left=0), replace(CUPED, days_left=0)))
    assert (badge, tone) == ("Long enough", "good")


def test_a_new_test_is_told_how_long_it_takes():
    badge, sentence, _ = said(running=None)
    assert badge == "18 days"
    assert sentence.endswith("That takes 34 days without adjustment and 18 days with CUPED.")


def test_what_is_never_found_is_told_with_what_is():
    late = tuple(replace(each, days_needed=None, days_left=None) for each in (PLAIN, CUPED))
    badge, sentence, tone = said(needs=late)
    assert (badge, tone) == ("Too long", "alarm")
    assert "That is not reached within 365 days: by then there are" in sentence
    assert "After 14 days the least effect that is found is 5.3 % with CUPED." in sentence
    badge, sentence, _ = said(needs=(late[0], CUPED))
    assert badge == "4 days left"
    assert "4 days with CUPED are left. That is not reached within 365 days without" in sentence


def test_without_an_effect_the_least_one_is_told():
    badge, sentence, _ = said(effect=None)
    assert badge == "From 5.3\u202f% on"
    assert "if it is at least 5.8 % without adjustment and 5.3 % with CUPED." in sentence
    _, sentence, _ = said(effect=None, needs=(PLAIN,))
    assert sentence.endswith("with a power of 80 % if it is at least 5.8 %.")


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        ("orders", "orders per shopper falls by less"),
        ("latency", "page latency rises by less"),
    ],
)
def test_non_inferiority_is_told_on_the_bad_side(metric, told):
    _, sentence, _ = said(metric=metric, margin=Size(0.0005, 0.02), effect=None)
    assert told in sentence


def test_without_a_relative_size_the_metrics_unit_is_told():
    _, sentence, _ = said(effect=Size(0.0128, None))
    assert "a change of 1.28 pp in clicks per exposure" in sentence
