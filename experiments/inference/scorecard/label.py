"""What to do with a change: launch it, test it online, or hold it; and why, in plain sentences.

Each part of the evidence votes, and the most careful vote is the label. A part that is switched
off or knows nothing does not vote, so what each part is worth can be measured: leave it out, and
count the wrong launches. The parts are those that Shekhar and Howard name (arXiv 2605.12840, 2026,
known here by its abstract): lower bound, guardrails, support, out-of-time and sensitivity; how they
vote is this house's. With all parts on, nothing is launched that the rule of `scorecard.decision`
does not ship.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from experiments.inference.scorecard.decision import Judged
from experiments.inference.scorecard.roles import Role
from experiments.records.interval import UNKNOWN, Interval, Number
from simulator.errors import ConfigError


class Label(StrEnum):
    """What to do."""

    HOLD = "hold"
    """Something speaks against it."""

    TEST = "test online"
    """Nothing speaks against it, and too little for it."""

    LAUNCH = "launch"
    """Everything that was asked speaks for it."""


_ORDER = tuple(Label)  # the most careful first


class Part(StrEnum):
    """A part of the evidence."""

    BOUND = "bound"
    """Lower bound: a success metric is surely better."""

    GUARDRAILS = "guardrails"
    """No guardrail is worse by more than its margin."""

    WORSE = "worse"
    """No metric is surely worse."""

    CHECKS = "checks"
    """The experiment itself is sound."""

    SUPPORT = "support"
    """Enough shoppers tell of it."""

    LATER = "later"
    """Out-of-time: a later period says the same."""

    SENSITIVITY = "sensitivity"
    """Other worlds say the same."""


@dataclass(frozen=True)
class Evidence:
    """All that is known of a change; what is None or UNKNOWN was not asked.

    Attributes:
        judged: the tests of the metrics that count.
        failed: checks of the experiment that failed.
        effective: effective number of shoppers, or of buyers, that the effect rests on.
        triggered: share of the exposed shoppers whose pages the change touched.
        later: gain of a success metric in a later period, turned so that more is better.
        worlds: share of the worlds with other assumptions in which the gain has the same sign.
    """

    judged: tuple[Judged, ...]
    failed: tuple[str, ...] = ()
    effective: Number = None
    triggered: Number = None
    later: Interval = UNKNOWN
    worlds: Number = None


@dataclass(frozen=True)
class Bar:
    """What the evidence must reach; conventions of this house, to be set before the data are seen.

    Attributes:
        effective: fewest effective shoppers for which Student's interval of a skewed metric is
            trusted.
        triggered: least share of shoppers touched.
        worlds: least share of worlds with the same sign; below a half the sign is the other.
    """

    effective: float = 100.0
    triggered: float = 0.01
    worlds: float = 0.9

    def __post_init__(self) -> None:
        if not 0 <= self.triggered <= 1:
            raise ConfigError(f"bar.triggered == {self.triggered}, must be within 0 and 1")
        if not 0.5 <= self.worlds <= 1:
            raise ConfigError(f"bar.worlds == {self.worlds}, must be within 0.5 and 1")


@dataclass(frozen=True)
class Vote:
    """What one part says.

    Attributes:
        part: which.
        label: what it would do.
        reason: why, in a sentence.
    """

    part: Part
    label: Label
    reason: str


@dataclass(frozen=True)
class Verdict:
    """The label, and every vote for it or against it.

    Attributes:
        label: the most careful of the votes; `test online` where nobody votes.
        votes: in the order of `Part`.
    """

    label: Label
    votes: tuple[Vote, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences that decided."""
        return tuple(vote.reason for vote in self.votes if vote.label is self.label)


def verdict(evidence: Evidence, bar: Bar, parts: Collection[Part] = tuple(Part)) -> Verdict:
    """Label a change.

    Args:
        evidence: what is known of it.
        bar: what that must reach.
        parts: those that vote.
    """
    votes = tuple(
        Vote(part, label, reason)
        for part in Part
        if part in parts
        for label, reason in _SAYS[part](evidence, bar)
    )
    label = min((vote.label for vote in votes), key=_ORDER.index, default=Label.TEST)
    return Verdict(label, votes)


