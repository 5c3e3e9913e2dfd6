"""Estimates against the truth, metric by metric, as a forest plot."""

from experiments.inference.finding import Finding
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.metrics import PREFERENCE, Contrast, Estimate
from experiments.records.reading import rows_of
from experiments.records.run import Run
from experiments.records.truth import Truth
from experiments.report.kit.colours import arm_class, arm_name, legend
from experiments.report.kit.digits import (
    ABSENT,
    beside,
    change_words,
    interval_decimals,
    number,
    p_value,
    percent,
    range_of,
    sureness,
)
from experiments.report.kit.forest import Lane, Row, forest, spans
from experiments.report.kit.ledger import Line, either, ledger, sized, spans as spans_of_lines
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import Content, absent, alarm, figure, folded, judged, note
from experiments.report.kit.scales import growths
from experiments.report.kit.sentences import (
    absolute_words,
    change,
    change_range,
    level,
    meaning,
)
from experiments.report.kit.tables import Table
from experiments.report.run.answer import realised_sentence
from experiments.report.run.verdict import covered_words, direction, inside, unreadable


def effects(run: Run) -> Content:
    """Every metric of each contrast: levels, what the test says, and what is true."""
    if not run.metrics.estimates:
        return (absent("The run holds no estimates."),)
    preferred, known = run.metrics.design == PREFERENCE, bool(run.truths and run.truths.truth)
    marks = [("mark-plain a1", "preference" if preferred else "A/B test")]
    marks += [("mark-truth a1", "truth")] if known else []
    plots = [_contrasted(run, contrast) for contrast in run.metrics.contrasts]
    warning = unreadable(run.metrics)
    below = [note(each) for each in (_lead(run), *_footnotes(run)) if each]
    adjusted = [_adjusted(run, contrast) for contrast in run.metrics.contrasts]
    with_cuped = [("mark-cuped a1", "with CUPED")]
    cuped = any(row.cuped for row in run.metrics.estimates)
    fold = tag("div", legend(*marks[:1], *with_cuped, *marks[1:]), *adjusted) if cuped else None
    return (
        alarm(warning) if warning else None,
        legend(*marks),
        *plots,
        folded(fold, "Show the estimates with CUPED beside them") if fold else None,
        *below,
    )


def _lead(run: Run) -> str:
    """What the estimates are, and what stands beside them."""
    lead = "The change of each metric relative to control, as a real A/B test would estimate it. "
    if run.metrics.design == PREFERENCE:
        lead = (
            "Both arms filled each page in turns. What the slots of each brought is compared, "
            "relative to control: a preference of shoppers between the items of both, and not the "
            "lift per shopper that an A/B test estimates. Its sign, and how soon it is sure, are "
            "what it is for. "
        )
    if not (run.truths and run.truths.truth):
        return lead + "The truth stage has not run, so nothing stands beside the estimates."
    return lead + (
        "Beside it stands what a real test can never know: the effect between two worlds in "
        "which the same shoppers, with the same luck, were all in one arm and then all in the "
        "other."
    )


def _footnotes(run: Run) -> tuple[str | None, ...]:
    """How intervals are to be read."""
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
    return footnote, realised_sentence(run.truths) if run.truths else None


def _unit(run: Run) -> str:
    """Of what the intervals are."""
    if run.metrics.design == PREFERENCE or run.metrics.units == "shoppers":
        return " with the shopper as the unit"
    return f" of a split of {run.metrics.units}, told per shopper"


GROUPS = (("What shoppers do", False), ("How the service behaves", True))
"""Titles of groups of metrics, and whether they are of the service."""


def _contrasted(run: Run, contrast: Contrast) -> Html:
    """A ledger of one contrast: what shoppers do, and below it how the service behaves."""
    pictures = []
    for title, service in GROUPS:
        lines = [_ledger_line(run, contrast, name) for name in _names(run, service)]
        if lines:
            axis = growths(spans_of_lines(lines))
            first = "Preference" if run.metrics.design == PREFERENCE else "A/B test"
            truth = "Truth" if run.truths and run.truths.truth else ""
            levels = f"{contrast[0]} \u2192 {contrast[1]}"
            pictures.append(ledger(lines, axis, (title, levels, "", first, truth)))
    several = len(run.metrics.contrasts) > 1
    against = tag("small", f"against {contrast[0]}")
    named = tag("h3", arm_name(run.arms, contrast[1]), against) if several else None
    described = f"Forest plot: relative change of each metric, {contrast[1]} against {contrast[0]}"
    return tag(
        "div", named, figure(tag("div", *pictures), _effects_table(run, contrast), described)
    )


def _names(run: Run, service: bool) -> list[str]:
    return [name for name in run.metrics.metric_names if meaning(name).service is service]


