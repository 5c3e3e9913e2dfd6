"""Estimates against the truth, metric by metric, as a forest plot."""

from statistics import median

from experiments.records.metrics import Contrast, Estimate
from experiments.records.run import Run
from experiments.records.truth import Truth
from experiments.report.kit.figures import Scale, arm_class, arm_name, around_zero, axis, place
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.tables import absent, alarm, figure, section, table
from experiments.report.kit.words import (
    ABSENT,
    change,
    interval_decimals,
    level,
    meaning,
    number,
    p_value,
    percent,
    range_of,
    step_decimals,
)
from experiments.report.run.verdict import inside, unreadable

WIDEST = 4.0  # an axis reaches at most this often the median metric's reach; beyond is an arrow
TICKS = 6

Span = tuple[float, float | None, float | None]  # middle, low, high


def effects(run: Run) -> Html:
    """The section with one forest plot for each contrast."""
    if not run.metrics.estimates:
        return section(
            "effects", "Estimates against truth", None, absent("The run holds no estimates.")
        )
    lead = (
        "The change of each metric relative to control, as a real A/B test would estimate it. "
        + truth_lead(run)
    )
    warning = unreadable(run.metrics)
    parts = [alarm(warning)] if warning else []
    parts += [legend(run), *(forest(run, contrast) for contrast in run.metrics.contrasts)]
    return section("effects", "Estimates against truth", lead, *parts, footnote(run))


def truth_lead(run: Run) -> str:
    """What stands beside the estimates."""
    if run.truths is None or not run.truths.truth:
        return "The truth stage has not run, so nothing stands beside the estimates."
    return (
        "Beside it stands what a real test can never know: the effect between two worlds in which "
        "the same shoppers, with the same luck, were all in one arm and then all in the other."
    )


def footnote(run: Run) -> Html:
    """How to read the intervals."""
    confidence = percent(run.metrics.confidence, 0)
    strays = number(round(1 / (1 - run.metrics.confidence)))
    return tag(
        "p",
        f"Bars are {confidence} intervals with the shopper as the unit, each for its metric alone: "
        f"with many metrics, expect one in {strays} to stray by chance. "
        f"{meaning(run.metrics.primary).label} is the metric declared beforehand. "
        "CUPED takes out what shoppers already did in the history period. An arrow marks an "
        "interval that goes beyond the axis.",
        cls="note",
    )


def legend(run: Run) -> Html:
    """The marks of the plot."""
    marks = [("plain", "A/B estimate")]
    marks += [("cuped", "with CUPED")] if any(row.cuped for row in run.metrics.estimates) else []
    marks += [("truth", "simulated truth")] if run.truths and run.truths.truth else []
    entries = [
        tag("span", tag("i", cls=f"mark-{kind} a1", aria_hidden="true"), label, cls="named")
        for kind, label in marks
    ]
    return tag("div", *entries, cls="legend", aria_hidden="true")


def forest(run: Run, contrast: Contrast) -> Html:
    """The plot of one contrast: what shoppers do, and below it how the service behaves."""
    names = run.metrics.metric_names
    groups = [
        ("What shoppers do", [name for name in names if not meaning(name).service]),
        ("How the service behaves", [name for name in names if meaning(name).service]),
    ]
    pictures = [block(run, contrast, title, group) for title, group in groups if group]
    title = tag("h3", arm_name(run.arms, contrast[1]), tag("small", f"against {contrast[0]}"))
    described = f"Forest plot: relative change of each metric, {contrast[1]} against {contrast[0]}"
    return tag(
        "div",
        title,
        figure("", tag("div", *pictures), effects_table(run, contrast), described),
    )


def spans(run: Run, metric: str, contrast: Contrast) -> dict[str, Span]:
    """What is drawn for a metric: middle and interval of each kind of mark."""
    found: dict[str, Span] = {}
    for kind, cuped in (("plain", False), ("cuped", True)):
        row = run.metrics.estimate(metric, contrast, cuped=cuped)
        if row is not None and row.relative.estimate is not None:
            found[kind] = (row.relative.estimate, row.relative.low, row.relative.high)
    truth = run.truths.of(metric, contrast) if run.truths else None
    if truth is not None and truth.growth.estimate is not None:
        found["truth"] = (truth.growth.estimate, truth.growth.low, truth.growth.high)
    return found


def shared_scale(rows: list[dict[str, Span]]) -> Scale:
    """One axis for a block of metrics that a single wild metric cannot squash."""
    ends = [[end for span in row.values() for end in span if end is not None] for row in rows]
    reaches = [max(abs(end) for end in row) for row in ends if row]
    if not reaches or max(reaches) == 0:
        return Scale(-0.01, 0.01)
    widest = WIDEST * median(reaches) or max(reaches)
    return around_zero([min(widest, max(-widest, end)) for row in ends for end in row])


