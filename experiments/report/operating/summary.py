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
    tables = [_table(by, rows) for by, rows in grouped(record.rows, lambda row: row.by).items()]
    counts = [Text(f"{QUESTIONS[each]}: {question_words(record, each)}") for each in asked(record)]
    fault = fault_sentence(record)
    style = "bold red" if record.count(Verdict.FAILS) else "bold"
    said = [Text(headline(record), style), *counts]
    said += [Text(fault)] if fault else []
    return Summary(tables, [*said, *map(Text, record.missing)], report)


def _table(by: str, rows: Sequence[Characteristic]) -> Table:
    tests = grouped(rows, lambda row: (row.design, row.metric, row.unit))

    def cell(key: tuple[str, str, str], question: Question) -> Text:
        row = row_of(rows_of(tests[key], question=question))
        if row is None:
            return Text(ABSENT)
        size, around = value_words(row)
        shown = row.known_fault or row.verdict is None
        style = "dim" if shown or row.verdict is None else _STYLES[row.verdict]
        below = "" if around == ABSENT else f"\n{around}"
        return Text(compact(size + below), style)

    rest = [
        [
            design,
            f"{metric}, by exposure" if unit == "exposures" else metric,
            *(cell((design, metric, unit), question) for question in _SHORT),
        ]
        for design, metric, unit in tests
    ]
    head = ["design", "metric", *_SHORT.values()]
    return Table(f"Tests by {by}", head, rest, names=2, spare=(6, 7))
