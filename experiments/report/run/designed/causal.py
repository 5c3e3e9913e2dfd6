"""The causal credit of interleaved pages."""

from experiments.records.run import Run
from experiments.report.kit.digits import fixed, p_value, sureness
from experiments.report.kit.page import Content, note
from experiments.report.kit.sentences import change, change_range, counted, level, meaning
from experiments.report.kit.tables import Table


def causal(run: Run) -> Content:
    """A table; None where no coin has left items off."""
    rows = run.metrics.causal
    if not rows:
        return None
    control, treatment = rows[0].contrast
    lead = (
        "Of each two items that only one arm's first page has, a coin showed one. Credit is what "
        "items bring where they are shown, less what is bought of them in the same visit where "
        "they are not: who only finds again what would have been bought anyway has none."
    )
    table = Table.of(
        f"Causal credit of items that the other page lacks, {treatment} against {control}",
        rows,
        ("Metric", lambda row: meaning(row.metric).label),
        (control, lambda row: level(row.metric, row.control)),
        (treatment, lambda row: level(row.metric, row.treatment)),
        ("Difference", lambda row: change(row.metric, row.effect.estimate)),
        ("Interval", lambda row: change_range(row.metric, row.effect)),
        ("p", lambda row: p_value(row.p_value)),
    )
    footnote = (
        f"{counted(rows[0].pairs, 'pair')} of items, over {fixed(rows[0].n, 0)} shoppers. "
        f"Intervals are of {sureness(run.metrics.confidence)}, over shoppers. Items of both pages, "
        "and those without a rival because the other arm found less, are not in it."
    )
    return lead, table, note(footnote)
