"""The rows of judges.json: how well relevance judges grade texts that nobody was paid for."""

from dataclasses import dataclass
from typing import ClassVar

from experiments.records.interval import Interval
from experiments.records.reading import Record


@dataclass(frozen=True)
class Judged:
    """One measure of a judge, against the simulated truth.

    Attributes:
        judge: its name.
        measure: `macro_f1`, the mean of F1 over grades; `f1_0` to `f1_3`, of one grade; `auc`, how
            often a pair of grade 2 or 3 has the higher score of two; `accuracy`, how often the
            likeliest grade is the true one; of judges that say why, `category_verdict`,
            `brand_verdict` and `values_verdict`, how often that verdict is the true one, and
            `contradiction`, how often the grade is not the one that the verdicts give.
        value: with its interval over texts; null where no pair has such a grade.
    """

    judge: str
    measure: str
    value: Interval


@dataclass(frozen=True)
class JudgesRecord(Record):
    """The judges of a run.

    Attributes:
        name: name of the run.
        confidence: level of all intervals.
        bought: annotated pairs that judges have learned from; 0: they have learned from clicks.
        noise: chance of a mistake in each verdict and grade; 0 for human grades.
        measured: pairs that they are measured on, of other texts and without mistakes.
        grades: how many of these have each grade, 0 to 3.
        judged: measures of every judge.
        source: `simulated` annotators, or human `judgments` of a file.
    """

    FILE: ClassVar[str] = "judges.json"
    COMMAND: ClassVar[str] = "funnelab run"
    WITH: ClassVar[str] = "judges"

    name: str
    confidence: float
    bought: int
    noise: float
    measured: int
    grades: tuple[int, ...]
    judged: tuple[Judged, ...]
    source: str = "simulated"
