"""Estimates against the truth, metric by metric, as a forest plot."""

from experiments.records.interval import UNKNOWN
from experiments.records.metrics import PREFERENCE, Contrast, Estimate
from experiments.records.reading import rows_of
from experiments.records.run import Run
from experiments.records.truth import Truth
from experiments.report.kit.colours import arm_class, arm_name, legend
from experiments.report.kit.digits import (
    ABSENT,
    change_words,
    interval_decimals,
    number,
    p_value,
    percent,
    range_of,
    sureness,
)
from experiments.report.kit.forest import TICKS, Lane, Row, forest, spans
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import Content, absent, alarm, figure, judged, note
from experiments.report.kit.scales import Axis, shared, signed_percents
from experiments.report.kit.sentences import change, change_range, level, meaning
from experiments.report.kit.tables import Table
from experiments.report.run.answer import realised_sentence
from experiments.report.run.verdict import covered_words, inside, unreadable


def effects(run: Run) -> Content:
    """One forest plot for each contrast."""
    if not run.metrics.estimates:
        return (absent("The run holds no estimates."),)
    lead = "The change of each metric relative to control, as a real A/B test would estimate it. "
    marks = [("mark-plain a1", "A/B estimate")]
    if run.metrics.design == PREFERENCE:
        marks = [("mark-plain a1", "preference")]
        lead = (
            "Both arms filled each page in turns. What the slots of each brought is compared, "
            "relative to control: a preference of shoppers between the items of both, and not the "
            "lift per shopper that an A/B test estimates. Its sign, and how soon it is sure, are "
            "what it is for. "
        )
    if any(row.cuped for row in run.metrics.estimates):
        marks.append(("mark-cuped a1", "with CUPED"))
    if run.truths and run.truths.truth:
        marks.append(("mark-truth a1", "simulated truth"))
        lead += (
            "Beside it stands what a real test can never know: the effect between two worlds in "
            "which the same shoppers, with the same luck, were all in one arm and then all in the "
            "other."
        )
    else:
        lead += "The truth stage has not run, so nothing stands beside the estimates."
    adjusted = (
        "CUPED takes out what shoppers already did in the history period. "
        if any(row.cuped for row in run.metrics.estimates)
        else ""
    )
    strays = number(round(1 / (1 - run.metrics.confidence)))
    footnote = (
        f"Bars are {sureness(run.metrics.confidence)} intervals{_unit(run)}, "
        f"each for its metric alone: with many metrics, expect one in {strays} to stray by chance. "
        f"{meaning(run.metrics.primary).label} is the metric declared beforehand. "
        f"{adjusted}An arrow marks an interval that goes beyond the axis."
    )
    warning = unreadable(run.metrics)
    plots = (_contrasted(run, contrast) for contrast in run.metrics.contrasts)
    realised = realised_sentence(run.truths) if run.truths else None
    notes = [note(each) for each in (footnote, realised) if each]
    return lead, alarm(warning) if warning else None, legend(*marks), *plots, *notes


def _unit(run: Run) -> str:
    """Of what the intervals are."""
    if run.metrics.design == PREFERENCE or run.metrics.units == "shoppers":
        return " with the shopper as the unit"
    return f" of a split of {run.metrics.units}, told per shopper"


def _contrasted(run: Run, contrast: Contrast) -> Html:
    """The plots of one contrast: what shoppers do, and below it how the service behaves."""
    pictures = []
    for title, service in (("What shoppers do", False), ("How the service behaves", True)):
        names = [name for name in run.metrics.metric_names if meaning(name).service is service]
        rows = [_metric_row(run, contrast, name) for name in names]
        if rows:
            axis = Axis(shared(spans(rows)), signed_percents, TICKS)
            pictures.append(forest(rows, axis, title))
    title = tag("h3", arm_name(run.arms, contrast[1]), tag("small", f"against {contrast[0]}"))
    described = f"Forest plot: relative change of each metric, {contrast[1]} against {contrast[0]}"
    drawn = figure(tag("div", *pictures), _effects_table(run, contrast), described)
    return tag("div", title, drawn)


def _metric_row(run: Run, contrast: Contrast, name: str) -> Row:
    """A metric's name and one lane for each kind of mark."""
    plain = run.metrics.estimate(name, contrast, cuped=False)
    cuped = run.metrics.estimate(name, contrast, cuped=True)
    truth = run.truths.of(name, contrast) if run.truths else None
    shown = plain.relative if plain else UNKNOWN
    found = {
        "plain": shown,
        "cuped": cuped.relative if cuped else UNKNOWN,
        "truth": truth.growth if truth else UNKNOWN,
    }
    covered = inside(plain, truth) if plain and truth else None
    badge = None if covered is None else judged(covered, "inside", "outside")
    digits = interval_decimals(shown)
    lanes = []
    for kind, span in found.items():
        if span.estimate is not None:
            own = interval_decimals(span) if kind == "truth" and span.ends else digits
            around = range_of(span, digits) if span.ends else None
            size = percent(span.estimate, own, sign=True)
            beside = _beside_truth(badge, truth) if kind == "truth" else around
            lanes.append(Lane(span, size, beside, f"mark-{kind}", kind))
    hint = tag("small", "less is better") if meaning(name).better < 0 else None
    brief = tag("small", range_of(shown, digits), cls="brief") if shown.ends else None
    label = join([meaning(name).label, hint, brief])
    return Row(label, lanes, arm_class(run.arms, contrast[1]), name == run.metrics.primary)


def _beside_truth(badge: Html | None, truth: Truth | None) -> Html | None:
    """Whether the A/B interval holds it, and how it is known where that is not in expectation."""
    how = tag("small", "realised") if truth and truth.method == "realised" else None
    return join([each for each in (badge, how) if each], " ") if badge or how else None


def _effects_table(run: Run, contrast: Contrast) -> Table:
    def told(row: Estimate) -> list[object]:
        truth = run.truths.of(row.metric, contrast) if run.truths and not row.cuped else None
        if truth is None:
            return [ABSENT] * 6
        return [
            f"{change(row.metric, truth.effect.estimate)} "
            f"({change_range(row.metric, truth.effect)})",
            percent(truth.growth.estimate, 2, sign=True),
            change(row.metric, truth.bias),
            covered_words(row, truth),
            percent(truth.resolution, 2),
            truth.method,
        ]

    return Table.of(
        f"Estimates and truth, {contrast[1]} against {contrast[0]}",
        rows_of(run.metrics.estimates, contrast=contrast),
        ("Metric", lambda row: meaning(row.metric).label + (" (CUPED)" if row.cuped else "")),
        (contrast[0], lambda row: level(row.metric, row.control)),
        (contrast[1], lambda row: level(row.metric, row.treatment)),
        ("Effect", lambda row: change(row.metric, row.effect.estimate)),
        (("Relative", "Interval"), lambda row: change_words(row.relative)),
        ("p", lambda row: p_value(row.p_value)),
        (("Truth", "Truth relative", "Bias", "Inside", "Resolution", "Method"), told),
    )
