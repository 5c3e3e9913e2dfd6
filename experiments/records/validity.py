"""The rows of validity.json: what was checked of a simulated market, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Literal

from experiments.records.interval import Interval, Number
from experiments.records.reading import Record, rows_of

Rung = Literal[
    "invariants", "ranges", "controls", "favouritism", "own_log", "past_tests", "policy_shift"
]
Period = Literal["history", "experiment"]
Unit = Literal["violations", "share", "number", "test", "distance", "points", "area"]
WhichLog = Literal["own", "simulated"]
Truth = Literal["match", "worth", "worth_without_tastes", "permuted", "grades"]
"""What is relevant to a request: the items that match what is wanted; those that the very shopper
values most; the same, with taste and quality given to other items; the matching ones, with all that
is latent given to other items; what human judges graded."""


class Verdict(StrEnum):
    """What came of one check."""

    PASS = "pass"
    """As it must be: the whole interval lies in the range."""

    WARN = "warn"
    """It cannot be told: the interval holds an end of the range; or it lies outside of a range
    whose source is weak; or a test would be beyond chance if it stood alone."""

    FAIL = "fail"
    """Not as it must be: something is wrong, or the whole interval lies outside of the range."""

    UNTOLD = "untold"
    """The log is too small to tell anything."""


@dataclass(frozen=True)
class Check:
    """One check of a period.

    Attributes:
        rung: rung of the ladder: "invariants" (what may never be), "ranges" (where a shop's figures
            lie), "controls" (what no arm can move), "favouritism" (what no channel can know),
            "own_log" (how far it is from the user's own log), "past_tests" (whether simulated lifts
            came true), or "policy_shift" (whether clicks under one policy predict another's).
        period: the log that is checked: "history" or "experiment".
        arm: the arm that is looked at, or that is compared with control; "" for all of them.
        fact: name of the fact.
        unit: of `found`: "violations" (rows that must not be), "share", "number", "test" (a
            difference that should be zero, with a p-value), "distance" (of two distributions, 0 to
            1), "points" (a difference of shares), or "area" (under the curve of a classifier).
        found: the value, with an interval over shoppers.
        low, high: ends of the wanted range; null: open at this end.
        source: where the wanted range is from.
        weak: whether the source is no published figure; then the worst verdict is a warning.
        p_value: p-value of a test; else null.
        p_holm: the same, corrected for the number of tests of the family.
        verdict: "pass", "warn", "fail" or "untold" (it cannot be told).
        n: number of rows, events or shoppers that it rests on.
        note: what helps to read it, such as the first wrong row or the size of a sample.
    """

    rung: Rung
    period: Period
    fact: str
    unit: Unit
    found: Interval
    verdict: Verdict
    n: int
    arm: str = ""
    low: Number = None
    high: Number = None
    source: str = ""
    weak: bool = False
    p_value: Number = None
    p_holm: Number = None
    note: str = ""


@dataclass(frozen=True)
class PositionRate:
    """How often the results of one place were clicked, on first pages.

    Attributes:
        period: the log: "history" or "experiment".
        device: "phone" or "desktop".
        position: position on the page, 0-based.
        exposures: number of results shown there.
        ctr: clicks over exposures.
    """

    period: Period
    device: str
    position: int
    exposures: int
    ctr: Interval


@dataclass(frozen=True)
class Concentration:
    """How purchases gather on few items: a point of the Lorenz curve.

    Attributes:
        items: share of the items that were bought at all, beginning with the most bought.
        purchases: share of all purchases that these items hold.
    """

    items: float
    purchases: float


@dataclass(frozen=True)
class ChannelRecall:
    """How much of what is relevant a channel finds, by one of several truths.

    Attributes:
        truth: which items are relevant: "match" (those that match the need), "worth" (those that
            this shopper values most), "worth_without_tastes" (the same, with taste and quality
            reassigned to other items), "permuted" (those that match the need, with everything
            latent reassigned to other items), or "grades" (by human judges).
        measure: "recall" (share of the relevant items that is found) or "ndcg_at_10" (for grades).
        channel: name of the channel.
        place: rank of the channel by this truth and measure, from 1.
        found: mean over requests, with an interval over shoppers; over queries for "grades", over
            permutations for "permuted".
        random: expectation for as many items drawn at random.
        random_in_category: the same for items drawn in the categories of those found; null where
            the truth is not "match".
        over_next: lead over the channel at the next place, paired by request; null for the last
            channel, and where the truth is permuted.
        judged_at_10: share of its first ten items that somebody judged; null without grades.
        n: number of requests or queries.
    """

    truth: Truth
    measure: Literal["recall", "ndcg_at_10"]
    channel: str
    place: int
    found: Interval
    random: float
    random_in_category: Number
    over_next: Interval
    judged_at_10: Number
    n: int


@dataclass(frozen=True)
class LogFinding:
    """Something in the user's own log that cannot be compared.

    Attributes:
        what: what was found.
        rows: number of rows, pages or days concerned.
        handling: what was done with them.
        note: which ones.
    """

    what: str
    rows: int
    handling: str
    note: str = ""


@dataclass(frozen=True)
class QuantilePair:
    """A quantile of one quantity in both logs.

    Attributes:
        fact: the quantity, as in `checks`.
        share: share of the values that are below the quantile.
        own, simulated: the quantile in each log.
    """

    fact: str
    share: float
    own: float
    simulated: float


@dataclass(frozen=True)
class TellingFeature:
    """What one feature of orders tells of the log that they are from.

    Attributes:
        feature: name of the feature.
        lost: loss of area under the curve without this feature.
        alone: area under the curve of this feature alone. 0.5: it does not separate the logs; below
            0.5: it is smaller in the simulated log.
    """

    feature: str
    lost: float
    alone: Interval


@dataclass(frozen=True)
class ClickPerplexity:
    """How well a click model foretells clicks of pages that it has not learned from.

    Attributes:
        log: "own" or "simulated": the log that the model is fitted to and evaluated on.
        model: type of the click model.
        perplexity: mean over the ranks; 1 is perfect, 2 is as good as a coin.
        by_rank: perplexity of each rank from the top; null where no page is so long.
        pages: number of pages that the model was fitted to or evaluated on.
    """

    log: WhichLog
    model: str
    perplexity: float
    by_rank: tuple[Number, ...]
    pages: int


@dataclass(frozen=True)
class PastTest:
    """One of the user's past experiments, and what the simulator says of the same change.

    Attributes:
        test: name of the test.
        change: what was changed; "" if the table does not say.
        found, simulated: relative effects, the test's and the simulated one, with intervals from
            their standard errors.
        agree: whether both have the same sign.
    """

    test: str
    change: str
    found: Interval
    simulated: Interval
    agree: bool


@dataclass(frozen=True)
class OwnLogFacts:
    """What was compared of the user's own log.

    Attributes:
        first_day: first day of the own log that was compared.
        days: number of days compared, in both logs.
        orders, shoppers: number in the own log in these days.
        simulated_orders, simulated_shoppers: number in the simulated log.
        findings: what was wrong in the own log, and what was done with it.
        quantiles: of each quantity, for the pictures.
        telling: features of orders, in the order of how well they separate the logs.
        perplexities: of click models; empty where the log has no whole pages.
    """

    first_day: str
    days: int
    orders: int
    shoppers: int
    simulated_orders: int
    simulated_shoppers: int
    findings: tuple[LogFinding, ...]
    quantiles: tuple[QuantilePair, ...]
    telling: tuple[TellingFeature, ...]
    perplexities: tuple[ClickPerplexity, ...]


@dataclass(frozen=True)
class Validity(Record):
    """Whether a simulated market can be believed, as far as its own logs tell.

    Attributes:
        name: name of the run.
        confidence: level of all intervals.
        checks: one row for each check.
        positions: clicks by place, for the picture.
        concentration: purchases by item in the history, for the picture.
        recalls: recall of the channels by several truths; empty where they were not asked.
        own_log: comparison with the user's own log; null without one.
        past: comparison with the user's past experiments, if given.
        missing: checks that are impossible for this run, and why, a sentence each.
    """

    FILE: ClassVar[str] = "validity.json"
    COMMAND: ClassVar[str] = "funnelab validate"

    name: str
    confidence: float
    checks: tuple[Check, ...]
    positions: tuple[PositionRate, ...]
    concentration: tuple[Concentration, ...]
    missing: tuple[str, ...]
    recalls: tuple[ChannelRecall, ...] = ()
    own_log: OwnLogFacts | None = None
    past: tuple[PastTest, ...] = ()

    def count(self, verdict: Verdict, rung: Rung | None = None) -> int:
        """How many checks ended so, of one rung or of all."""
        rows = self.checks if rung is None else rows_of(self.checks, rung=rung)
        return len(rows_of(rows, verdict=verdict))
