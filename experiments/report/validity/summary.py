"""What a validation found, in the terminal: what needs a look, and how many checks passed."""

from functools import partial
from pathlib import Path

from rich.text import Text

from experiments.records.reading import rows_of
from experiments.records.validity import Validity, Verdict
from experiments.report.kit.summary import Summary
from experiments.report.kit.tables import Table
from experiments.report.validity.words import (
    RUNGS,
    found_words,
    headline,
    name_of,
    rung_words,
    shown,
    wanted_words,
)

_STYLES = {
    Verdict.PASS: "green",
    Verdict.WARN: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.UNTOLD: "dim",
}


def validity_summary(record: Validity, report: Path | None = None) -> Summary:
    """A table of each rung with the checks that may be looked at, and what follows.

    Of the ranges and of what is compared with a log all; of the others those that did not pass.
    """
    tables = [
        Table.of(
            title,
            rows,
            ("fact", name_of),
            ("of", lambda row: row.arm if row.rung == "controls" else row.period),
            (("found", "interval"), partial(found_words, brief=True)),
            ("wanted", wanted_words),
            ("verdict", lambda row: Text(row.verdict.value, _STYLES[row.verdict])),
            names=2,
        )
        for rung, title in RUNGS.items()
        if (
            rows := [
                row
                for row in shown(record, rung)
                if rung in ("ranges", "own_log", "past_tests") or row.verdict is not Verdict.PASS
            ]
        )
    ]
    counts = [
        Text(f"{title.partition(':')[0]}: {rung_words(record, rung)}")
        for rung, title in RUNGS.items()
        if rows_of(record.checks, rung=rung)
    ]
    style = "bold red" if record.count(Verdict.FAIL) else "bold"
    said = [Text(headline(record), style), *counts, *map(Text, record.missing)]
    return Summary(tables, said, report)
