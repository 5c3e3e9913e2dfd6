"""The parts of a scorecard that tell of time: looks at the running experiment, and trends."""

from collections.abc import Callable, Sequence
from functools import partial

from experiments.records.experiment.scorecard import (
    CardMetric,
    CardNovelty,
    CardSeries,
    Scorecard,
)
from experiments.records.experiment.sequential import Decision, SequentialLook
from experiments.records.interval import Interval
from experiments.report.kit.curves import Curve, Point, chart, spanned
from experiments.report.kit.digits import ABSENT, fixed, number, p_value, percent
from experiments.report.kit.markup import Html
from experiments.report.kit.page import Content, figure, note, panels
from experiments.report.kit.scales import Axis, Scale, around_zero, known, signed
from experiments.report.kit.tables import Table
from experiments.report.scorecard.words import change

_MARKS = 7  # days told along an axis, at most
_RULES = (
    ("Ordinary test at every look", lambda look: look.by_fixed),
    ("Group-sequential test", lambda look: look.by_group),
    ("Confidence sequence", lambda look: look.by_sequence),
)


def course(card: Scorecard) -> Content:
    """What looks showed, and what each rule had decided when."""
    series = [each for each in card.looks if each.looks]
    if not series:
        return None
    lead = (
        "The effect of all units that had come by then, with all they had done. The band is the "
        "confidence sequence: it holds at all looks at once, so it may be read at any. The bars "
        "are ordinary intervals: right only at one look that was chosen in advance."
    )
    primary = [each for each in series if card.metric(each.metric).role == "primary"]
    pictures = panels(*((_title(card, each), _looks(card, each)) for each in primary))
    described = "Line charts: effect so far at each look, by two rules"
    rows = [(each, look) for each in series for look in each.looks]
    numbers = Table.of(
        "Looks",
        rows,
        ("Metric", lambda row: row[0].metric),
        ("Treatment", lambda row: row[0].contrast[1]),
        ("Days", lambda row: fixed(row[1].time, 0)),
        ("Units", lambda row: number(row[1].n_control + row[1].n_treatment)),
        ("Of the plan", lambda row: percent(row[1].fraction, 0)),
        ("Ordinary", lambda row: change(card.metric(row[0].metric), row[1].effect)),
        ("Group-sequential", lambda row: change(card.metric(row[0].metric), row[1].group)),
        ("Sequence", lambda row: change(card.metric(row[0].metric), row[1].sequence)),
        ("p, any look", lambda row: p_value(row[1].p_sequence)),
        names=2,
    )
    decided = Table.of(
        "When each rule decides",
        series,
        ("Metric", lambda row: row.metric),
        ("Treatment", lambda row: row.contrast[1]),
        *((name, partial(_decided, rule=rule)) for name, rule in _RULES),
        names=2,
    )
    said = (
        "Stopping at the first look at which the ordinary test decides is wrong several times as "
        "often as it says."
    )
    if not all(each.stated for each in series):
        said += (
            " No plan was stated before the first look, so the experiment counts as planned to end "
            "as it did: the group-sequential test would have needed one."
        )
    return lead, figure(pictures, numbers, described), decided, note(said)


def _title(card: Scorecard, series: CardSeries) -> str:
    return f"{series.metric}, {series.contrast[1]} against {series.contrast[0]}"