def block(run: Run, contrast: Contrast, title: str, names: list[str]) -> Html:
    """Metrics on one axis."""
    rows = {name: spans(run, name, contrast) for name in names}
    scale = shared_scale(list(rows.values()))
    colour = arm_class(run.arms, contrast[1])
    decimals = step_decimals([100 * value for value in scale.ticks(TICKS)])
    drawn = [metric_row(run, contrast, name, rows[name], scale, colour) for name in names]
    ruler = tag(
        "div",
        tag("span", cls="label"),
        tag("div", axis(scale, lambda value: percent(value, decimals, sign=True), TICKS)),
        cls="metric ruler",
    )
    return tag("div", tag("h4", title), *drawn, ruler, cls="forest")


def metric_row(
    run: Run, contrast: Contrast, name: str, row: dict[str, Span], scale: Scale, colour: str
) -> Html:
    """A metric's name and one lane for each kind of mark."""
    plain = run.metrics.estimate(name, contrast, cuped=False)
    truth = run.truths.of(name, contrast) if run.truths else None
    badge = covered_badge(plain, truth)
    _, low, high = row.get("plain", (0.0, None, None))
    digits = interval_decimals(low, high)
    hint = tag("small", "less is better") if meaning(name).better < 0 else None
    brief = tag("small", range_of(low, high, digits), cls="brief") if low is not None else None
    primary = " primary" if name == run.metrics.primary else ""
    lanes = [lane(kind, span, scale, badge, digits) for kind, span in row.items()]
    empty = tag("div", "could not be estimated", cls="empty")
    return tag(
        "div",
        tag("span", meaning(name).label, hint, brief, cls="label"),
        tag("div", *(lanes or [empty]), cls=f"lanes {colour}"),
        cls=f"metric{primary}",
    )


def covered_badge(plain: Estimate | None, truth: Truth | None) -> Html | None:
    """Whether the plain interval holds the truth."""
    covered = inside(plain, truth) if plain and truth else None
    if covered is None:
        return None
    return tag("b", "inside" if covered else "outside", cls="yes" if covered else "no")


def track_marks(
    span: tuple[float | None, ...], mark: str, scale: Scale, ticks: int = TICKS
) -> list[Html]:
    """What stands on the track of a lane: ticks, the interval (cut where the axis ends), a mark.

    Args:
        span: middle, low, high; None where not known.
        mark: class of the mark of the middle.
        scale: the axis.
        ticks: about how many it has.
    """
    middle, low, high = span
    parts = [
        tag("i", cls="tick zero" if value == 0 else "tick", style=place(left=scale.at(value)))
        for value in scale.ticks(ticks)
    ]
    if low is not None and high is not None:
        left, right = scale.at(low), scale.at(high)
        cut = (" cut-low" if low < scale.low else "") + (" cut-high" if high > scale.high else "")
        parts.append(tag("i", cls=f"span{cut}", style=place(left=left, width=right - left)))
    if middle is not None and scale.holds(middle):
        parts.append(tag("i", cls=mark, style=place(left=scale.at(middle))))
    return parts


def lane(kind: str, span: Span, scale: Scale, badge: Html | None, decimals: int) -> Html:
    """One interval with its middle, and its numbers in words."""
    middle, low, high = span
    parts = track_marks(span, f"mark-{kind}", scale)
    size = tag("span", percent(middle, decimals, sign=True), cls="size")
    around = tag("small", range_of(low, high, decimals)) if low is not None else None
    beside = badge if kind == "truth" else around
    return tag(
        "div",
        tag("div", *parts, cls="track"),
        tag("div", size, beside, cls="said"),
        cls=f"lane {kind}",
    )


def effects_table(run: Run, contrast: Contrast) -> Html:
    """All numbers of one contrast."""
    rows = []
    for row in run.metrics.estimates:
        if row.contrast != contrast:
            continue
        truth = run.truths.of(row.metric, contrast) if run.truths and not row.cuped else None
        decimals = interval_decimals(row.relative.low, row.relative.high)
        rows.append(
            [
                meaning(row.metric).label + (" (CUPED)" if row.cuped else ""),
                level(row.metric, row.control),
                level(row.metric, row.treatment),
                change(row.metric, row.effect.estimate),
                percent(row.relative.estimate, decimals, sign=True),
                range_of(row.relative.low, row.relative.high, decimals),
                p_value(row.p_value),
                *truth_cells(row, truth),
            ]
        )
    head = ["Metric", contrast[0], contrast[1], "Effect", "Relative", "Interval", "p"]
    head += ["Truth", "Truth relative", "Bias", "Inside", "Pairing factor"]
    return table(f"Estimates and truth, {contrast[1]} against {contrast[0]}", head, rows)


def truth_cells(row: Estimate, truth: Truth | None) -> list[object]:
    """The truth's columns of a table row."""
    if truth is None:
        return [ABSENT] * 5
    low, high = change(row.metric, truth.effect.low), change(row.metric, truth.effect.high)
    covered = inside(row, truth)
    return [
        f"{change(row.metric, truth.effect.estimate)} ({low} to {high})",
        percent(truth.growth.estimate, 2, sign=True),
        change(row.metric, truth.bias),
        ABSENT if covered is None else "yes" if covered else "no",
        number(truth.pairing_factor),
    ]
