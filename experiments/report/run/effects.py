"""Estimates against the truth, metric by metric, as a forest plot."""

from experiments.records.interval import UNKNOWN
from experiments.records.metrics import Contrast, Estimate
from experiments.records.run import Run
from experiments.records.truth import Truth
from experiments.report.kit.colours import arm_class, arm_name, legend
from experiments.report.kit.digits import (
    ABSENT,
    interval_decimals,
    number,
    p_value,
    percent,
    range_of,
    signed_percents,
)
from experiments.report.kit.forest import TICKS, Lane, Row, forest
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import absent, alarm, figure, section
from experiments.report.kit.scales import Axis, shared
from experiments.report.kit.sentences import change, level, meaning
from experiments.report.kit.tables import Table
from experiments.report.run.verdict import inside, unreadable


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
    parts += [marks(run), *(contrasted(run, contrast) for contrast in run.metrics.contrasts)]
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


def marks(run: Run) -> Html:
    """The marks of the plot."""
    found = [("mark-plain a1", "A/B estimate")]
    if any(row.cuped for row in run.metrics.estimates):
        found.append(("mark-cuped a1", "with CUPED"))
    if run.truths and run.truths.truth:
        found.append(("mark-truth a1", "simulated truth"))
    return legend(*found)


def contrasted(run: Run, contrast: Contrast) -> Html:
    """The plots of one contrast: what shoppers do, and below it how the service behaves."""
    names = run.metrics.metric_names
    groups = [
        ("What shoppers do", [name for name in names if not meaning(name).service]),
        ("How the service behaves", [name for name in names if meaning(name).service]),
    ]
    pictures = [block(run, contrast, title, group) for title, group in groups if group]
    title = tag("h3", arm_name(run.arms, contrast[1]), tag("small", f"against {contrast[0]}"))
    described = f"Forest plot: relative change of each metric, {contrast[1]} against {contrast[0]}"
    drawn = figure(tag("div", *pictures), effects_table(run, contrast), described)
    return tag("div", title, drawn)


def block(run: Run, contrast: Contrast, title: str, names: list[str]) -> Html:
    """Metrics on one axis."""
    rows = [metric_row(run, contrast, name) for name in names]
    scale = shared([lane.span for lane in row.lanes] for row in rows)
    return forest(rows, Axis(scale, signed_percents, TICKS), title)


def metric_row(run: Run, contrast: Contrast, name: str) -> Row:
    """A metric's name and one lane for each kind of mark."""
    plain = run.metrics.estimate(name, contrast, cuped=False)
    cuped = run.metrics.estimate(name, contrast, cuped=True)
    truth = run.truths.of(name, contrast) if run.truths else None
    shown = plain.relative if plain else UNKNOWN
    spans = {
        "plain": shown,
        "cuped": cuped.relative if cuped else UNKNOWN,
        "truth": truth.growth if truth else UNKNOWN,
    }
    digits = interval_decimals(shown)
    lanes = []
    for kind, span in spans.items():
        if span.estimate is None:
            continue
        around = range_of(span, digits) if span.low is not None else None
        beside = covered_badge(plain, truth) if kind == "truth" else around
        size = percent(span.estimate, digits, sign=True)
        lanes.append(Lane(span, size, beside, f"mark-{kind}", kind))
    hint = tag("small", "less is better") if meaning(name).better < 0 else None
    brief = tag("small", range_of(shown, digits), cls="brief") if shown.low is not None else None
    label = join([meaning(name).label, hint, brief])
    return Row(label, lanes, arm_class(run.arms, contrast[1]), name == run.metrics.primary)


def covered_badge(plain: Estimate | None, truth: Truth | None) -> Html | None:
    """Whether the plain interval holds the truth."""
    covered = inside(plain, truth) if plain and truth else None
    if covered is None:
        return None
    return tag("b", "inside" if covered else "outside", cls="yes" if covered else "no")


def effects_table(run: Run, contrast: Contrast) -> Table:
    """All numbers of one contrast."""
    rows = []
    for row in run.metrics.estimates:
        if row.contrast != contrast:
            continue
        truth = run.truths.of(row.metric, contrast) if run.truths and not row.cuped else None
        decimals = interval_decimals(row.relative)
        rows.append(
            [
                meaning(row.metric).label + (" (CUPED)" if row.cuped else ""),
                level(row.metric, row.control),
                level(row.metric, row.treatment),
                change(row.metric, row.effect.estimate),
                percent(row.relative.estimate, decimals, sign=True),
                range_of(row.relative, decimals),
                p_value(row.p_value),
                *truth_cells(row, truth),
            ]
        )
    head = ["Metric", contrast[0], contrast[1], "Effect", "Relative", "Interval", "p"]
    head += ["Truth", "Truth relative", "Bias", "Inside", "Pairing factor"]
    return Table(f"Estimates and truth, {contrast[1]} against {contrast[0]}", head, rows)


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
