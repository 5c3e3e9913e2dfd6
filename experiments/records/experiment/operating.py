"""The rows of operating.json: how often a test is wrong, and how wrong, from many of them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Literal

from experiments.records.interval import Interval, Number
from experiments.records.reading import Record, row_of, rows_of

Setting = Literal["aa", "ab"]
By = Literal["redraws", "worlds"]
Question = Literal[
    "false_positive_rate",
    "uniformity",
    "coverage_global",
    "coverage_naive",
    "power",
    "type_s",
    "type_m",
]


class Verdict(StrEnum):
    """What came of a question that has a wanted value."""

    HOLDS = "holds"
    """The wanted value lies in the interval, and errors twice as frequent do not; or the whole
    interval is next to the wanted value."""

    FAILS = "does_not_hold"
    """The wanted value is beyond chance, also after correcting for the number of tests asked."""

    UNTOLD = "cannot_be_told"
    """Too few repetitions, or a truth that is too unsure."""


@dataclass(frozen=True)
class Characteristic:
    """One question about one test, answered from many of them.

    Attributes:
        design: what is split: `shopper`, `session`, `request`, `query_cluster`, `switchback` or
            `listing`; `ramp_up` of shoppers little by little.
        metric: what is compared.
        unit: what the test takes to be independent, in the plural.
        setting: "aa" (both arms are control) or "ab".
        by: "redraws" (one pair of worlds, the split drawn again and again) or "worlds" (experiments
            with luck of their own).
        question: "false_positive_rate" (share of A/A tests with a p-value below 1 - `confidence`),
            "uniformity" (greatest distance of the distribution of their p-values from the uniform
            one, Kolmogorov and Smirnov's), "coverage_global" (share of intervals that hold the true
            effect of everybody's change), "coverage_naive" (share that hold the mean of all
            estimates), "power" (share of significant tests at the true effect), "type_s" (share of
            significant results with the wrong sign), "type_m" (mean size of a significant result
            over the true one).
        value: the answer; its interval has the level `monte_carlo` of the file, and where the truth
            is part of the question, also holds what the ends of the truth's interval make of it.
        wanted: what it should be; null where nothing is promised.
        p_value: of the wanted value; null where there is none.
        p_holm: the same, corrected for the number of tests that were asked the same question.
        verdict: "holds", "does_not_hold" or "cannot_be_told"; null where nothing is promised.
        repetitions: tests that it rests on.
        known_fault: whether the test is known to be wrong, and is there to show it.
    """

    design: str
    metric: str
    unit: str
    setting: Setting
    by: By
    question: Question
    value: Interval
    wanted: Number
    p_value: Number
    p_holm: Number
    verdict: Verdict | None
    repetitions: int
    known_fault: bool = False


@dataclass(frozen=True)
class Estimand:
    """What the A/B tests of one metric estimate, beside what it is to give everybody the treatment.

    Attributes:
        design, metric, by: as of `rows`.
        truth: the global effect, from paired worlds with luck of their own; its level is
            `confidence`.
        naive: the mean of all estimates, with the error of so many; level `monte_carlo`.
        bias: `naive` - `truth`; level `confidence`. It holds the error of the truth, and of redraws
            also the luck of the one pair of worlds that they are of.
        spread: standard deviation of the estimates.
        repetitions: tests.
    """

    design: str
    metric: str
    by: By
    truth: Interval
    naive: Interval
    bias: Interval
    spread: Number
    repetitions: int


@dataclass(frozen=True)
class PValues:
    """How the p-values of the tests are distributed.

    Attributes:
        design, metric, unit, setting, by: as of `rows`.
        counts: how many there are in each of 20 bins of equal width from 0 to 1.
    """

    design: str
    metric: str
    unit: str
    setting: Setting
    by: By
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Operating(Record):
    """The operating characteristics of an experiment: how often its test is wrong, and how wrong.

    Attributes:
        name: of the config.
        confidence: level of the tests' intervals; 1 less it is the level of the tests.
        monte_carlo: level of the intervals of `rows`.
        design: what the config itself splits.
        primary: its metric that decides.
        control, treatment: names of the arms that are compared.
        days: of the experiment.
        redraws: splits that were drawn of each design.
        worlds: experiments with luck of their own, as many A/A as A/B.
        truth_pairs: pairs of worlds that the true effect rests on; 0: it is not known.
        rows: the answers.
        estimands: what the A/B tests estimate, and what they should.
        p_values: histograms.
        missing: what could not be asked, and why, a sentence each.
    """

    FILE: ClassVar[str] = "operating.json"
    COMMAND: ClassVar[str] = "funnelab calibrate"

    name: str
    confidence: float
    monte_carlo: float
    design: str
    primary: str
    control: str
    treatment: str
    days: int
    redraws: int
    worlds: int
    truth_pairs: int
    rows: tuple[Characteristic, ...]
    estimands: tuple[Estimand, ...]
    p_values: tuple[PValues, ...]
    missing: tuple[str, ...]

    @property
    def judged(self) -> list[Characteristic]:
        """The answers that something is promised of, without those of tests known to be wrong."""
        return [row for row in self.rows if row.verdict is not None and not row.known_fault]

    @property
    def shown_faults(self) -> list[Characteristic]:
        """What is told of tests that are known to be wrong."""
        return [row for row in self.rows if row.known_fault]

    def count(self, verdict: Verdict) -> int:
        """How many of the judged answers ended so."""
        return len(rows_of(self.judged, verdict=verdict))

    def estimand(self, row: Characteristic) -> Estimand | None:
        """What the tests of a row estimate."""
        return row_of(self.estimands, design=row.design, metric=row.metric, by=row.by)
