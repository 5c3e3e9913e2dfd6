"""Those to whom the arms' pages differ, and what their effect is for everybody."""

from experiments.records.metrics import Contrast, Triggered
from experiments.records.reading import rows_of
from experiments.records.run import Run
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
from experiments.report.kit.page import Content, note
from experiments.report.kit.sentences import change, change_range, level, meaning
from experiments.report.kit.tables import Table


def triggered(run: Run) -> Content:
    """A table for each contrast; None where nobody watched whether pages differ."""
    if not run.metrics.triggered:
        return None
    units = run.metrics.units
    lead = (
        f"The other arms' pages were made beside each page, and nobody saw them. So it is known "
        f"which {units} met a page that would have been another one in another arm. What they did "
        "from then on is compared; the others, and what was before, can hang on no arm and are "
        "only noise. Everybody's effect is the same effect, diluted by those without such a page."
    )
    tables = [_table(run, contrast) for contrast in run.metrics.contrasts]
    footnote = (
        f"Intervals are of {sureness(run.metrics.confidence)}. Pages differ where their items or "
        "the order of these do; latency is left apart. What is no sum over requests, and ratios "
        "that are adjusted by the history (CUPED), have no diluted effect."
    )
    return lead, *tables, note(footnote)


def _table(run: Run, contrast: Contrast) -> Table:
    return Table.of(
        f"Where pages differ, {contrast[1]} against {contrast[0]}",
        rows_of(run.metrics.triggered, contrast=contrast),
        ("Metric", lambda row: meaning(row.metric).label + (" (CUPED)" if row.cuped else "")),
        (run.metrics.units.capitalize(), lambda row: number(row.n)),
        ("Share", lambda row: percent(row.share, 1)),
        (contrast[0], lambda row: level(row.metric, row.control)),
        (contrast[1], lambda row: level(row.metric, row.treatment)),
        ("Effect", lambda row: change(row.metric, row.effect.estimate)),
        (("Relative", "Interval"), lambda row: change_words(row.relative)),
        ("p", lambda row: p_value(row.p_value)),
        (("For everybody", "Interval of it"), _everybody),
        ("In per cent", _relative),
    )


def _everybody(row: Triggered) -> tuple[str, str]:
    around = change_range(row.metric, row.diluted) if row.diluted.ends else ABSENT
    return change(row.metric, row.diluted.estimate), around


def _relative(row: Triggered) -> str:
    span = row.diluted_relative
    if span.estimate is None:
        return ABSENT
    decimals = interval_decimals(span)
    around = f" ({range_of(span, decimals)})" if span.ends else ""
    return percent(span.estimate, decimals, sign=True) + around
