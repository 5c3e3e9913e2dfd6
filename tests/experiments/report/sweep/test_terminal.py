"""The terminal tells every cell with its lift, and what failed is in the table."""

import io

from rich.console import Console

from experiments.report.sweep.terminal import sweep_summary
from tests.experiments.report.sweep.fake_sweep import fake_sweep


def test_the_terminal_has_a_line_for_every_cell_and_the_verdict() -> None:
    record = fake_sweep(2)
    stream = io.StringIO()
    Console(file=stream, width=100).print(sweep_summary(record))
    told = stream.getvalue()
    for word in ("vocabulary_gap", "intents", "Cells of the sweep", "cannot be", "failed", "base"):
        assert word in told
    assert told.count("60,000") >= 4
    assert "Differences are paired by shopper" in " ".join(told.split())
