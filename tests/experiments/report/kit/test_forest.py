"""Forest plots keep to their tracks, and tell what cannot be drawn."""

import re
from dataclasses import replace

from hypothesis import given, strategies as st

from experiments.records.interval import UNKNOWN, Interval
from experiments.report.kit.forest import Lane, Row, forest
from experiments.report.kit.markup import Html
from experiments.report.kit.scales import Axis, Scale, bounded

shares = st.floats(-3, 3, allow_nan=False)


@given(st.lists(st.tuples(shares, st.none() | st.tuples(shares, shares)), max_size=6))
def test_lanes_never_leave_their_track(found):
    lanes = []
    for middle, ends in found:
        low, high = sorted(ends) if ends else (None, None)
        lanes.append(Lane(Interval(middle, low, high), ""))
    axis = Axis(bounded([[lane.span for lane in lanes]], -0.25, 1.25))
    for left, width in re.findall(
        r"left:([-\d.]+)%;width:([-\d.]+)%", forest([Row("x", lanes)], axis)
    ):
        assert float(left) >= 0
        assert float(left) + float(width) <= 100.01


def test_what_goes_beyond_the_axis_is_cut_by_an_arrow():
    lane = Lane(Interval(5.0, -9.0, 0.5), "5")
    drawn = forest([Row("x", [lane])], Axis(Scale(-1, 1)))
    assert 'class="span cut-low"' in drawn
    assert "mark-plain" not in drawn
    assert 'class="beyond cut-high" style="left:100.000%"' in drawn  # the estimate itself


def test_a_number_without_an_interval_beyond_the_axis_is_an_arrow_and_not_lost():
    lane = Lane(Interval(-7.0, None, None), "-7", diamond=(3.0, "promised: 3"))
    drawn = forest([Row("x", [lane])], Axis(Scale(-1, 1)))
    assert 'class="beyond cut-low"' in drawn
    assert 'class="beyond cut-high" style="left:100.000%" title="promised: 3"' in drawn


def test_a_whisker_that_goes_beyond_the_axis_is_cut_by_an_arrow_too():
    lane = Lane(Interval(None, -16.0, 15.0), "-0.5", bar=(0.0, -0.5))
    assert 'class="whisker cut-low cut-high"' in forest([Row("x", [lane])], Axis(Scale(-5, 5)))


def test_a_lane_tells_name_number_and_interval_where_it_is_pointed_at():
    lane = Lane(Interval(0.1, 0.0, 0.2), "+10 %", "0 to 20 %", name="beam 1")
    small = Html("GMV <small>less is better</small>")
    assert 'title="GMV, beam 1: +10 % (0 to 20 %)"' in forest(
        [Row(small, [lane])], Axis(Scale(0, 1))
    )
    told = replace(lane, told="ten per cent", name="")
    row = Row(small, [told], called="Money")
    assert 'title="Money: ten per cent"' in forest([row], Axis(Scale(0, 1)))


def test_what_is_not_known_has_words_and_no_mark():
    drawn = forest([Row("a", [Lane(UNKNOWN, "unknown")]), Row("b", [])], Axis(Scale(-1, 1)))
    assert "unknown" in drawn
    assert "could not be estimated" in drawn
    assert "mark-plain" not in drawn


def test_a_bar_has_a_whisker_in_place_of_a_mark():
    lane = Lane(Interval(None, 0.1, 0.3), "0.2", bar=(0.5, 0.0))
    drawn = forest([Row("x", [lane])], Axis(Scale(0, 1)))
    assert 'class="bar" style="left:0.000%;width:50.000%"' in drawn
    assert 'class="whisker" style="left:10.000%;width:20.000%"' in drawn
    assert "mark-plain" not in drawn
