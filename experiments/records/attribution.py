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
        rule, channel, event, arm: rule of credit, channel, kind of event, and arm.
        cut, part: `all` (no part); or a cut and which part of it: `day`, `query` (`head`, `torso`,
            `tail`), `category`, `item` or `shopper` (`new`, `known`).
        credit: number of events, or sum of money, that the rule credits to the channel.
        total: number of events, or sum of money, in the part; the credits of all channels may sum
            to more (`any_touch`) or less (`exclusive`).
        share: `credit` / `total`, with an interval over shoppers; null without events, no interval
            where all shoppers agree.
        shoppers: shoppers with such events.
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
        arm, rule: the arm, and the rule of credit.
        event, against: the two kinds of event that are compared.
        statistic, freedom, p_value: chi-square statistic, its degrees of freedom and p-value; null
            where not determined.
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
        arm, channel: the arm, and the channel.
        event, then: a kind of event, and the next one of exposure, click, purchase.
        share, then_share: the channel's share of each of the two.
        rise: `then_share` - `share`, paired over shoppers.
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
        channels: the channels that found the item, exactly these, in the order of the bits of
            `sources`.
        count, share: number of events whose item exactly these channels found, and their share of
            the arm's events.
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
        method: `replay` (the same log with other pages) or `worlds` (simulated anew).
        index: `leave_one_out` (all channels against all but this one), `alone` (this one against
            none) or `shapley`.
        channel, event, arm: the channel, kind of event, and arm.
        value: the channel's value: events, or money, per shopper.
        share: `value` over what all channels together bring.
        relative: rise over the funnel without the channel; only for `leave_one_out`.
        p_value: two-sided, of a value of 0.
        sampling_error: Monte Carlo error (standard error) of the share, from sampling orders of the
            channels; 0 where all coalitions are computed.
        seeds, shoppers: number of worlds and of shoppers that it rests on.
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
        method, channel, other, event, arm: as in `values`; `other` is the second channel.
        value: what the two are worth together beyond each by itself (Shapley interaction index),
            per shopper; negative where one can replace the other.
        share: `value` over what all channels together bring.
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
        method, arm, event: as in `values`.
        channels: the only channels that serve.
        value: what they bring, per shopper.
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
        method, arm, channel: as in `values`.
        fate: what becomes of a purchase without the channel: `same_item`, `other_item`, `later` or
            `nowhere`. `gained` counts purchases that are made only without the channel.
        purchases: number of purchases, in all worlds together; in a replay the expected number. The
            channel's loss is nowhere minus gained.
        share: share of the purchases credited to the channel; the four fates sum to 1.
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
        arm, channel, event: as in `values`.
        cause: `replay` and `worlds` are the two ends; `sessions`, `memory`, `stock`, `learning` and
            `luck` are the steps between them.
        value: at the ends the leave-one-out value per shopper; between them the steps, which sum to
            the difference of the ends.
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
        study, arm, channel: name of the study, the arm, and the channel.
        weight: weight of the channel in the merge.
        measure, event: `any_touch` or `exclusive` share of `exposure`, `purchase` or `gmv`; or
            `lift` of `purchase` or `gmv` over the world without the channel.
        value: the share or lift, with an interval over worlds and shoppers.
        p_value, p_holm: of a lift: two-sided, of no effect; and corrected for the study's number of
            weights.
        seeds, shoppers: number of worlds and of shoppers that it rests on.
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
        arm, logged: the arm whose pages are evaluated, and the arm whose log is used.
        estimator: `ips`, `snips` or `dr`; or `truth`, what the simulated shoppers would do on
            average.
        event: `click`, `purchase` or `gmv`.
        value: events, or money, per request; null where the log does not support the estimator, and
            a warning then says so.
        relative: change against the log itself; for `truth`, against the expectation for the log's
            pages.
        supported: share of the evaluated slots whose item the log could have shown there.
        burden: share of the evaluated slots whose item the log shows there less than once in 100
            times, or never.
        effective: effective sample size of the weights (Kish), in slots of the log.
        largest: largest weight. This key and the three before it are null for `truth`.
        requests, shoppers: number of requests and of shoppers that it rests on.
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
        name: name of the run.
        arm: the arm whose channels are measured by incrementality.
        channels: the channels of all arms, in the order of the bits of `sources`.
        arms: for each arm, the names of its channels.
        order: channels in the order in which `first` credits them.
        rules: the rules of credit that were applied.
        window_days, half_life_days: how long before an outcome a click still counts as a touch, and
            the age at which a touch counts for half (days).
        confidence: level of all intervals.
        credits: shares by rule.
        joint: tests of all channels' shares at once.
        steps: shares from one step of the funnel to the next.
        sets: events by the exact set of channels that found the item.
        values: value of each channel.
        interactions: what pairs of channels are worth together beyond each by itself.
        coalitions: value of sets of channels.
        fates: what would become of credited purchases without the channel.
        differences: why replay and worlds differ, by cause.
        studies: a channel's share beside its lift.
        warnings: what a reader must know, gravest first.
        log_digest: digest of the log whose events are credited.
        off_policy: what another arm would bring, estimated from a log alone.
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
