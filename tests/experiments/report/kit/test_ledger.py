"""A ledger has a line for each metric, both intervals on one track, and both in words."""

import re

from experiments.records.interval import UNKNOWN, Interval
from experiments.report.kit.ledger import Line, ledger, spans
from experiments.report.kit.scales import Axis, shared, signed_percents

GMV = Line(
    *("GMV", "4 \u2192 5", Interval(0.1, -0.1, 0.3), Interval(0.05, 0.04, 0.06)),
    *("+10 %", "+5 %", "GMV: A/B test +10 %; truth +5 %", "a1"),
    primary=True,
)
ORDERS = Line(
    "Orders", "1 \u2192 1", Interval(0.0, -0.1, 0.1), UNKNOWN, "0 %", None, "Orders", "a1"
)
HEADS = ("What shoppers do", "control \u2192 treatment", "", "A/B test", "Truth")


def drawn(*lines: Line) -> str:
    axis = Axis(shared(spans(lines)), signed_percents, 6)
    return str(ledger(lines, axis, HEADS))


def test_each_metric_has_a_line_and_the_primary_one_is_marked() -> None:
    html = drawn(GMV, ORDERS)
    assert len(re.findall(r'class="post(?: primary)?"', html)) == 2
    assert html.count('class="post primary"') == 1
    assert html.index("GMV") < html.index("Orders")
    assert all(head in html for head in HEADS)


def test_both_intervals_stand_on_one_track_and_what_is_unknown_is_not_drawn() -> None:
    both, alone = drawn(GMV), drawn(ORDERS)
    assert both.count('class="span"') == 2
    assert both.count("mark-truth") == both.count("mark-plain") == 1
    assert alone.count('class="span"') == 1
    assert "mark-truth" not in alone


def test_zero_keeps_its_word_where_the_axis_is_short() -> None:
    html = drawn(GMV, ORDERS)
    labels = re.findall(
        r"<span style=[^>]*>([^<]*)</span>", html
    )  # without those that are left out
    assert any(label.strip("\u202f%") in ("0", "0\u202f") for label in labels)
