"""How well relevance judges grade."""

from experiments.records.apart.judges import Judged, JudgesRecord
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.reading import row_of
from experiments.records.run import Run
from experiments.report.kit.digits import ABSENT, number, percent, share_words, sureness, with_range
from experiments.report.kit.forest import Lane, Row, forest, spans
from experiments.report.kit.markup import tag
from experiments.report.kit.page import Content, figure, note
from experiments.report.kit.scales import Axis, bounded, percents
from experiments.report.kit.tables import Table

DRAWN = {
    "macro_f1": "Macro F1",
    "auc": "Area under the curve, relevant or not",
}
TITLES = {
    **DRAWN,
    "accuracy": "Accuracy",
    **{f"f1_{grade}": f"F1 of grade {grade}" for grade in range(4)},
}
VERDICTS = {
    f"{name}_verdict": f"Verdicts on {of} that are true"
    for name, of in (("category", "categories"), ("brand", "brands"), ("values", "values"))
} | {"contradiction": "Grades that are not those of the verdicts"}


def judges(run: Run) -> Content | None:
    """Macro F1 and AUC of every judge; None where there are none."""
    record = run.judges
    if record is None or not record.judged:
        return None
    lead = (
        "A judge grades an item for a text: 0, of no use, to 3, what was asked for. Here judges "
        "are held against the simulated truth, on texts that no annotator was paid for."
    )
    names = list(dict.fromkeys(row.judge for row in record.judged))
    pictures = []
    for measure, title in DRAWN.items():
        lines = [Row(name, _lanes(record, name, measure), "a1") for name in names]
        pictures.append(forest(lines, Axis(bounded(spans(lines), 0.0, 1.0), percents), title))
    measured = {row.measure for row in record.judged}
    titles = TITLES | {key: title for key, title in VERDICTS.items() if key in measured}
    numbers = Table.of(
        "Measures of judges",
        names,
        ("Judge", lambda name: name),
        (tuple(titles.values()), lambda name: [_told(record, name, key) for key in titles]),
    )
    described = "Forest plots: macro F1 and area under the curve of every judge"
    return lead, figure(tag("div", *pictures), numbers, described), note(_footnote(record))


def _row(record: JudgesRecord, judge: str, measure: str) -> Interval:
    row: Judged | None = row_of(record.judged, judge=judge, measure=measure)
    return row.value if row else UNKNOWN


def _lanes(record: JudgesRecord, judge: str, measure: str) -> list[Lane]:
    value = _row(record, judge, measure)
    return [] if value.estimate is None else [Lane(value, *share_words(value))]


def _told(record: JudgesRecord, judge: str, measure: str) -> str:
    value = _row(record, judge, measure)
    return ABSENT if value.estimate is None else with_range(value)


def _bought(record: JudgesRecord) -> str:
    return (
        f"Judges have learned from {number(record.bought)} annotated pairs, each verdict of which "
        f"is a neighbouring one with a chance of {percent(record.noise, 0)}. A shop pays for them; "
        "here they come from the simulated truth."
    )


def _footnote(record: JudgesRecord) -> str:
    if record.source == "judgments":
        learned = (
            f"Judges have learned from {number(record.bought)} human grades of the shop's own."
        )
    elif not record.bought:
        learned = "Nothing was annotated: judges have learned from clicks."
    else:
        learned = _bought(record)
    kind = " without mistakes" if record.source == "simulated" else ""
    grades = ", ".join(f"{number(count)} of {grade}" for grade, count in enumerate(record.grades))
    return (
        f"{learned} They are measured on {number(record.measured)} other pairs{kind} "
        f"({grades}). {sureness(record.confidence)} intervals are over texts, and leave another "
        "training out."
    )
