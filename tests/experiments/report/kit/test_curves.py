"""Charts claim no more than what is known, and tell what they cannot show."""

import re

from experiments.records.interval import UNKNOWN, Interval
from experiments.report.kit.curves import Curve, Point, Spot, chart, plane, spanned
from experiments.report.kit.scales import Axis, Scale

KNOWN, ALONE = Interval(0.5, 0.4, 0.6), Interval(0.5, None, None)
ACROSS, UP = Axis(Scale(0.0, 4.0)), Axis(Scale(0.0, 1.0))


def banded(*values: Interval, up: Axis = UP) -> str:
    points = [spanned(at, value, f"day {at}: 0.5") for at, value in enumerate(values)]
    return str(chart([Curve("a1", points, spread="band")], ACROSS, up))


def test_no_band_reaches_over_a_point_without_an_interval() -> None:
    drawn = banded(KNOWN, KNOWN, ALONE, KNOWN, KNOWN)
    bands = re.findall(r'<path d="M([^"]*)Z" class="band"', drawn)
    assert [
        sorted({float(x) for x in re.findall(r"(?:^|L)([\d.]+) ", band)}) for band in bands
    ] == [
        [0.0, 25.0],
        [75.0, 100.0],
    ]


def test_an_interval_between_points_without_one_is_a_bar() -> None:
    drawn = banded(ALONE, KNOWN, ALONE)
    assert 'class="band"' not in drawn
    assert drawn.count('class="upright-bar"') == 1
    assert 'class="band"' not in banded(ALONE, ALONE)
    assert "upright-bar" not in banded(ALONE, ALONE)


def test_what_goes_beyond_the_axis_has_an_arrow_whatever_its_form() -> None:
    wild = Interval(0.5, -0.5, 1.5)
    assert banded(KNOWN, wild, KNOWN).count("cut-low") == 1
    assert banded(KNOWN, wild, KNOWN).count("cut-high") == 1
    bars = chart([Curve("a1", [spanned(1, wild, "1")], spread="bars")], ACROSS, UP)
    assert 'class="upright-bar cut-low cut-high"' in bars
    far = chart([Curve("a1", [Point(1, 7.0, "7")])], ACROSS, UP)
    assert 'class="upright-bar cut-high"' in far
    cross = plane([Spot("x", "1", "c0", Interval(1.0, -1.0, 2.0), wild, "x")], ACROSS, UP)
    assert 'class="arm level cut-low"' in cross
    assert 'class="arm upright cut-low cut-high"' in cross


def test_nothing_is_cut_where_the_axis_holds_everything() -> None:
    assert "cut-" not in banded(KNOWN, KNOWN, ALONE, KNOWN)


def test_a_point_and_a_whole_curve_tell_their_values() -> None:
    curve = Curve("a0", [Point(0, 0.2), Point(4, 0.3)], marked=False, told="0.2 to 0.3")
    assert "<title>0.2 to 0.3</title>" in chart([curve], ACROSS, UP)
    assert 'title="day 0: 0.5"' in banded(KNOWN)
    ended = Curve("a1", [Point(0, 0.2, "0.2")], end=KNOWN, end_told="truth 0.5")
    assert 'class="true-end" title="truth 0.5"' in chart([ended], ACROSS, UP)
    assert "true-end" not in chart([Curve("a1", [], end=UNKNOWN)], ACROSS, UP)
