"""What went through the funnels, how long pages took, and why sessions ended."""

from collections.abc import Sequence

from experiments.records.metrics import FunnelCount
from experiments.records.run import Run
from experiments.report.kit.bars import Bar, bar, grouped_bars
from experiments.report.kit.colours import arm_class, arm_legend, swatch
from experiments.report.kit.digits import duration, number, percent
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import absent, figure, panels, section
from experiments.report.kit.sentences import plain_name
from experiments.report.kit.tables import Table

RECALLED = "recalled:"
SHOPPER_STAGES = ("clicked", "carted", "purchased")
PERCENTILES = (
    ("Mean", "mean"),
    ("Median", "p50"),
    ("90th percentile", "p90"),
    ("99th percentile", "p99"),
    ("Slowest", "max"),
)


def funnel_counts(run: Run) -> Html:
    """The section with the counts of every stage of the arms' funnels."""
    title = "Through the funnel"
    rows = run.metrics.funnel
    if not rows:
        return section("funnel", title, None, absent("The run holds no funnel counts."))
    recalled = [f"{RECALLED}{name}" for name in run.channels]
    counted = {row.stage for row in rows}
    stages = [stage for stage in recalled if stage in counted]
    stages += [stage for stage in dict.fromkeys(row.stage for row in rows) if stage not in stages]
    acts = [stage for stage in stages if stage in SHOPPER_STAGES]
    items = [stage for stage in stages if stage not in {*SHOPPER_STAGES, "requests"}]
    picture = tag(
        "div",
        arm_legend(run.arms),
        panels(
            ("Items per request", stage_bars(run, items, 1)),
            ("Shoppers' acts per 100 requests", stage_bars(run, acts, 100)),
        ),
    )
    described = "Bar charts: items that pass each stage per request, and what shoppers do with them"
    return section(
        "funnel",
        title,
        "From what the channels found to what shoppers bought, per request served. A channel's "
        "count is of the merged items that it found, estimated from sampled requests.",
        figure(picture, funnel_table(run, rows), described),
    )


def stage_label(run: Run, stage: str) -> object:
    """A stage's name; a channel's behind its colour."""
    if stage.startswith(RECALLED):
        return swatch(run.channels, stage.removeprefix(RECALLED))
    return plain_name(stage)


def stage_bars(run: Run, stages: Sequence[str], times: int) -> Html:
    """Counts per request (times so many) of some stages, one bar for each arm."""
    found = {(row.stage, row.arm): row.per_request for row in run.metrics.funnel}
    groups: list[tuple[object, list[Bar]]] = []
    for stage in stages:
        bars = []
        for arm in run.arms:
            rate = found.get((stage, arm))
            value = None if rate is None else rate * times
            bars.append(bar(value, number(value), arm_class(run.arms, arm)))
        groups.append((stage_label(run, stage), bars))
    return grouped_bars(groups)


def funnel_table(run: Run, rows: Sequence[FunnelCount]) -> Table:
    """All counts."""
    cells = [
        [stage_label(run, row.stage), row.arm, number(row.count), number(row.per_request, 4)]
        for row in rows
    ]
    return Table("Counts by stage", ["Stage", "Arm", "Count", "Per request"], cells, names=2)


def latency(run: Run) -> Html:
    """The section with the page latency of each arm."""
    title = "Latency"
    rows = run.metrics.latency
    if not rows:
        return section("latency", title, None, absent("The run holds no latencies."))
    groups: list[tuple[object, list[Bar]]] = [
        (label, [latency_bar(run, row.arm, getattr(row, key)) for row in rows])
        for label, key in PERCENTILES
    ]
    cells = [[row.arm, *(duration(getattr(row, key)) for _, key in PERCENTILES)] for row in rows]
    head = ["Arm", *(label for label, _ in PERCENTILES)]
    return section(
        "latency",
        title,
        "Simulated time from request to page. Slow pages make shoppers leave.",
        figure(
            tag("div", arm_legend(run.arms), grouped_bars(groups)),
            Table("Page latency", head, cells),
            "Bar chart: mean and percentiles of page latency by arm",
        ),
    )


def latency_bar(run: Run, arm: str, seconds: float | None) -> Bar:
    """One arm's bar."""
    return bar(seconds, duration(seconds), arm_class(run.arms, arm))


def end_reasons(run: Run) -> Html:
    """The section with why sessions ended."""
    title = "Why sessions ended"
    rows = run.metrics.end_reasons
    if not rows:
        return section("ends", title, None, absent("The run holds no end reasons."))
    found = {(row.reason, row.arm): row for row in rows}
    totals: dict[str, int] = {}
    for row in rows:
        totals[row.reason] = totals.get(row.reason, 0) + row.sessions
    groups: list[tuple[object, list[Bar]]] = []
    cells = []
    for reason in sorted(totals, key=lambda reason: -totals[reason]):
        entries = [(arm, found.get((reason, arm))) for arm in run.arms]
        shares = [(arm, row.share if row else 0.0) for arm, row in entries]
        groups.append(
            (
                plain_name(reason),
                [bar(share, percent(share), arm_class(run.arms, arm)) for arm, share in shares],
            )
        )
        counts = [number(row.sessions if row else 0) for _, row in entries]
        cells.append([plain_name(reason), *counts, *(percent(share, 2) for _, share in shares)])
    head = ["Reason", *(f"{arm}: sessions" for arm in run.arms), *(f"{a}: share" for a in run.arms)]
    return section(
        "ends",
        title,
        "The share of each arm's sessions by the reason that ended them.",
        figure(
            tag("div", arm_legend(run.arms), grouped_bars(groups)),
            Table("Sessions by the reason that ended them", head, cells),
            "Bar chart: share of sessions by end reason and arm",
        ),
    )
