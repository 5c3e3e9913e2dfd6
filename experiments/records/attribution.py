"""The rows of attribution.json as frozen values, read and written."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from experiments.records.reading import read_as
from experiments.records.reading import write_record as write_record

SCHEMA = 1
"""Version of the keys of attribution.json."""

FILE = "attribution.json"

Number = float | None
Event = Literal["exposure", "click", "cart", "purchase", "gmv"]

EVENTS: tuple[Event, ...] = ("exposure", "click", "cart", "purchase", "gmv")
"""What is credited, in the order of the funnel."""

OUTCOMES: tuple[Event, ...] = ("cart", "purchase", "gmv")
"""Events that are ends of a path of touches."""

CUTS = ("all", "day", "query", "category", "item", "shopper")
"""By cut: what the parts are. query: head, torso, tail; item and shopper: new, known."""

FATES = ("same_item", "other_item", "later", "nowhere")
"""Where a purchase goes without the channel that it is credited to."""

GAINED = "gained"
"""Beside the fates: purchases that are made only without the channel, so that nowhere - gained is
what is lost without it, all told (its leave-one-out value)."""

CAUSES = ("sessions", "memory", "stock", "learning", "luck")
"""Why re-simulated worlds tell another value than a replay of logged requests."""

OFF_POLICY = "off-policy: "
"""How warnings of off-policy estimates begin."""


@dataclass(frozen=True)
class CreditRow:
    """What a rule gives one channel, of one kind of event, in one arm and part of the log.

    Attributes:
        rule, channel, event, arm: names.
        cut, part: what kind of part (`CUTS`), and which; "all", "" for the whole.
        credit: events, or money, that the channel is given.
        total: of the part; a rule may give more (any-touch) or less (exclusive) than it.
        share: credit / total; None without events.
        low, high: its interval, by the delta method over shoppers; None where all agree.
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
    share: Number
    low: Number
    high: Number
    shoppers: int


@dataclass(frozen=True)
class JointRow:
    """A joint test that a rule's shares of all channels are the same in two kinds of event.

    Shares move together, so channel-by-channel tests mislead; this is Wald's test over shoppers.

    Attributes:
        arm, rule: names.
        event, against: the two kinds of event.
        statistic, freedom, p_value: of chi-square; None where it is not determined.
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
        arm, channel: names.
        event, then: one kind of event, and the next of exposure, click, purchase.
        share, then_share: of both.
        rise, low, high: their difference, its interval paired over shoppers.
        p_value: two-sided, of no rise.
    """

    arm: str
    channel: str
    event: str
    then: str
    share: Number
    then_share: Number
    rise: Number
    low: Number
    high: Number
    p_value: Number


@dataclass(frozen=True)
class OverlapRow:
    """Events whose item exactly these channels found.

    Attributes:
        arm, event: names; event is exposure, click or purchase.
        channels: names, in the order of the provenance bits.
        count, share: of the arm's events of this kind.
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
        method: "replay" or "worlds".
        index: "leave_one_out" (all channels against all but this one), "alone" (this one against
            none) or "shapley".
        channel, event, arm: names.
        value, low, high: events, or money, per shopper.
        share, share_low, share_high: value / what all channels together bring.
        lift, lift_low, lift_high: relative rise over the funnel without the channel; of
            "leave_one_out" alone.
        p_value: two-sided, of no value.
        sampling_error: standard error of the share from drawing orders of the channels; 0 where
            all coalitions are there.
        seeds, shoppers: worlds and shoppers behind it.
    """

    method: str
    index: str
    channel: str
    event: str
    arm: str
    value: Number
    low: Number
    high: Number
    share: Number
    share_low: Number
    share_high: Number
    lift: Number
    lift_low: Number
    lift_high: Number
    p_value: Number
    sampling_error: Number
    seeds: int
    shoppers: int


@dataclass(frozen=True)
class InteractionRow:
    """What two channels are worth together beyond what each is: negative where they stand in for
    each other (Shapley interaction index, Grabisch and Roubens 1999).

    Attributes:
        method, channel, other, event, arm: names.
        value, low, high: per shopper.
        share, share_low, share_high: value / what all channels together bring.
    """

    method: str
    channel: str
    other: str
    event: str
    arm: str
    value: Number
    low: Number
    high: Number
    share: Number
    share_low: Number
    share_high: Number


