"""What went through the funnels, how long pages took, why sessions ended, and human grades."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from experiments.records.interval import Number
from experiments.records.reading import row_of
from experiments.records.run import Run
from experiments.report.kit.bars import Bar, bar, grouped_bars
from experiments.report.kit.colours import arm_class, arm_legend, channel_class, swatch
from experiments.report.kit.digits import (
    SMALL,
    THIN,
    duration,
    fixed,
    number,
    percent,
)
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, absent, figure, note, panels
from experiments.report.kit.sentences import plain_name
from experiments.report.kit.tables import Table
from experiments.report.run.service.differences import differing, how_sure
from experiments.report.run.service.hours import by_hour

RECALLED = "recalled:"
SHOPPER_STAGES = ("clicked", "carted", "purchased")
PERCENTILES = {
    "mean": "Mean",
    "p50": "Median",
    "p90": "90th percentile",
    "p99": "99th percentile",
    "max": "Slowest",
}
GRADES = {"recall_at_100": "Recall@100", "ndcg_at_10": "NDCG@10", "judged_at_10": "Judged@10"}


LEAST_SHOWN = 0.0005  # share that one decimal of a percentage does not round to nothing
NO_INTERVALS = (
    "In brackets: the difference from {}, which has no interval here. Differences with intervals "
    "stand in the answer."
)


def _growth(value: float, base: float) -> str:
    """A relative change."""
    return percent(value / base - 1, 1 if abs(value / base - 1) < SMALL else 0, sign=True)


def _by_arm(
    run: Run,
    groups: Iterable[tuple[object, Mapping[str, Number]]],
    words: Callable[[Number], str],
    apart: Callable[[float, float], str] = _growth,
) -> Html:
    """Groups of values by arm, one bar for each arm in its colour, with what sets it apart.

    Args:
        run: whose arms.
        groups: values under their label.
        words: of a value.
        apart: of the difference of a value from control's.
    """

    def drawn(arm: str, values: Mapping[str, Number]) -> Bar:
        value, base = values[arm], values.get(run.arms[0])
        told = words(value)
        if arm != run.arms[0] and value is not None and base:
            told += f" ({apart(value, base)})"
        return bar(value, told, arm_class(run.arms, arm), f"{arm} {told}")

    bars = [(label, [drawn(arm, values) for arm in values]) for label, values in groups]
    return grouped_bars(bars, kind="bars compared")


def _points(value: float, base: float) -> str:
    """A difference of shares in percentage points."""
    return fixed(100 * (value - base), _decimals(value - base), sign=True) + THIN + "pp"


def _share(value: Number) -> str:
    """A share with a digit that is not zero, however small it is."""
    return percent(value, _decimals(value or 0.0))


def _decimals(share: float) -> int:
    """Of a percentage: one, or two where one would leave nothing."""
    return 1 if share == 0 or abs(share) >= LEAST_SHOWN else 2


def funnel_counts(run: Run) -> Content:
    """The counts of every stage of the arms' funnels."""
    rows = run.metrics.funnel
    if not rows:
        return (absent("The run holds no funnel counts."),)
    lead = (
        "From what the channels found to what shoppers bought, per request served. A channel's "
        "count is of the merged items that it found, estimated from sampled requests."
    )
    recalled = (f"{RECALLED}{name}" for name in run.channels)
    counted = dict.fromkeys(row.stage for row in rows)
    stages = [stage for stage in dict.fromkeys((*recalled, *counted)) if stage in counted]
    acts = [stage for stage in stages if stage in SHOPPER_STAGES]
    items = [stage for stage in stages if stage not in {*SHOPPER_STAGES, "requests"}]
    parts = ("Items per request", items, 1), ("Acts per 100 requests", acts, 100)
    told = [
        differing(run, title, [(_stage_label(run, stage), stage) for stage in of], _per(times))
        for title, of, times in parts
    ]
    bars = panels(*((title, _stages(run, of, times)) for title, of, times in parts))
    numbers = Table.of(
        "Counts by stage",
        rows,
        ("Stage", lambda row: _stage_label(run, row.stage)),
        ("Arm", lambda row: row.arm),
        ("Count", lambda row: number(row.count)),
        ("Per request", lambda row: number(row.per_request, 4)),
        names=2,
    )
    described = "Items that pass each stage per request, and what shoppers do with them, by arm"
    return lead, *_shown(run, told, bars, numbers, described)


def _per(times: int) -> Callable[[float], str]:
    return lambda value: number(value * times)


