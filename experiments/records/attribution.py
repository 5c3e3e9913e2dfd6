"""The rows of attribution.json: what channels are credited with, and what is lost without them."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from experiments.records.interval import Interval, Number
from experiments.records.manifest import Failed
from experiments.records.reading import Record

Event = Literal["exposure", "click", "cart", "purchase", "gmv"]

EVENTS: tuple[Event, ...] = ("exposure", "click", "cart", "purchase", "gmv")
"""What is credited, in the order of the funnel."""

FUNNEL: tuple[Event, ...] = ("exposure", "click", "purchase")
"""Steps along which shares are compared."""

OUTCOMES: tuple[Event, ...] = ("cart", "purchase", "gmv")
"""Events that are ends of a path of touches."""

SALES: tuple[Event, ...] = ("purchase", "gmv")
"""What is lost or gained in the end: of these lifts and causes are told."""

CUTS = ("all", "day", "query", "category", "item", "shopper")
"""By cut: what the parts are. query: head, torso, tail; item and shopper: new, known."""

FATES = ("same_item", "other_item", "later", "nowhere")
"""Where a purchase goes without the channel that it is credited to."""

GAINED = "gained"
"""Beside the fates: purchases that are made only without the channel, so that nowhere - gained is
what is lost without it, all told (its leave-one-out value)."""

CAUSES = ("sessions", "memory", "stock", "learning", "luck")
"""Why re-simulated worlds tell another value than a replay of a world's requests."""

OFF_POLICY = "off-policy: "
"""How warnings of off-policy estimates begin."""


@dataclass(frozen=True)
class CreditRow:
    """What a rule gives one channel, of one kind of event, in one arm and part of the log.

    Attributes:
        rule, channel, event, arm: which.
        cut, part: `all`; or `day`, `query` (`head`, `torso`, `tail`), `category`, `item` and
            `shopper` (`new`, `known`), and which of it.
        credit: events, or money, that the channel is given.
        total: of the part; a rule may give more (`any_touch`) or less (`exclusive`) than it.
        share: credit / total, over shoppers; null without events, no interval where all agree.
        shoppers: that have such events.
    """

    rule: str
    channel: str
    event: str
    arm: str
    cut: str
    part: str
    credit: float
    total: float
    share: Interval
    shoppers: int


@dataclass(frozen=True)
class JointRow:
    """A joint test that a rule's shares of all channels are the same in two kinds of event.

    Shares move together, so channel-by-channel tests mislead; this is Wald's test over shoppers.

    Attributes:
        arm, rule: which.
        event, against: the two kinds.
        statistic, freedom, p_value: of chi-square; null where it is not determined.
    """

    arm: str
    rule: str
    event: str
    against: str
    statistic: Number
    freedom: int
    p_value: Number


@dataclass(frozen=True)
class StepRow:
    """Whether a channel's any-touch share rises along the funnel.

    Attributes:
        arm, channel: which.
        event, then: one kind of event, and the next of exposure, click, purchase.
        share, then_share: of both.
        rise: their difference, paired over shoppers.
        p_value: two-sided, of no rise.
    """

    arm: str
    channel: str
    event: str
    then: str
    share: Number
    then_share: Number
    rise: Interval
    p_value: Number


@dataclass(frozen=True)
class Overlap:
    """How many events of an arm had an item that exactly these channels found.

    Attributes:
        arm: name of the arm.
        event: `exposure`, `click` or `purchase`.
        channels: the exact set, in the order of the provenance bits.
        count, share: events with that set; an arm's shares sum to 1.
    """

    arm: str
    event: str
    channels: tuple[str, ...]
    count: int
    share: float


@dataclass(frozen=True)
class ValueRow:
    """What a channel is worth in one arm, per exposed shopper.

    Attributes:
        method: `replay` or `worlds`.
        index: `leave_one_out` (all channels against all but this one), `alone` (this one against
            none) or `shapley`.
        channel, event, arm: which.
        value: events, or money, per shopper.
        share: value / what all channels together bring.
        relative: rise over the funnel without the channel; of `leave_one_out` alone.
        p_value: two-sided, of no value.
        sampling_error: standard error of the share from drawing orders of the channels; 0 with all
            coalitions.
        seeds, shoppers: worlds and shoppers behind it.
    """

    method: str
    index: str
    channel: str
    event: str
    arm: str
    value: Interval
    share: Interval
    relative: Interval
    p_value: Number
    sampling_error: Number
    seeds: int
    shoppers: int


@dataclass(frozen=True)
class InteractionRow:
    """What two channels are worth together beyond what each is: negative where they stand in for
    each other (Shapley interaction index, Grabisch and Roubens 1999).

    Attributes:
        method, channel, other, event, arm: which.
        value: per shopper; negative where they stand in for each other.
        share: of what all channels together bring.
    """

    method: str
    channel: str
    other: str
    event: str
    arm: str
    value: Interval
    share: Interval


