"""What is said of operating characteristics: names, answers, and what follows from them."""

from experiments.records.experiment.operating import Characteristic, Operating, Question, Verdict
from experiments.records.interval import Interval
from experiments.records.reading import grouped, rows_of
from experiments.report.kit.digits import (
    ABSENT,
    THIN,
    beside,
    fixed,
    number,
    percent,
    range_of,
    spoken,
)
from experiments.report.kit.sentences import counted, listed, meaning, plain_name

QUESTIONS: dict[Question, str] = {
    "false_positive_rate": "False positives",
    "uniformity": "Uniformity of p-values",
    "coverage_global": "Coverage of the true effect",
    "coverage_naive": "Coverage of what the test estimates",
    "power": "Power",
    "type_s": "Wrong signs (type S)",
    "type_m": "Exaggeration (type M)",
}
VERDICTS = {
    Verdict.HOLDS: "holds",
    Verdict.FAILS: "does not hold",
    Verdict.UNTOLD: "cannot be told",
}
TIMES = "\u00d7"


def test_name(design: str, by: str) -> str:
    """Which tests, as a title."""
    return f"{plain_name(design)}, by {by}"


def metric_name(row: Characteristic) -> str:
    """The metric, and the unit where it is one that is known to be wrong."""
    label = meaning(row.metric).label
    return f"{label}, exposures as units" if row.known_fault else label


def value_words(row: Characteristic) -> tuple[str, str]:
    """An answer and its interval."""
    return answer_words(row.question, row.value)


def answer_words(question: Question, value: Interval) -> tuple[str, str]:
    """The same of a value by itself."""
    if question == "uniformity":
        return fixed(value.estimate, 3), spoken(value, lambda end: fixed(end, 3))
    if question == "type_m":
        around = spoken(value, lambda end: number(end, 2))
        size = ABSENT if value.estimate is None else number(value.estimate, 2) + TIMES
        return size, around
    return percent(value.estimate, 1), range_of(value, 1)


def wanted_words(row: Characteristic) -> str:
    """What is promised."""
    if row.wanted is None:
        return ABSENT
    return "0" if row.question == "uniformity" else f"{100 * row.wanted:.6g}{THIN}%"


def headline(record: Operating) -> str:
    """What came of all promises, in a sentence."""
    fails, untold = record.count(Verdict.FAILS), record.count(Verdict.UNTOLD)
    promises = counted(len(record.judged), "promise")
    if fails:
        verb = "does" if fails == 1 else "do"
        return f"{fixed(fails, 0)} of {promises} {verb} not hold: {_broken(record)}."
    if untold:
        return f"None of {promises} is broken; {fixed(untold, 0)} cannot be told."
    return f"All of {promises} hold."


def _broken(record: Operating) -> str:
    """Whose promises do not hold: which metrics of which tests."""
    rows = rows_of(record.judged, verdict=Verdict.FAILS)
    tests = grouped(rows, lambda row: test_name(row.design, row.by).lower())
    told = []
    for test, own in tests.items():
        metrics = listed(list(dict.fromkeys(_begun(metric_name(row)) for row in own)))
        told.append(f"{metrics} ({test})")
    return listed(told)


def _begun(name: str) -> str:
    """A name inside a sentence."""
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


def question_words(record: Operating, question: Question) -> str:
    """How many promises of a question ended how."""
    rows = rows_of(record.judged, question=question)
    told = [
        f"{fixed(count, 0)} {one if count == 1 else many}"
        for verdict, one, many in (
            (Verdict.HOLDS, "holds", "hold"),
            (Verdict.FAILS, "does not hold", "do not hold"),
            (Verdict.UNTOLD, "cannot be told", "cannot be told"),
        )
        if (count := len(rows_of(rows, verdict=verdict)))
    ]
    return listed(told) + "."


def asked(record: Operating) -> list[Question]:
    """The questions that something is promised of, in their order."""
    return [question for question in QUESTIONS if rows_of(record.judged, question=question)]


def fault_sentence(record: Operating) -> str | None:
    """What the test that is known to be wrong has shown; None where it was not made."""
    rows = rows_of(record.shown_faults, question="false_positive_rate")
    if not rows:
        return None
    told = [
        f"{beside(*value_words(row))} by {row.by}"
        + ("" if row.verdict is Verdict.FAILS else ", too few to show it")
        for row in rows
    ]
    return (
        "Exposures as units where shoppers are split are known to be wrong: of A/As such a test "
        f"calls {listed(told)}."
    )


def sizes(record: Operating) -> list[str]:
    """How much was made, in short."""
    told = []
    if record.redraws:
        designs = len({row.design for row in rows_of(record.rows, by="redraws")})
        told.append(f"{counted(record.redraws, 'redraw')} of {counted(designs, 'design')}")
    if record.worlds:
        told.append(f"{counted(record.worlds, 'world')} of each kind")
    told.append(f"{counted(record.truth_pairs, 'pair')} of worlds for the truth")
    return told
