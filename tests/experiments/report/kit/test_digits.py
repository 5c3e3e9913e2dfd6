"""Numbers as people read them."""

import pytest
from hypothesis import given, strategies as st

from experiments.records.interval import Interval
from experiments.report.kit.digits import (
    duration,
    interval_decimals,
    number,
    p_value,
    percent,
    range_of,
    share_words,
)
from experiments.report.kit.sentences import change, changes, counted, level, listed, plain_name


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
        (range_of(Interval(0.0, -0.012, 0.02), 1), "\u22121.2 to 2.0\u202f%"),
        (plain_name("out_of_patience"), "Out of patience"),
        (counted(1, "policy", "policies"), "1 policy"),
        (counted(2_000, "world"), "2,000 worlds"),
        (listed([]), ""),
        (listed(["a"]), "a"),
        (listed(["a", "b", "c"]), "a, b and c"),
    ],
)
def test_numbers_read_well(shown, wanted):
    assert shown == wanted


@pytest.mark.parametrize(
    ("low", "high", "decimals"),
    [(0.004, 0.058, 1), (-0.001, 0.001, 2), (-0.3, 0.3, 0), (0.0, 0.0, 1), (None, 0.1, 1)],
)
def test_decimals_follow_the_width_of_the_interval(low, high, decimals):
    assert interval_decimals(Interval(0.0, low, high)) == decimals


def test_ticks_have_the_decimals_of_their_step():
    assert changes("orders", [-0.0025, 0.0, 0.0025]) == ["\u22120.0025", "0", "+0.0025"]
    assert changes("ctr", [0.0, 0.001]) == ["0", "+0.1\u202fpp"]


@given(st.floats(0.0001, 0.09), st.floats(0.0001, 0.09))
def test_an_end_beyond_zero_never_reads_as_zero(low, width):
    _, interval = share_words(Interval(low + width / 2, low, low + width))
    assert float(interval.split(" to ")[0]) > 0