def _ledger_line(run: Run, contrast: Contrast, name: str) -> Line:
    """A metric: its levels, what the test says of it, and what is true."""
    row = run.metrics.estimate(name, contrast, cuped=False)
    truth = run.truths.of(name, contrast) if run.truths else None
    shown = row.relative if row else UNKNOWN
    true = truth.growth if truth else UNKNOWN
    hint = tag("small", "less is better") if meaning(name).better < 0 else None
    word = _word(row) if row else None
    told, told_true = (
        either(_sized(span), sized(*absolute_words(name, effect)))
        for span, effect in (
            (shown, row.effect if row else UNKNOWN),
            (true, truth.effect if truth else UNKNOWN),
        )
    )
    judged_ = _judged(row, truth) if row and truth else None
    return Line(
        join([meaning(name).label, hint]),
        _levels(row) if row else None,
        shown,
        true,
        join([told, word], " ") if word else told,
        join([told_true, judged_], " ") if judged_ else told_true,
        _told(run, name, shown, true),
        arm_class(run.arms, contrast[1]),
        name == run.metrics.primary,
    )


def _told(run: Run, name: str, shown: Interval, true: Interval) -> str:
    """A metric's two intervals where they are pointed at."""
    what = "preference" if run.metrics.design == PREFERENCE else "A/B test"
    found = {what: shown, "truth": true}
    told = [
        f"{of} {beside(*change_words(span))}"
        for of, span in found.items()
        if span.estimate is not None
    ]
    return f"{meaning(name).label}: {'; '.join(told) or 'could not be estimated'}"


def _sized(span: Interval) -> Html | None:
    """A relative change with its interval."""
    if span.estimate is None:
        return None
    digits = interval_decimals(span)
    return sized(percent(span.estimate, digits, sign=True), range_of(span, digits))


def _adjusted(run: Run, contrast: Contrast) -> Html:
    """The plots of one contrast with the estimates that CUPED narrows."""
    pictures = []
    for title, service in GROUPS:
        rows = [_metric_row(run, contrast, name) for name in _names(run, service)]
        if rows:
            axis = growths(spans(rows))
            pictures.append(forest(rows, axis, title))
    return tag("div", tag("h4", f"{contrast[1]} against {contrast[0]}"), *pictures)


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
    digits = interval_decimals(shown)
    lanes = []
    for kind, span in found.items():
        if span.estimate is not None:
            own = interval_decimals(span) if kind == "truth" and span.ends else digits
            around = range_of(span, own) if span.ends else None
            size = percent(span.estimate, own, sign=True)
            told = f"{_KINDS[kind]} {beside(size, around or ABSENT)}"
            lanes.append(Lane(span, size, around, f"mark-{kind}", kind, told=told))
    brief = tag("small", range_of(shown, digits), cls="brief") if shown.ends else None
    label = join([meaning(name).label, brief])
    return Row(label, lanes, arm_class(run.arms, contrast[1]), name == run.metrics.primary)


def _levels(row: Estimate) -> str:
    """The metric in control and in the treatment."""
    return f"{level(row.metric, row.control)} \u2192 {level(row.metric, row.treatment)}"


_KINDS = {"plain": "A/B test", "cuped": "with CUPED", "truth": "truth"}
_WORDS = {Finding.MORE: "more", Finding.LESS: "less", Finding.UNTOLD: "unclear"}


def _word(row: Estimate) -> Html | None:
    """What the test decides, in the colour of what is wanted."""
    finding = direction(row)
    if finding not in _WORDS:
        return None
    if not finding.real:
        return tag("b", _WORDS[finding], cls="untold")
    wanted = (finding is Finding.MORE) == (meaning(row.metric).better > 0)
    return tag("b", _WORDS[finding], cls="good" if wanted else "bad")


def _judged(row: Estimate, truth: Truth) -> Html | None:
    """Whether the A/B interval holds it, and how it is known where that is not in expectation."""
    covered = inside(row, truth)
    badge = None if covered is None else judged(covered, "inside", "outside")
    how = tag("small", "realised") if truth.method == "realised" else None
    return join([each for each in (badge, how) if each], " ") if badge or how else None


def _known(truth: Truth) -> str:
    """The true relative effect and how exactly it is known."""
    size = percent(truth.growth.estimate, 2, sign=True)
    return size if truth.resolution is None else f"{size} \u00b1{percent(truth.resolution, 2)}"


def _effects_table(run: Run, contrast: Contrast) -> Table:
    def told(row: Estimate) -> list[object]:
        truth = run.truths.of(row.metric, contrast) if run.truths and not row.cuped else None
        if truth is None:
            return [ABSENT] * 5
        return [
            f"{change(row.metric, truth.effect.estimate)} "
            f"({change_range(row.metric, truth.effect)})",
            _known(truth),
            change(row.metric, truth.bias),
            covered_words(row, truth),
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
        (("Truth", "Truth relative, \u00b1 resolution", "Bias", "Inside", "Method"), told),
    )
