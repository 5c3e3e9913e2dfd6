"""How the estimate settled, day by day."""

from functools import partial

from experiments.records.interval import UNKNOWN, Interval
from experiments.records.reading import rows_of
from experiments.records.run import Run
from experiments.report.kit.colours import arm_class, arm_name, legend, named
from experiments.report.kit.curves import Curve, chart, spanned
from experiments.report.kit.digits import beside
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, absent, figure, panels
from experiments.report.kit.scales import Axis, Scale, around_zero, day_marks, known
from experiments.report.kit.sentences import change, change_range, changes, meaning
from experiments.report.kit.tables import Table


def daily(run: Run) -> Content:
    """One small picture for each metric that was followed."""
    rows = run.metrics.daily
    if not rows:
        return (absent("The run holds no daily effects."),)
    names = dict.fromkeys(row.metric for row in rows)
    start = min(row.day for row in rows)
    pictures = panels(*((meaning(name).label, _panel(run, name, start)) for name in names))
    lead = (
        "Each point is the effect estimated from all days so far. The band is right for a test "
        "whose last day was fixed in advance. It is too narrow for one that stops as soon as the "
        "band leaves zero."
    )
    treatments = list(dict.fromkeys(row.contrast[1] for row in rows))
    keys = [arm_name(run.arms, arm) for arm in treatments] if len(treatments) > 1 else []
    if run.truths is not None:
        keys.append(named("mark-truth", "simulated truth over all days"))
    numbers = Table.of(
        "Cumulative effect by day",
        rows,
        ("Metric", lambda row: meaning(row.metric).label),
        ("Arm", lambda row: row.contrast[1]),
        ("Days", lambda row: row.day - start + 1),
        ("Effect so far", lambda row: change(row.metric, row.effect.estimate)),
        ("Interval", lambda row: change_range(row.metric, row.effect)),
        names=2,
    )
    described = "Line charts: cumulative effect by day with its interval, one for each metric"
    return lead, figure(tag("div", legend(*keys), pictures), numbers, described)


def _panel(run: Run, metric: str, start: int) -> Html:
    """The cumulative effect on one metric, one line for each contrast, and the truth at its end."""
    own = rows_of(run.metrics.daily, metric=metric)
    rows = [row for row in own if row.effect.estimate is not None]
    if not rows:
        return absent("No effect could be estimated on any day.")
    found = {
        row.contrast: run.truths.of(metric, row.contrast) if run.truths else None for row in rows
    }
    truths = {contrast: truth.effect if truth else UNKNOWN for contrast, truth in found.items()}
    spans = [*(row.effect for row in rows), *truths.values()]
    up = around_zero(known(end for span in spans for end in span.numbers))
    last = max(*(row.day for row in rows), start + 1)
    label = meaning(metric).label
    curves = [
        Curve(
            arm_class(run.arms, contrast[1]),
            [
                spanned(
                    row.day,
                    row.effect,
                    f"{label}, {contrast[1]}, {_until(row.day - start)}: "
                    f"{_sized(metric, row.effect)}",
                )
                for row in rows_of(rows, contrast=contrast)
            ],
            spread="band",
            end=truth,
            end_told=f"{label}, {contrast[1]}, truth over all days: {_sized(metric, truth)}",
        )
        for contrast, truth in truths.items()
    ]
    days = Axis(Scale(start, last), marks=day_marks(start, last - start + 1, 7))
    return chart(curves, days, Axis(up, partial(changes, metric), 4), kind="")


def _until(day: int) -> str:
    """The days from the first one to another, counted from 0."""
    return f"days 1 to {day + 1}" if day else "day 1"


def _sized(metric: str, effect: Interval) -> str:
    """An effect with its interval."""
    return beside(change(metric, effect.estimate), change_range(metric, effect))