def _shown(
    run: Run, told: Sequence[Html | None], bars: Html, numbers: Table, described: str
) -> tuple[Html, Html]:
    """Changes with intervals where they are known, else bars; and how to read them."""
    known = [each for each in told if each]
    if known:
        return figure(tag("div", *known), numbers, described), note(how_sure(run))
    drawn = figure(tag("div", arm_legend(run.arms), bars), numbers, described)
    return drawn, note(NO_INTERVALS.format(run.arms[0]))


def _stage_label(run: Run, stage: str) -> object:
    if stage.startswith(RECALLED):
        return swatch(run.channels, stage.removeprefix(RECALLED))
    return plain_name(stage)


def _stages(run: Run, stages: Iterable[str], times: int) -> Html:
    """Counts per request (times so many) of some stages."""
    found = {
        (row.stage, row.arm): None if row.per_request is None else row.per_request * times
        for row in run.metrics.funnel
    }
    groups = (
        (_stage_label(run, stage), {arm: found.get((stage, arm)) for arm in run.arms})
        for stage in stages
    )
    return _by_arm(run, groups, number)


def latency(run: Run) -> Content:
    """The page latency of each arm."""
    rows = run.metrics.latency
    if not rows:
        return (absent("The run holds no latencies."),)
    groups = (
        (label, {row.arm: getattr(row, key) for row in rows}) for key, label in PERCENTILES.items()
    )
    cells = [[row.arm, *(duration(getattr(row, key)) for key in PERCENTILES)] for row in rows]
    named = [(label, f"latency:{key}") for key, label in PERCENTILES.items()]
    return (
        "Simulated time from request to page. Slow pages make shoppers leave.",
        *_shown(
            run,
            [differing(run, "Page latency", named, duration)],
            _by_arm(run, groups, duration),
            Table("Page latency", ["Arm", *PERCENTILES.values()], cells),
            "Mean and percentiles of page latency by arm",
        ),
        *by_hour(run),
    )


def end_reasons(run: Run) -> Content:
    """Why sessions ended."""
    rows = run.metrics.end_reasons
    if not rows:
        return (absent("The run holds no end reasons."),)
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row.reason] += row.sessions
    groups: list[tuple[object, dict[str, Number]]] = []
    cells = []
    for reason, _ in totals.most_common():
        found = {arm: row_of(rows, reason=reason, arm=arm) for arm in run.arms}
        shares = {arm: row.share if row else 0.0 for arm, row in found.items()}
        groups.append((plain_name(reason), {**shares}))
        counts = [number(row.sessions if row else 0) for row in found.values()]
        cells.append([plain_name(reason), *counts, *(percent(at, 2) for at in shares.values())])
    head = ["Reason", *(f"{arm}: sessions" for arm in run.arms), *(f"{a}: share" for a in run.arms)]
    named = [(plain_name(reason), f"ended:{reason}") for reason, _ in totals.most_common()]
    return (
        "The share of each arm's sessions by the reason that ended them.",
        *_shown(
            run,
            [differing(run, "Reason", named, _share, shares=True)],
            _by_arm(run, groups, _share, _points),
            Table("Sessions by the reason that ended them", head, cells),
            "Share of sessions by end reason and arm",
        ),
    )


def retrieval(run: Run) -> Content:
    """What each channel alone returns for queries that people have graded; None without grades."""
    rows = run.metrics.retrieval
    if not rows:
        return None
    lead = (
        f"What each channel alone returns for the {number(max(row.queries for row in rows))} "
        "queries that people have graded. Judged@10 tells how much of the first ten was graded at "
        "all: where it is low, NDCG says little."
    )
    pictures = panels(*((label, _grade_bars(run, key)) for key, label in GRADES.items()))
    numbers = Table.of(
        "Retrieval on human grades",
        rows,
        ("Channel", lambda row: swatch(run.channels, row.channel)),
        ("Queries", lambda row: number(row.queries)),
        (tuple(GRADES.values()), lambda row: [fixed(getattr(row, key), 3) for key in GRADES]),
    )
    described = "Bar charts: recall@100, NDCG@10 and judged@10 of each channel"
    return lead, figure(pictures, numbers, described)


def _grade_bars(run: Run, key: str) -> Html:
    """One measure between 0 and 1, one bar for each channel in its colour."""
    groups = []
    for row in run.metrics.retrieval:
        value: Number = getattr(row, key)
        colour = channel_class(run.channels, row.channel)
        groups.append((swatch(run.channels, row.channel), [bar(value, fixed(value, 3), colour)]))
    return grouped_bars(groups, whole=1.0)