def _looks(card: Scorecard, series: CardSeries) -> Html:
    """One metric of one treatment."""
    metric = card.metric(series.metric)
    ordinary = [(look.time, look.effect) for look in series.looks]
    always = [(look.time, look.sequence) for look in series.looks]
    late = [*ordinary, *always[len(always) // 3 :]]  # early sequences are too wide to see the rest
    up = around_zero(known(end for _, span in late for end in span.numbers))
    across = _days([time for time, _ in ordinary], 0.0, "days since the first exposure")
    points = [
        spanned(look.time, look.effect, _both(metric, look.time, look.effect, look.sequence))
        for look in series.looks
    ]
    curves = [
        Curve("a1", _points(metric, always, "confidence sequence"), spread="band", marked=False),
        Curve("a2", points, spread="bars"),
    ]
    return chart(curves, across, Axis(up, signed, 4), kind="")


def _days(times: Sequence[float], first: float, name: str) -> Axis:
    """An axis of whole days, not all of them told where they are many."""
    every = -(-len(times) // _MARKS)
    marks = [(at, fixed(at, 0)) for at in times[::-every]]
    return Axis(Scale(first, times[-1]), name=name, marks=marks)


def _points(metric: CardMetric, spans: Sequence[tuple[float, Interval]], rule: str) -> list[Point]:
    return [
        spanned(time, span, f"day {time:g}, {rule}: {change(metric, span)}") for time, span in spans
    ]


def _both(metric: CardMetric, time: float, ordinary: Interval, always: Interval) -> str:
    """One look by both intervals."""
    both = f"{change(metric, ordinary)}; by the confidence sequence {change(metric, always)}"
    return f"day {time:g}: {both}"


def _decided(series: CardSeries, rule: Callable[[SequentialLook], Decision]) -> str:
    """What a rule decides first, and when."""
    for look in series.looks:
        if rule(look) != "untold":
            return f"{rule(look)}, after day {look.time:g}"
    return "nothing"


def trends(card: Scorecard) -> Content:
    """Effects by days since first exposure."""
    if not card.trends:
        return None
    lead = (
        "The effect by days since a unit first met the change, of the units that can be followed "
        "for all of these days. What is new draws attention that wears off; what must be learned "
        "grows. Then the effect of the whole experiment is not the one that lasts."
    )
    drawn = [each for each in card.trends if card.metric(each.metric).role == "primary"]
    pictures = panels(*((_trend_title(each), _trend(card, each)) for each in drawn))
    table = Table.of(
        "Does the effect last?",
        card.trends,
        ("Metric", lambda row: row.metric),
        ("Treatment", lambda row: row.contrast[1]),
        ("Units followed", lambda row: number(row.n_control + row.n_treatment)),
        ("First and last day", lambda row: _ends(card, row)),
        ("Change a day", lambda row: row.note or change(card.metric(row.metric), row.slope)),
        ("p of an effect that stays", lambda row: p_value(row.p_value)),
        names=2,
    )
    numbers = Table.of(
        "Effects by day",
        [(each, day) for each in card.trends for day in range(len(each.effects))],
        ("Metric", lambda row: row[0].metric),
        ("Treatment", lambda row: row[0].contrast[1]),
        ("Day", lambda row: fixed(row[1] + 1, 0)),
        ("Effect", lambda row: change(card.metric(row[0].metric), row[0].effects[row[1]])),
        names=2,
    )
    described = "Line chart: effect by days since first exposure"
    return lead, figure(pictures, numbers, described), table


def _trend_title(trend: CardNovelty) -> str:
    return f"{trend.metric}, {trend.contrast[1]} against {trend.contrast[0]}"


def _trend(card: Scorecard, trend: CardNovelty) -> Html:
    metric = card.metric(trend.metric)
    days = [(float(at), span) for at, span in enumerate(trend.effects, 1)]
    up = around_zero(known(end for _, span in days for end in span.numbers))
    across = _days([day for day, _ in days], 1.0, "days since a unit's first exposure")
    curve = Curve("a1", _points(metric, days, "effect"), spread="bars")
    return chart([curve], across, Axis(up, signed, 4), kind="")


def _ends(card: Scorecard, trend: CardNovelty) -> str:
    """Its sizes on the first day and on the last."""
    if not trend.effects:
        return ABSENT
    sizes = (Interval(trend.effects[at].estimate, None, None) for at in (0, -1))
    return ", ".join(change(card.metric(trend.metric), size) for size in sizes)


def interactions(card: Scorecard) -> Content:
    """Whether experiments that ran at once change each other's effects."""
    if not card.interactions:
        return None
    lead = (
        "The effect among units in either arm of another experiment. Where it is the same, the "
        "two can be read, and launched, apart."
    )
    table = Table.of(
        "Effects beside other experiments",
        card.interactions,
        ("Metric", lambda row: row.metric),
        ("Treatment", lambda row: row.contrast[1]),
        ("Beside", lambda row: f"{row.beside}: {row.on} against {row.off}"),
        ("Where off", lambda row: change(card.metric(row.metric), row.alone)),
        ("Where on", lambda row: change(card.metric(row.metric), row.together)),
        ("Difference", lambda row: row.note or change(card.metric(row.metric), row.interaction)),
        ("p of none", lambda row: p_value(row.p_value)),
        names=3,
    )
    return lead, table


def lasting(card: Scorecard) -> Content:
    """What is left of the experiment's effects after the launch."""
    if not card.lasting:
        return None
    lead = (
        "The effect among units held out of the launched change against those who have it, beside "
        "that of the experiment before. What wears off, or grows, was not in the experiment."
    )
    table = Table.of(
        "Effects since the launch",
        card.lasting,
        ("Metric", lambda row: row.metric),
        ("Launched", lambda row: row.contrast[1]),
        ("In the experiment", lambda row: change(card.metric(row.metric), row.tested)),
        ("Since", lambda row: change(card.metric(row.metric), row.lasting)),
        ("Change", lambda row: row.note or change(card.metric(row.metric), row.change)),
        ("p of an effect that stayed", lambda row: p_value(row.p_value)),
        names=2,
    )
    return lead, table
