"""What a sweep found, in the terminal."""

from pathlib import Path

from rich.text import Text

from experiments.records.sweep import SweepRecord
from experiments.report.kit.summary import Summary
from experiments.report.sweep.cells import cell_table
from experiments.report.sweep.tornado import hangs_on
from experiments.report.sweep.verdict import further, headline, not_run


def sweep_summary(record: SweepRecord, report: Path | None = None) -> Summary:
    """The cells with their lifts, and what they allow to be said."""
    _, sentence, tone = headline(record)
    said = [Text(sentence, "bold red" if tone == "alarm" else "bold")]
    told = hangs_on(record) if record.assumptions else further(record)
    said += [Text(each) for each in (*not_run(record), *told, *record.warnings)]
    return Summary([cell_table(record, page=False)], said, report)
