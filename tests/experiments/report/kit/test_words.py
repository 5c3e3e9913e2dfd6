"""Numbers as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.report.kit.figures import Scale, around_zero
from experiments.report.kit.words import (
    change,
    change_ticks,
    duration,
    interval_decimals,
    level,
    number,
    p_value,
    percent,
    plain_name,
    range_of,
)


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (number(1234567), "1,234,567"),
        (number(0.012345), "0.0123"),
        (number(-3.14159), "\u22123.14"),
        (number(None), "\u2013"),
        (number(0.0), "0"),
        (percent(0.0312, 1, sign=True), "+3.1\u202f%"),
        (percent(-0.00001, 1, sign=True), "0.0\u202f%"),
        (duration(0.0312), "31.2\u202fms"),
        (duration(2.5), "2.50\u202fs"),
        (duration(600), "10.0\u202fmin"),
        (p_value(4.6e-20), "<\u202f0.001"),
        (p_value(0.0496), "0.050"),
        (p_value(0.5), "0.50"),
        (level("uctcvr", 0.0564), "5.64\u202f%"),
        (level("a_users_own", 1234.5), "1,234"),
        (change("uctcvr", -0.00012), "\u22120.012\u202fpp"),
        (change("latency", 0.0057), "+5.70\u202fms"),
        (range_of(-0.012, 0.02, 1), "\u22121.2 to 2.0\u202f%"),
        (plain_name("out_of_patience"), "Out of patience"),
    ],
)
def test_numbers_read_well(shown, wanted):
    assert shown == wanted


@pytest.mark.parametrize(
    ("low", "high", "decimals"),
    [(0.004, 0.058, 1), (-0.001, 0.001, 2), (-0.3, 0.3, 0), (0.0, 0.0, 1), (None, 0.1, 1)],
)
def test_decimals_follow_the_width_of_the_interval(low, high, decimals):
    assert interval_decimals(low, high) == decimals


def test_ticks_have_the_decimals_of_their_step():
    assert change_ticks("orders", [-0.0025, 0.0, 0.0025]) == ["\u22120.0025", "0", "+0.0025"]
    assert change_ticks("ctr", [0.0, 0.001]) == ["0", "+0.1\u202fpp"]


@given(
    st.lists(st.floats(-1e9, 1e9).filter(lambda x: x == 0 or abs(x) > 1e-9), min_size=1, max_size=9)
)
def test_scale_holds_every_value_and_zero(values):
    scale = around_zero(values)
    assert all(scale.holds(value) and 0 <= scale.at(value) <= 100 for value in [0.0, *values])


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e6))
def test_ticks_are_few_ordered_and_on_the_axis(low, width):
    scale = Scale(low, low + width)
    ticks = scale.ticks(5)
    assert len(ticks) <= 6
    assert ticks == sorted(ticks)
    assert all(low - width / 1e6 <= tick <= low + width * (1 + 1e-6) for tick in ticks)