@dataclass(frozen=True)
class CoalitionRow:
    """What a funnel of only these channels brings, per exposed shopper.

    Attributes:
        method, arm, event: which.
        channels: the only ones that serve.
        value: per shopper.
    """

    method: str
    arm: str
    channels: tuple[str, ...]
    event: str
    value: float


@dataclass(frozen=True)
class FateRow:
    """Where the purchases credited (any-touch) to a channel go without it.

    Attributes:
        method, arm, channel: which.
        fate: `same_item`, `other_item`, `later` or `nowhere`; and `gained`, purchases made without
            the channel alone.
        purchases: how many, all worlds together; expected in a replay; nowhere minus gained is what
            is lost without the channel.
        share: of the purchases credited to the channel; the four fates sum to 1.
    """

    method: str
    arm: str
    channel: str
    fate: str
    purchases: float
    share: Interval


@dataclass(frozen=True)
class DifferenceRow:
    """One step from the replay's leave-one-out value to that of the re-simulated worlds.

    Attributes:
        arm, channel, event: which.
        cause: `replay` and `worlds`, the two ends; between them `sessions`, `memory`, `stock`,
            `learning`, `luck`.
        value: leave-one-out per shopper at the ends, steps between; they sum to the difference.
    """

    arm: str
    channel: str
    event: str
    cause: str
    value: Interval


@dataclass(frozen=True)
class StudyRow:
    """One weight of a study of share against lift.

    Attributes:
        study, arm, channel: which.
        weight: of the channel in the merge.
        measure, event: `any_touch` or `exclusive` share of `exposure`, `purchase` or `gmv`; or
            `lift` of `purchase` or `gmv` over the world without the channel.
        value: the share or lift, over worlds and shoppers.
        p_value, p_holm: of a lift, two-sided, of no effect; and corrected for the study's weights.
        seeds, shoppers: behind it.
    """

    study: str
    arm: str
    channel: str
    weight: float
    measure: str
    event: str
    value: Interval
    p_value: Number
    p_holm: Number
    seeds: int
    shoppers: int


@dataclass(frozen=True)
class OffPolicyRow:
    """What the measured arm would bring, estimated from the log of another arm alone.

    The requests are those for the first page of a query that is new in its session: only of these
    does the log know the probability of a page whatever was shown before.

    Attributes:
        arm, logged: whose pages are judged, and by whose log.
        estimator: `ips`, `snips`, `dr`, or `truth`: what the simulated shoppers would do on
            average.
        event: `click`, `purchase` or `gmv`.
        value: per request; null where the log does not carry the estimator, which a warning tells.
        relative: growth over the log itself; of the truth, over what was to be expected of the
            log's pages.
        supported: share of the judged slots whose item the log could have shown there.
        burden: share of them whose item the log shows there less than once in 100 times, or never.
        effective: effective sample size of the weights (Kish), in slots of the log.
        largest: largest weight; this and the three before are of estimates alone.
        requests, shoppers: behind it.
    """

    arm: str
    logged: str
    estimator: str
    event: str
    value: Interval
    relative: Interval
    supported: Number
    burden: Number
    effective: Number
    largest: Number
    requests: int
    shoppers: int


@dataclass(frozen=True)
class AttributionRecord(Record):
    """What the channels of a run contribute.

    Attributes:
        name: of the run.
        arm: whose channels incrementality measures.
        channels: of all arms, in the order of the provenance bits.
        arms: by arm, the names of its channels.
        order: channels in the order in which `first` credits them.
        rules: that were applied.
        window_days, half_life_days: of the paths.
        confidence: level of all intervals.
        credits: shares by rule.
        joint: tests of all channels' shares at once.
        steps: shares from one step of the funnel to the next.
        sets: exact sets of channels.
        values: what channels are worth.
        interactions: what pairs of channels are worth beyond each other.
        coalitions: what sets of channels bring.
        fates: where credited purchases would go.
        differences: replay against worlds, by cause.
        studies: share against lift.
        warnings: what a reader must know, gravest first.
        log_digest: of the log whose events are credited.
        off_policy: what another arm would bring, from a log alone.
        failed: parts that failed while this was measured; the command then ends with status 3.
    """

    FILE: ClassVar[str] = "attribution.json"
    COMMAND: ClassVar[str] = "funnelab run"

    name: str
    arm: str
    channels: tuple[str, ...]
    arms: dict[str, tuple[str, ...]]
    order: tuple[str, ...]
    rules: tuple[str, ...]
    window_days: float
    half_life_days: float
    confidence: float
    credits: tuple[CreditRow, ...]
    joint: tuple[JointRow, ...]
    steps: tuple[StepRow, ...]
    sets: tuple[Overlap, ...]
    values: tuple[ValueRow, ...]
    interactions: tuple[InteractionRow, ...]
    coalitions: tuple[CoalitionRow, ...]
    fates: tuple[FateRow, ...]
    differences: tuple[DifferenceRow, ...]
    studies: tuple[StudyRow, ...]
    warnings: tuple[str, ...]
    log_digest: str
    off_policy: tuple[OffPolicyRow, ...]
    failed: tuple[Failed, ...] = ()
