"""Operating characteristics in the terminal: a table of each kind of test, and what follows."""

from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from experiments.records.experiment.operating import Characteristic, Operating, Question, Verdict
from experiments.records.reading import grouped, row_of, rows_of
from experiments.report.kit.digits import ABSENT
from experiments.report.kit.summary import Summary
from experiments.report.kit.tables import Table, compact
from experiments.report.operating.words import (
    QUESTIONS,
    asked,
    fault_sentence,
    headline,
    question_words,
    test_name,
    value_words,
)

_STYLES = {Verdict.HOLDS: "green", Verdict.FAILS: "bold red", Verdict.UNTOLD: "yellow"}
_SHORT: dict[Question, str] = {
    "false_positive_rate": "false positives",
    "coverage_global": "covers truth",
    "coverage_naive": "covers mean",
    "power": "power",
    "type_s": "type S",
    "type_m": "type M",
}


def operating_summary(record: Operating, report: Path | None = None) -> Summary:
    """A table for each way of repeating a test, then what came of its promises."""
    tests = grouped(record.rows, lambda row: (row.by, row.design))
    tables = [_table(test_name(design, by), rows) for (by, design), rows in tests.items()]
    counts = [Text(f"{QUESTIONS[each]}: {question_words(record, each)}") for each in asked(record)]
    fault = fault_sentence(record)
    style = "bold red" if record.count(Verdict.FAILS) else "bold"
    said = [Text(headline(record), style), *counts]
    said += [Text(fault)] if fault else []
    return Summary(tables, [*said, *map(Text, record.missing)], report)


def _table(title: str, rows: Sequence[Characteristic]) -> Table:
    metrics = grouped(rows, lambda row: (row.metric, row.known_fault))
    questions = [each for each in _SHORT if rows_of(rows, question=each)]

    def cell(own: Sequence[Characteristic], question: Question) -> Text:
        row = row_of(own, question=question)
        if row is None:
            return Text(ABSENT)
        size, around = (compact(words).replace(" to ", "-") for words in value_words(row))
        told = row.verdict is not None and not row.known_fault
        style = _STYLES[row.verdict] if told and row.verdict else "dim"
        return Text(size if around == ABSENT else f"{size}\n{around.rstrip('%')}", style)

    cells = [
        [f"{metric}, by exposure" if fault else metric, *(cell(own, each) for each in questions)]
        for (metric, fault), own in metrics.items()
    ]
    return Table(title, ["metric", *(_SHORT[each] for each in questions)], cells)
