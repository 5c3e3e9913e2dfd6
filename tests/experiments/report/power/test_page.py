"""The page of a plan: what is there is drawn, what is not has no section, nothing is markup."""

from dataclasses import replace

import pytest

from experiments.records.experiment.power import Size
from experiments.report.power.page import render
from tests.experiments.report.power.fake_power import CUPED, PLAIN, fake_power

SECTIONS = ("needs", "curve", "simulated", "growth", "tails", "method")


def test_everything_that_is_known_has_its_section():
    page = render(fake_power())
    for key in SECTIONS:
        assert f'id="{key}"' in page
    for told in ("&lt;demo&gt;", "Some &lt;warning&gt;.", "Some &lt;gap&gt;.", "4 days left"):
        assert told in page
    assert "<demo>" not in page
    assert "<new>" not in page


def test_days_of_the_log_are_solid_and_foretold_ones_dashed():
    page = render(fake_power())
    section = page[page.index('id="curve"') : page.index('id="simulated"')]
    assert section.count('class="series a0 dashed"') == section.count('class="series a0"') == 1
    assert section.count('class="series a1 dashed"') == section.count('class="series a1"') == 1
    assert section.count('class="series inked loose"') == 1  # the effect to be found
    assert "the effect to be found" in section
    assert "day 14, with CUPED: 6.3" in section


def test_without_an_effect_no_line_is_drawn_and_no_days_are_told():
    needs = tuple(
        replace(each, units=None, units_of_arms=(), days_needed=None, days_left=None, power=None)
        for each in (PLAIN, CUPED)
    )
    page = render(fake_power(effect=None, needs=needs, running=None))
    assert "the effect to be found" not in page
    assert "Days needed" not in page
    assert "Shoppers needed" not in page


def test_what_numbers_do_not_tell_has_no_section():
    record = fake_power(source="numbers", simulated=(), tails=None, law=None)
    page = render(record)
    for key in ("simulated", "growth", "tails"):
        assert f'id="{key}"' not in page
    one = replace(record.accrued[0], units=0.0)
    page = render(replace(record, accrued=(one,), curve=record.curve[:1], running=None))
    assert 'id="curve"' not in page
    assert "7,882 shoppers" in page


def test_an_axis_without_relative_numbers_is_in_the_metrics_unit():
    record = fake_power()
    absolute = tuple(
        replace(point, least=Size(point.least.absolute, None)) for point in record.curve
    )
    page = render(replace(record, curve=absolute, effect=Size(0.0128, None)))
    section = page[page.index('id="curve"') : page.index('id="simulated"')]
    assert "pp" in section


@pytest.mark.parametrize("days", [2, 40, 365])
def test_long_plans_have_no_more_points_than_can_be_read(days):
    record = fake_power()
    first = record.accrued[0]
    accrued = tuple(replace(first, day=day, found=day < 5) for day in range(1, days + 1))
    curve = tuple(replace(record.curve[0], day=day) for day in range(1, days + 1))
    page = render(replace(record, accrued=accrued, curve=curve, needs=(PLAIN,), days=1))
    section = page[page.index('id="curve"') : page.index('id="simulated"')]
    assert section.count("data-tip") <= 60