@dataclass(frozen=True)
class CoalitionRow:
    """What a funnel of only these channels brings, per exposed shopper.

    Attributes:
        method, arm, event: names.
        channels: names, in the order of the provenance bits.
        value: events, or money, per shopper.
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
        method: "replay" (expected, on the same pages; knows no later) or "worlds" (the same
            shoppers' purchases in the paired world without the channel).
        arm, channel: names.
        fate: one of `FATES`, or `GAINED`.
        purchases: how many, all worlds together (expected number in a replay).
        share, low, high: of the channel's credited purchases; the fates' sum to 1.
    """

    method: str
    arm: str
    channel: str
    fate: str
    purchases: float
    share: Number
    low: Number
    high: Number


@dataclass(frozen=True)
class DifferenceRow:
    """One step from the replay's leave-one-out value to that of the re-simulated worlds.

    Attributes:
        arm, channel, event: names.
        cause: one of `CAUSES`; or "replay" and "worlds", the two ends.
        value, low, high: per exposed shopper; the causes sum to worlds - replay.
    """

    arm: str
    channel: str
    event: str
    cause: str
    value: Number
    low: Number
    high: Number


@dataclass(frozen=True)
class StudyRow:
    """One weight of a study of share against lift.

    Attributes:
        study, arm, channel: names.
        weight: of the channel in the merge.
        measure: "any_touch" or "exclusive" share of `event`; or "lift", the true relative rise of
            `event` over the same worlds without the channel.
        event: exposure, purchase or gmv.
        value, low, high: number and interval, over worlds and shoppers.
        p_value: of a lift, two-sided, of no effect; None for shares.
        p_holm: the same, adjusted for the number of weights (Holm).
        seeds, shoppers: behind it.
    """

    study: str
    arm: str
    channel: str
    weight: float
    measure: str
    event: str
    value: Number
    low: Number
    high: Number
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
        arm, logged: whose pages are judged, and whose log judges them.
        estimator: "ips", "snips" or "dr" (doubly robust); or "truth", the expected response of the
            simulated shoppers to the judged pages of the same requests.
        event: click, purchase or gmv.
        value, low, high: per request whose page the shopper waited for.
        lift, lift_low, lift_high: relative to what the log itself holds; of the truth, to the
            expected response to the log's pages.
        supported: share of the judged pages' slots whose item the log could have shown there.
        effective: effective sample size of the weights (Kish), in slots of the log.
        largest: largest weight; this and the two before are of estimates alone.
        requests, shoppers: behind it.
    """

    arm: str
    logged: str
    estimator: str
    event: str
    value: Number
    low: Number
    high: Number
    lift: Number
    lift_low: Number
    lift_high: Number
    supported: Number
    effective: Number
    largest: Number
    requests: int
    shoppers: int


@dataclass(frozen=True)
class AttributionRecord:
    """attribution.json.

    Attributes:
        name: of the run.
        arm: whose channels incrementality measures.
        channels: of all arms, in the order of the provenance bits.
        arms: names and the channels of each.
        order: channels in the order in which "first" credits them.
        rules: that were applied, in order.
        window_days, half_life_days: as in the settings.
        confidence: level of all intervals.
        warnings: what a reader must know, in plain words, gravest first.
        log_digest: of the log whose events are credited.
    """

    schema: int
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
    sets: tuple[OverlapRow, ...]
    values: tuple[ValueRow, ...]
    interactions: tuple[InteractionRow, ...]
    coalitions: tuple[CoalitionRow, ...]
    fates: tuple[FateRow, ...]
    differences: tuple[DifferenceRow, ...]
    studies: tuple[StudyRow, ...]
    warnings: tuple[str, ...]
    log_digest: str = ""
    off_policy: tuple[OffPolicyRow, ...] = ()


def read_record(path: Path) -> AttributionRecord:
    """Read attribution.json.

    Raises:
        StoreError: the file is not there or not whole.
        DataError: it is not such a record, or of another version.
    """
    return read_as(AttributionRecord, path, SCHEMA)
