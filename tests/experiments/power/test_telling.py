from dataclasses import replace

import pytest

from experiments.power.telling import told_warnings
from experiments.records.experiment.power import ForetoldDay, TailsOfLog
from experiments.records.interval import Interval
from tests.experiments.report.power.fake_power import CUPED, LIFT, NOTHING, PLAIN, fake_power


def warned(**changes):
    return " ".join(told_warnings(fake_power(**changes)))


def test_a_plan_with_nothing_wrong_has_no_warning():
    assert warned(needs=(replace(PLAIN, days_needed=20), CUPED)) == ""


@pytest.mark.parametrize(("found", "told"), [(0.085, True), (0.066, False)])
def test_a_disagreement_is_told_where_chance_does_not_explain_it(found, told):
    """6.6 % of 1,000 tests is one in forty, of several in a plan; 8.5 % is no chance."""
    row = replace(NOTHING, found=Interval(found, found - 0.014, found + 0.016))
    said = warned(simulated=(row, LIFT), needs=(CUPED,))
    assert ("Simulated tests of nothing find something in 8.5%" in said) == told


def test_few_and_skewed_shoppers_are_told_of():
    few = TailsOfLog(5_804, 210, 38.0, 0.6, 22.0, 355 * 22.0**2)
    said = warned(tails=few, needs=(CUPED,))
    assert "as uncertain as 38 equal ones" in said
    assert "171,820 shoppers until the mean of an arm" in said
    assert "the skewness of their difference cancels" in said
    assert "too much or too little" in warned(tails=few, needs=(CUPED,), shares=(0.8, 0.2))


def test_a_law_that_was_far_off_and_days_far_beyond_are_told_of():
    law = replace(fake_power().law, foretold=(ForetoldDay("error", 0.008, 0.01, -0.2),))
    assert "an error that is 20% too small" in warned(law=law, needs=(CUPED,))
    assert "Day 34 lies more than twice as far as the 14 days" in warned()
    assert "Day 34" not in warned(law=None)
