"""How the estimate settled, day by day."""

from collections.abc import Sequence

from experiments.records.metrics import Contrast, Daily
from experiments.records.run import Run
from experiments.report.kit.figures import (
    Scale,
    arm_class,
    arm_name,
    around_zero,
    panels,
    place,
)
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.tables import absent, figure, section, table
from experiments.report.kit.words import change, change_ticks, meaning

TITLE = "Effect as the days add up"


def daily(run: Run) -> Html:
    """The section with one small picture for each metric that was followed."""
    rows = run.metrics.daily
    if not rows:
        return section("daily", TITLE, None, absent("The run holds no daily effects."))
    names = list(dict.fromkeys(row.metric for row in rows))
    start = min(row.day for row in rows)
    pictures = panels(*((meaning(name).label, panel(run, name, start)) for name in names))
    lead = (
        "Each point is the effect estimated from all days so far. The band is an interval for a "
        "test that ends on that day, decided beforehand: it does not allow for stopping as soon "
        "as it leaves zero."
    )
    picture = tag("div", legend(run), pictures)
    described = "Line charts: cumulative effect by day with its interval, one for each metric"
    return section("daily", TITLE, lead, figure("", picture, daily_table(rows, start), described))


def legend(run: Run) -> Html:
    """The treatments' colours where there are several, and the mark of the truth."""
    treatments = list(dict.fromkeys(row.contrast[1] for row in run.metrics.daily))
    names = [arm_name(run.arms, arm) for arm in treatments] if len(treatments) > 1 else []
    if run.truths is not None:
        mark = tag("i", cls="mark-truth")
        names.append(tag("span", mark, "simulated truth over all days", cls="named"))
    return tag("div", *names, cls="legend", aria_hidden="true")


def panel(run: Run, metric: str, start: int) -> Html:
    """The cumulative effect on one metric, one line for each contrast."""
    own = [row for row in run.metrics.daily if row.metric == metric]
    rows = [row for row in own if row.effect.estimate is not None]
    contrasts = list(dict.fromkeys(row.contrast for row in rows))
    truths = {contrast: truth_of(run, metric, contrast) for contrast in contrasts}
    ends = [end for row in rows for end in (row.effect.estimate, row.effect.low, row.effect.high)]
    ends += [end for truth in truths.values() for end in truth]
    if not rows:
        return absent("No effect could be estimated on any day.")
    scale = around_zero([end for end in ends if end is not None])
    last = max(max(row.day for row in rows), start + 1)
    days = Scale(start, last)
    drawn = [
        line([row for row in rows if row.contrast == contrast], truths[contrast], days, scale, run)
        for contrast in contrasts
    ]
    return tag("div", *grid(metric, scale), *drawn, *day_labels(days), cls="chart")


def truth_of(run: Run, metric: str, contrast: Contrast) -> tuple[float | None, ...]:
    """The truth over all days and its interval; empty where there is none."""
    truth = run.truths.of(metric, contrast) if run.truths else None
    if truth is None or truth.effect.estimate is None:
        return ()
    return truth.effect.estimate, truth.effect.low, truth.effect.high


def grid(metric: str, scale: Scale) -> list[Html]:
    """Horizontal lines with their values."""
    values = scale.ticks(4)
    return [
        tag(
            "i",
            tag("span", shown),
            cls="rule zero" if value == 0 else "rule",
            style=place(bottom=scale.at(value)),
        )
        for value, shown in zip(values, change_ticks(metric, values), strict=True)
    ]


def day_labels(days: Scale) -> list[Html]:
    """Numbers of the days, counted from the experiment's first; not all where they are many."""
    count = int(days.high - days.low) + 1
    every = max(1, -(-count // 7))
    return [
        tag(
            "span",
            f"day {at + 1}" if at == 0 else str(at + 1),
            cls="day",
            style=place(left=days.at(days.low + at)),
        )
        for at in range(0, count, every)
    ]


def line(
    rows: Sequence[Daily], truth: tuple[float | None, ...], days: Scale, scale: Scale, run: Run
) -> Html:
    """One contrast: band, line, points with their numbers, and the truth at the end."""
    colour = arm_class(run.arms, rows[0].contrast[1])
    middle = [(days.at(row.day), 100 - scale.at(row.effect.estimate or 0.0)) for row in rows]
    banded = [row for row in rows if row.effect.low is not None and row.effect.high is not None]
    upper = [(days.at(row.day), 100 - scale.at(row.effect.high or 0.0)) for row in banded]
    lower = [(days.at(row.day), 100 - scale.at(row.effect.low or 0.0)) for row in banded]
    shapes = [tag("path", d=outline(upper + lower[::-1]) + "Z", cls="band")] if banded else []
    shapes.append(tag("path", d=outline(middle), cls="curve"))
    picture = tag(
        "svg",
        join(shapes),
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
    points = [point(row, days, scale) for row in rows]
    return tag("div", picture, *points, truth_mark(truth, scale), cls=f"series {colour}")


def outline(points: Sequence[tuple[float, float]]) -> str:
    """Points as the path of a polyline."""
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)


def point(row: Daily, days: Scale, scale: Scale) -> Html:
    """A day's estimate; its numbers show when it is pointed at."""
    low, high = change(row.metric, row.effect.low), change(row.metric, row.effect.high)
    told = f"{change(row.metric, row.effect.estimate)} ({low} to {high})"
    left = days.at(row.day)
    turned = " turned" if left > 60 else ""
    where = place(left=left, bottom=scale.at(row.effect.estimate or 0.0))
    return tag("i", cls=f"point{turned}", style=where, data_tip=told)


def truth_mark(truth: tuple[float | None, ...], scale: Scale) -> Html | None:
    """The truth over all days with its interval, beyond the right end."""
    if not truth or truth[0] is None:
        return None
    _, low, high = truth
    parts = [tag("i", cls="mark-truth", style=place(bottom=scale.at(truth[0])))]
    if low is not None and high is not None:
        bottom = scale.at(low)
        reach = place(bottom=bottom, height=scale.at(high) - bottom)
        parts.insert(0, tag("i", cls="reach", style=reach))
    return tag("div", *parts, cls="true-end")


def daily_table(rows: Sequence[Daily], start: int) -> Html:
    """Every day of every metric and contrast."""
    cells = [
        [
            meaning(row.metric).label,
            row.contrast[1],
            row.day - start + 1,
            change(row.metric, row.effect.estimate),
            f"{change(row.metric, row.effect.low)} to {change(row.metric, row.effect.high)}",
        ]
        for row in rows
    ]
    head = ["Metric", "Arm", "Days", "Effect so far", "Interval"]
    return table("Cumulative effect by day", head, cells, names=2)
