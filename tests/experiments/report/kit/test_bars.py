"""Bars tell their numbers, and what their scale cannot hold."""

from experiments.records.interval import Interval
from experiments.report.kit.bars import Bar, bar, grouped_bars


def test_an_interval_beyond_the_whole_is_cut_by_an_arrow() -> None:
    drawn = grouped_bars([("x", [Bar(Interval(0.9, -0.1, 1.2), "90 %")])], whole=1.0)
    assert 'class="whisker cut-low cut-high"' in drawn
    inside = grouped_bars([("x", [Bar(Interval(0.9, 0.8, 1.0), "90 %")])], whole=1.0)
    assert 'class="whisker"' in inside


def test_a_bar_tells_of_what_it_is_where_it_is_pointed_at() -> None:
    bars = [
        bar(0.5, "50 ms", "a0", "control 50 ms"),
        Bar(Interval(0.7, None, None), "70 %", name="new"),
    ]
    drawn = grouped_bars([("Median", bars)])
    assert 'title="Median: control 50 ms"' in drawn
    assert 'title="Median: new 70 %"' in drawn
