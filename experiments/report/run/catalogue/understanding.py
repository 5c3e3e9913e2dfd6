"""What catalogue steps fill, how rightly, and what it is worth to a lexical channel."""

from collections.abc import Sequence

from experiments.records.apart.understanding import (
    ABSENT as NOT_THERE,
    CATEGORY,
    RIGHT,
    SYNONYM,
    TOLD,
    UNTOLD,
    WRONG,
    Recalled,
    UnderstandingRecord,
    Understood,
)
from experiments.records.interval import Interval
from experiments.records.reading import row_of
from experiments.records.run import Run
from experiments.report.kit.digits import ABSENT, number, percent, share_words, sureness, with_range
from experiments.report.kit.forest import Lane, Row, forest, spans
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, figure, note
from experiments.report.kit.scales import Axis, bounded, percents
from experiments.report.kit.tables import Table

PARTS = {
    TOLD: "Value told by its own name",
    SYNONYM: "Value told by a synonym",
    UNTOLD: "Value not told",
    NOT_THERE: "No such value, guessed",
    CATEGORY: "Category",
    WRONG: "Published and wrong",
    RIGHT: "Published and right",
}
MEASURES = {
    "accuracy": "Best guess right",
    "bound": "Best guess from the truth about category and brand",
    "filled": "Filled",
    "right": "Right, of those filled",
    "changed": "Replaced",
    "corrected": "Corrected",
}
FILLINGS = {
    "none": "public catalogue",
    "oracle": "all true values and categories (a bound)",
    "sure": "as set",
    "counted": "as set, added words count in the length",
    "all": "guesses of any confidence",
}


_AGAINST = {
    "truth": "Here its guesses are held against the simulated truth.",
    "hidden": "What is true of the shop's own items beyond its file is not known. So a fifth of "
    "the published values and categories was hidden, each step was taught by the rest, and its "
    "guesses are held against what was hidden.",
}


def understanding(run: Run) -> Content | None:
    """What is filled and how rightly; None where no step fills anything."""
    record = run.understanding
    if record is None or not record.steps:
        return None
    lead = (
        "A catalogue step fills attribute values and categories that the shop does not publish. "
        f"{_AGAINST[record.against]} What texts do not tell is to be left open: of an honest step "
        "little is filled there."
    )
    pictures = [
        picture
        for measure in ("filled", "right")
        if (picture := _picture(record, measure)) is not None
    ]
    names = [step.name for step in record.steps]
    shares = Table.of(
        "What catalogue steps fill",
        record.understood,
        ("Step", lambda row: row.step),
        ("Of", lambda row: PARTS[row.part]),
        ("Share", lambda row: MEASURES[row.measure]),
        ("", _told),
        ("Cells", lambda row: number(row.cells)),
        names=3,
    )
    sure = Table.of(
        "Confidence and what is right",
        record.calibrated,
        ("Step", lambda row: row.step),
        ("Of", lambda row: row.of),
        ("Confidence", lambda row: f"{percent(row.low, 0)} to {percent(row.high, 0)}"),
        ("Mean", lambda row: percent(row.confidence)),
        ("Right", lambda row: _words(row.right)),
        ("Guesses", lambda row: number(row.guesses)),
        names=2,
    )
    described = f"Forest plots: shares filled, and right of those, by {' and '.join(names)}"
    return (
        lead,
        figure(tag("div", *pictures), shares, described),
        sure,
        *([_recall(record.recalled)] if record.recalled else []),
        note(_footnote(record)),
    )


def _picture(record: UnderstandingRecord, measure: str) -> Html | None:
    lines = []
    for step in record.steps:
        lanes = [
            Lane(row.share, *share_words(row.share), name=PARTS[part])
            for part in PARTS
            if (row := _row(record, step.name, part, measure)) is not None and row.cells
        ]
        if lanes:
            lines.append(Row(step.name, lanes, "a1"))
    if not lines:
        return None
    axis = Axis(bounded(spans(lines), 0.0, 1.0), percents)
    return forest(lines, axis, MEASURES[measure])


def _row(record: UnderstandingRecord, step: str, part: str, measure: str) -> Understood | None:
    return row_of(record.understood, step=step, part=part, measure=measure)


def _told(row: Understood) -> str:
    return _words(row.share)


def _words(share: Interval) -> str:
    if share.estimate is None:
        return ABSENT
    middle, around = share_words(share)
    return f"{middle} ({around})" if around else middle


def _recall(rows: Sequence[Recalled]) -> Table:
    return Table.of(
        "Recall of BM25 for texts of a value and a category, first 100",
        rows,
        ("Step", lambda row: row.step or ABSENT),
        ("Catalogue", lambda row: FILLINGS[row.filling]),
        ("Recall", lambda row: _words(row.recall)),
        ("Gain", lambda row: ABSENT if row.gain.estimate is None else with_range(row.gain)),
        names=2,
    )


def _footnote(record: UnderstandingRecord) -> str:
    asked = max((row.texts for row in record.recalled), default=0)
    sure = ", ".join(f"{step.name} from {percent(step.confidence, 0)}" for step in record.steps)
    if record.against == "hidden":
        published = (
            "Right and wrong are those of hidden cells alone. Whether an item has a value where "
            "the file has none, whether a published one is wrong, and how sure guesses of values "
            "ought to be, is not known without a truth."
        )
    elif record.published:
        published = f"The shop publishes {percent(record.published, 0)} of the values."
    else:
        published = "The shop publishes no attribute values: steps fill categories alone."
    recall = f"; those of recall are over {number(asked)} texts" if asked else ""
    return (
        f"{published} Confidence from which on a step fills: {sure}. "
        f"{sureness(record.confidence)} intervals of shares are exact and take cells as "
        f"independent{recall}. They leave another training out."
    )
