"""What each channel alone returns for queries that people have graded."""

from collections.abc import Sequence

from experiments.records.metrics import Retrieval
from experiments.records.run import Run
from experiments.report.kit.bars import bar, grouped_bars
from experiments.report.kit.colours import channel_class, swatch
from experiments.report.kit.digits import fixed, number
from experiments.report.kit.markup import Html
from experiments.report.kit.page import absent, figure, panels, section
from experiments.report.kit.tables import Table


def retrieval(run: Run) -> Html:
    """The section with each channel against human grades."""
    title = "Retrieval on human grades"
    rows = run.metrics.retrieval
    if not rows:
        said = "This catalogue has no queries with human grades, so retrieval was not graded."
        return section("retrieval", title, None, absent(said))
    lead = (
        f"What each channel alone returns for the {number(max(row.queries for row in rows))} "
        "queries that people have graded. Judged@10 tells how much of the first ten was graded at "
        "all: where it is low, NDCG says little."
    )
    columns = (
        ("Recall@100", "recall_at_100"),
        ("NDCG@10", "ndcg_at_10"),
        ("Judged@10", "judged_at_10"),
    )
    pictures = panels(*((label, grade_bars(run, rows, key)) for label, key in columns))
    cells = [
        [
            swatch(run.channels, row.channel),
            number(row.queries),
            *(grade(getattr(row, key)) for _, key in columns),
        ]
        for row in rows
    ]
    head = ["Channel", "Queries", *(label for label, _ in columns)]
    numbers = Table("Retrieval on human grades", head, cells)
    described = "Bar charts: recall@100, NDCG@10 and judged@10 of each channel"
    return section("retrieval", title, lead, figure(pictures, numbers, described))


def grade(value: float | None) -> str:
    """A measure between 0 and 1 with three decimals."""
    return number(None) if value is None else fixed(value, 3)


def grade_bars(run: Run, rows: Sequence[Retrieval], key: str) -> Html:
    """One measure, one bar for each channel in its colour."""
    groups = []
    for row in rows:
        value: float | None = getattr(row, key)
        colour = channel_class(run.channels, row.channel)
        groups.append((swatch(run.channels, row.channel), [bar(value, grade(value), colour)]))
    return grouped_bars(groups, whole=1.0)