Said = Iterator[tuple[Label, str]]


def _bound(evidence: Evidence, bar: Bar) -> Said:
    success = [each for each in evidence.judged if each.aim.role is Role.SUCCESS]
    better = [each for each in success if each.better]
    for each in better:
        yield Label.LAUNCH, f"{each.aim.metric} is better, by {_number(each.gain.low)} at least"
    if success and not better:
        told = ", ".join(f"{e.aim.metric}{f' ({e.reason})' if e.reason else ''}" for e in success)
        yield Label.TEST, f"no success metric is shown to be better: {told}"


def _guardrails(evidence: Evidence, bar: Bar) -> Said:
    guardrails = [each for each in evidence.judged if each.aim.role is Role.GUARDRAIL]
    for each in guardrails:
        name = each.aim.metric
        if each.broken:
            yield Label.HOLD, f"{name} is worse by more than its margin"
        elif each.safe is None:
            yield Label.TEST, f"{name} is not known: {each.reason}"
        elif not each.safe:
            yield Label.TEST, f"{name} is not shown to be within its margin"
    if guardrails and all(each.safe for each in guardrails):
        names = ", ".join(each.aim.metric for each in guardrails)
        yield Label.LAUNCH, f"within their margins: {names}"


def _worse(evidence: Evidence, bar: Bar) -> Said:
    for each in evidence.judged:
        if each.worse is None:
            yield Label.TEST, f"whether {each.aim.metric} is worse is not known: {each.reason}"
        elif each.worse:
            yield Label.HOLD, f"{each.aim.metric} is worse"
    if evidence.judged and all(each.worse is False for each in evidence.judged):
        yield Label.LAUNCH, "no metric is seen to be worse"


def _checks(evidence: Evidence, bar: Bar) -> Said:
    for check in evidence.failed:
        yield Label.HOLD, f"a check failed: {check}"


def _support(evidence: Evidence, bar: Bar) -> Said:
    for known, least, what in (
        (evidence.effective, bar.effective, "effective shoppers"),
        (evidence.triggered, bar.triggered, "of the shoppers touched"),
    ):
        if known is not None:
            enough = known >= least
            told = f"{_number(known)} {what}, {_number(least)} are asked for"
            yield (Label.LAUNCH if enough else Label.TEST), told


def _later(evidence: Evidence, bar: Bar) -> Said:
    gain = evidence.later
    if gain.estimate is None:
        return
    if gain.high is not None and gain.high < 0:
        yield Label.HOLD, "a later period shows a loss"
    elif gain.estimate <= 0:
        yield Label.TEST, "a later period shows no gain"
    else:
        yield Label.LAUNCH, "a later period shows a gain, too"


def _sensitivity(evidence: Evidence, bar: Bar) -> Said:
    if evidence.worlds is None:
        return
    told = f"the sign holds in {evidence.worlds:.0%} of the worlds"
    if evidence.worlds < 0.5:
        yield Label.HOLD, told
    elif evidence.worlds < bar.worlds:
        yield Label.TEST, f"{told}, {bar.worlds:.0%} are asked for"
    else:
        yield Label.LAUNCH, told


_SAYS: Mapping[Part, Callable[[Evidence, Bar], Said]] = {
    Part.BOUND: _bound,
    Part.GUARDRAILS: _guardrails,
    Part.WORSE: _worse,
    Part.CHECKS: _checks,
    Part.SUPPORT: _support,
    Part.LATER: _later,
    Part.SENSITIVITY: _sensitivity,
}


def _number(number: Number) -> str:
    if number is None:
        return "an unknown amount"
    return f"{number:,.0f}" if abs(number) >= 1_000 else f"{number:.3g}"
