"""The true effect early and late in the period, where an arm changes how often shoppers come."""

from experiments.records.interval import Interval
from experiments.records.run import Run
from experiments.records.truth import LongRun
from experiments.report.kit.digits import change_words, percent, range_of, sureness
from experiments.report.kit.markup import tag
from experiments.report.kit.page import Content, note
from experiments.report.kit.sentences import counted
from experiments.report.kit.tables import Table

NAMES = {"visits": "Visits", "orders": "Orders", "gmv": "GMV"}


def long_run(run: Run) -> Content | None:
    """A table for each contrast; None where shoppers have no habits, or nothing was lived."""
    if run.truths is None or not run.truths.long_run:
        return None
    rows = run.truths.long_run
    days = counted(rows[0].days, "day")
    lead = (
        "In this world shoppers come more often after good sessions and more seldom after poor "
        f"ones, by a strength that nobody has measured. So an effect of the first {days} is not "
        f"that of the last {days}, and a test that ends early tells of the first ones."
    )
    told = [tag("p", _sentence(row)) for row in rows if row.metric == "visits"]
    contrasts = dict.fromkeys(row.contrast for row in rows)
    tables = [
        Table.of(
            f"True effect early and late, {contrast[1]} against {contrast[0]}",
            [row for row in rows if row.contrast == contrast],
            ("Of all shoppers", lambda row: NAMES[row.metric]),
            ((f"First {days}", "Interval"), lambda row: change_words(row.early)),
            ((f"Last {days}", "Interval"), lambda row: change_words(row.late)),
            (("Grown by", "Interval"), lambda row: change_words(row.grown)),
        )
        for contrast in contrasts
    ]
    footnote = (
        "Of what really happened in the paired worlds, so purchases have more luck in them than "
        f"elsewhere on this page. Intervals of {sureness(run.metrics.confidence)} are over "
        f"shoppers{' and lucks' if (run.truths.truth and run.truths.truth[0].seeds > 1) else ''}."
    )
    return lead, *told, *tables, note(footnote)


def _sentence(row: LongRun) -> str:
    """Whether shoppers come more often for it."""
    control, treatment = row.contrast
    if row.grown.ends is None:
        return f"How often shoppers of {treatment} come late in the period cannot be told."
    low, high = row.grown.ends
    if low > 0 or high < 0:
        way = "more" if low > 0 else "less"
        return (
            f"With {treatment} shoppers come {way} often as time goes on: against {control} "
            f"visits differ by {_size(row.late)} in the last {counted(row.days, 'day')}, "
            f"{_size(row.early)} in the first."
        )
    return (
        f"Whether shoppers come more or less often for {treatment} as time goes on cannot be told: "
        f"the effect on visits has grown by {_size(row.grown)}."
    )


def _size(span: Interval) -> str:
    """A relative effect with its interval."""
    around = f" ({range_of(span, 2)})" if span.ends else ""
    return f"{percent(span.estimate, 2, sign=True)}{around}"
