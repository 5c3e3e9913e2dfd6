"""The true effect by kind of search: how common its text is, and how it is worded."""

from experiments.records.reading import rows_of
from experiments.records.run import Run
from experiments.records.truth import Headroom, Scarcity, SegmentLift
from experiments.report.kit.colours import arm_class, arm_name
from experiments.report.kit.digits import beside, change_words, number, percent, sureness
from experiments.report.kit.forest import Lane, Row, forest, spans
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, figure, note
from experiments.report.kit.scales import growths
from experiments.report.kit.sentences import meaning
from experiments.report.kit.tables import Table

_NAMES = {
    "all": "All searches",
    "head": "Frequent queries",
    "torso": "Less frequent",
    "tail": "Rare",
    "new": "Never asked before",
}
_LEAST = 0.001
"""Share of what control brings below which a segment stands in the table alone."""


def segment_name(row: Headroom | Scarcity | SegmentLift) -> str:
    """The searches that a row is of."""
    return _NAMES.get(row.part, f"Worded: {row.part}")


def segments(run: Run) -> Content | None:
    """A picture and a table of each contrast; None where nothing was told apart."""
    if run.truths is None or not run.truths.segments:
        return None
    metric = "gmv" if run.metrics.primary == "gmv" else "orders"
    lead = (
        f"The true effect on {meaning(metric).label} of the pages that one kind of search gets. An "
        "effect times the share that stands beside it is what this kind of search adds to the "
        "whole. Better recall should show where words fail: a gain that is spread evenly over all "
        "wordings has another cause."
    )
    told = (
        f"Intervals of {sureness(run.metrics.confidence)} have the same kinds of luck in them as "
        "that of the whole effect. Many are looked at, and nothing corrects for that. Frequent "
        "queries are the commonest texts that make up a third of the searches of the history."
    )
    contrasts = dict.fromkeys(row.contrast for row in run.truths.segments)
    return lead, *(_contrast(run, each, metric) for each in contrasts), note(told)


def _contrast(run: Run, contrast: tuple[str, str], metric: str) -> Html:
    rows = rows_of(run.truths.segments, contrast=contrast) if run.truths else []
    control, treatment = contrast
    shown = [
        _row(run, row) for row in rows if row.metric == metric and (row.share or 0.0) >= _LEAST
    ]
    picture = forest(shown, growths(spans(shown)))
    numbers = Table.of(
        f"True effect by kind of search, {treatment} against {control}",
        rows,
        ("Metric", lambda row: meaning(row.metric).label),
        ("Searches", segment_name),
        ("Share of control's searches", lambda row: percent(row.requests, 1)),
        ("Share of what control brings", lambda row: percent(row.share, 1)),
        (("Effect", "Interval"), lambda row: change_words(row.relative)),
        ("Shoppers", lambda row: number(row.shoppers)),
        names=2,
    )
    described = f"Forest plot: true effect of {treatment} on {metric} by kind of search"
    head = tag("h3", arm_name(run.arms, treatment), f" against {control}")
    return tag("div", head, figure(picture, numbers, described))


def _row(run: Run, row: SegmentLift) -> Row:
    words = change_words(row.relative)
    told = f"{beside(*words)}, {percent(row.share, 1)} of what control brings"
    lane = Lane(row.relative, *words, "mark-truth", "effect", told=told)
    small = row.share is not None and row.share < 0.01
    label = f"{segment_name(row)} ({percent(row.share, 1 if small else 0)})"
    return Row(label, [lane], arm_class(run.arms, row.contrast[1]))
