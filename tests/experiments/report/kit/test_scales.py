"""Axes hold what is drawn on them."""

import pytest
from hypothesis import given, strategies as st

from experiments.records.interval import UNKNOWN, Interval
from experiments.report.kit.scales import (
    Axis,
    LogScale,
    Scale,
    around,
    around_zero,
    growths,
    plain,
    rounded,
    shared,
)


@given(
    st.lists(st.floats(-1e9, 1e9).filter(lambda x: x == 0 or abs(x) > 1e-9), min_size=1, max_size=9)
)
def test_scale_holds_every_value_and_zero(values):
    scale = around_zero(values)
    assert all(Axis(scale).holds(value) and 0 <= scale.at(value) <= 100 for value in [0.0, *values])


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e6))
def test_ticks_are_few_ordered_and_on_the_axis(low, width):
    scale = Scale(low, low + width)
    ticks = scale.ticks(5)
    assert len(ticks) <= 6
    assert ticks == sorted(ticks)
    assert all(low - width / 1e6 <= tick <= low + width * (1 + 1e-6) for tick in ticks)


def test_a_wild_row_cannot_squash_the_others():
    rows = [[Interval(0.1, -0.1, 0.2)], [Interval(0.2, 0.1, 0.3)], [Interval(9.0, -90.0, 99.0)]]
    assert shared(rows).high < 2
    assert shared([[UNKNOWN]]).low < 0 < shared([]).high


@pytest.mark.parametrize(("low", "high"), [(1, 100), (1, 1), (30, 170), (0.5, 3000)])
def test_a_log_axis_keeps_its_values_and_ticks_inside(low, high):
    scale = LogScale(low, high)
    assert scale.at(low) == 0
    assert all(0 <= scale.at(value) <= 100 for value in (0.0, low, high, 2 * high))
    assert all(low * 0.99 <= tick <= high * 1.01 for tick in scale.ticks())


def test_an_axis_holds_its_values_even_if_they_are_all_the_same():
    for values in ([1.0, 1.0], [0.0], [], [None, 2.0, 3.0]):
        scale = around(values)
        assert scale.low < scale.high
        assert all(Axis(scale).holds(value) for value in values if value is not None)


changes = st.floats(-1, 50)


@given(st.lists(st.tuples(changes, st.floats(0, 90)), min_size=1, max_size=6))
def test_an_axis_of_relative_changes_never_goes_below_nothing(found):
    rows = [[Interval(middle, middle - half, middle + half)] for middle, half in found]
    axis = growths(rows)
    assert axis.scale.low >= -1
    assert axis.holds(0.0)
    assert all(value >= -1 for value, _ in axis.ticks)


def test_an_estimate_below_nothing_is_of_what_can_be_negative_and_stays_on_the_axis():
    assert growths([[Interval(-1.4, -2.0, 0.1)]]).holds(-1.4)


def test_an_axis_of_what_is_not_negative_begins_at_zero_at_the_least():
    assert around([0.0, 0.0]) == Scale(0.0, 1.0)
    assert around([0.01, 0.9]).low == 0.0
    assert around([0.2, 0.99], most=1.0).high == 1.0
    assert around([-0.1, 0.9]).low < -0.1


def test_an_axis_ends_at_a_round_value_and_not_beyond_what_can_be():
    assert rounded(Scale(0.0, 0.95), 1.0).high == 1.0
    assert rounded(Scale(0.0, 0.55), 1.0).high == pytest.approx(0.6)
    assert rounded(Scale(0.0, 0.98), 0.99).high == 0.99


def test_values_of_equal_steps_have_equal_decimals():
    assert plain([0.1, 0.12, 0.14]) == ["0.10", "0.12", "0.14"]
    assert plain([0.1425, 0.145, 0.1475]) == ["0.1425", "0.1450", "0.1475"]
    assert plain([1, 10, 100]) == ["1", "10", "100"]
