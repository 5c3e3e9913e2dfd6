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
        rung: of the ladder: "invariants" (what may never be), "ranges" (where a shop's figures
            lie), "controls" (what no arm can move), "favouritism" (what no
            channel can know), "own_log" (how far it is from the user's own log), "past_tests"
            (whether simulated lifts came true), "policy_shift" (whether clicks under one policy
            tell of another's).
        period: whose log: "history" or "experiment".
        arm: the arm that is looked at, or that is compared with control; "" for all of them.
        fact: its name.
        unit: of `found`: "violations" (rows that must not be), "share", "number", "test" (a
            difference that should be zero, with a p-value), "distance" (of two distributions, 0 to
            1), "points" (a difference of shares), or "area" (under the curve of a classifier).
        found: the value, with an interval over shoppers.
        low, high: the range; null: open at this end.
        source: where the range is from.
        weak: whether that is no published figure, so that the worst that is said is a warning.
        p_value: of a test; null else.
        p_holm: the same, corrected for the number of tests of the family.
        verdict: "pass", "warn", "fail" or "untold".
        n: how many rows, events or shoppers it rests on.
        note: what helps to read it: the first wrong row, the size of a sample.
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
        period: whose log.
        device: "phone" or "desktop".
        position: 0-based.
        exposures: how many results were shown there.
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
        items: share of the items that were bought at all, the most bought first.
        purchases: share of all purchases that they hold.
    """

    items: float
    purchases: float


@dataclass(frozen=True)
class ChannelRecall:
    """How much of what is relevant a channel finds, by one of several truths.

    Attributes:
        truth: what is relevant: "match" (what is wanted), "worth" (what the very shopper values
            most), "worth_without_tastes" (the same, with taste and quality given to other items),
            "permuted" (what is wanted, with all that is latent given to other items), "grades" (of
            human judges).
        measure: "recall" (the found share of what is relevant) or "ndcg_at_10" (of grades).
        channel: its name.
        place: among the channels by this truth and measure, from 1.
        found: the mean over requests, with an interval over shoppers; over queries where the truth
            is grades, over permutations where it is permuted.
        random: what as many items drawn at random would have.
        random_in_category: the same of items drawn in the categories of those that were found; null
            where the truth is not "match".
        over_next: how much more it has than the channel at the next place, paired by request; null
            for the last, and where the truth is permuted.
        judged_at_10: share of its first ten that somebody judged; null without grades.
        n: requests or queries.
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
        rows: how many rows, pages or days it is about.
        handling: what was done with them.
        note: which.
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
        share: of the values that are below.
        own, simulated: the quantile in either log.
    """

    fact: str
    share: float
    own: float
    simulated: float


@dataclass(frozen=True)
class TellingFeature:
    """What one feature of orders tells of the log that they are from.

    Attributes:
        feature: its name.
        lost: how much of the area under the curve is lost without it.
        alone: the area under the curve of this feature alone; 0.5: it tells nothing, below 0.5: it
            is less in the simulated log.
    """

    feature: str
    lost: float
    alone: Interval


@dataclass(frozen=True)
class ClickPerplexity:
    """How well a click model foretells clicks of pages that it has not learned from.

    Attributes:
        log: "own" or "simulated": it is fitted to that log, and asked about it.
        model: its type.
        perplexity: 1 is perfect, 2 as good as a coin; mean over the ranks.
        by_rank: the same of each rank from the top; null where no page is so long.
        pages: of the log that were fitted to or asked about.
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
        test: its name.
        change: what was changed; "" where it is not told.
        found, simulated: relative effects, with intervals from their standard errors.
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
        first_day: first day of it that was compared.
        days: how many days, of both logs.
        orders, shoppers: of the own log in these days.
        simulated_orders, simulated_shoppers: of the simulated log.
        findings: what was wrong, and what was done with it.
        quantiles: of each quantity, for the pictures.
        telling: features of orders, what tells most first.
        perplexities: of click models; none where the log has no whole pages.
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
        name: of the run.
        confidence: level of all intervals.
        checks: one row for each check.
        positions: clicks by place, for the picture.
        concentration: purchases by item in the history, for the picture.
        recalls: what the channels find by several truths; none where they were not asked.
        own_log: what was compared of the user's own log; null without one.
        past: the user's past experiments, if given.
        missing: checks that this run cannot have, and why, a sentence each.
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
