"""The rows of rewards.json: rewards and algorithms compared."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from cqsid.alignment.report import Evaluation, StepReading
from experiments.records.interval import Interval, Number
from experiments.records.reading import Record, row_of

ONLINE = ("gmv", "uctcvr", "orders", "ctr")
"""Metrics whose true lift is shown; see `experiments.inference.metrics`."""


MATCH = 0.05
"""Most that a control's weight may differ from the matched one and still be called that (share)."""


class Control(StrEnum):
    """What a policy is held against besides the supervised model."""

    SFT = "sft"
    """Supervised learning from experts: what they bring without any reward."""

    GRPO = "grpo"
    """Plain GRPO: what the reward brings without any expert."""


@dataclass(frozen=True)
class PolicyRow:
    """One policy of the grid; the supervised model is the first row, without reward.

    Attributes:
        name, reward, algorithm: which; no reward and algorithm for the supervised model.
        seeds: number of trainings.
        oracle: whether its reward asks the simulated shopper.
        ended: why each training ended: `finished`, `recall` or `divergence`.
        kept: step whose weights each training kept.
        seconds: mean time of a training (s); differs between runs.
        control: `sft` or `grpo` if this policy is the control of others; else empty.
        weight: its weight of supervised learning from experts; null for the supervised model.
        matched: weight at which an SFT control would push the experts as hard as this policy does;
            null for a control, without experts, and where none is known.
        experts: which experts it learns from, in words; empty for none.
    """

    name: str
    reward: str
    algorithm: str
    seeds: int
    oracle: bool
    ended: tuple[str, ...]
    kept: tuple[int, ...]
    seconds: Number
    control: str
    weight: Number
    matched: Number
    experts: str

    def weight_matches(self, control: "PolicyRow") -> bool:
        """Whether an SFT control pushes the policy's experts as hard as the policy does."""
        if self.matched is None or control.weight is None or self.experts != control.experts:
            return False
        return abs(control.weight - self.matched) <= MATCH * self.matched


@dataclass(frozen=True)
class Offline:
    """One offline measure of one policy, beside the supervised model's.

    Attributes:
        policy, measure: name of the policy, and of the measure.
        value: mean over seeds and requests.
        effect: the value minus the supervised model's, paired.
        relative: the value over the supervised model's, minus 1.
        p_value: two-sided, of no difference.
        p_holm: corrected for all policies and measures.
        per_seed: the mean over requests, for each seed.
        n, shoppers: number of requests and of shoppers that it rests on.
    """

    policy: str
    measure: str
    value: Interval
    effect: Interval
    relative: Interval
    p_value: Number
    p_holm: Number
    per_seed: tuple[float, ...]
    n: int
    shoppers: int


@dataclass(frozen=True)
class Online:
    """The true effect of serving a policy instead of the supervised model, from paired worlds.

    Attributes:
        policy, metric: name of the policy, and of the metric.
        base, value: the metric with the supervised model and with the policy.
        relative: true lift, value / base - 1; its interval is over training seeds, lucks of worlds
            and shoppers.
        p_value: two-sided, of no lift.
        p_holm: corrected for all policies and metrics.
        per_seed: lift of each training.
        shoppers: number of shoppers that it rests on.
    """

    policy: str
    metric: str
    base: Number
    value: Number
    relative: Interval
    p_value: Number
    p_holm: Number
    per_seed: tuple[Number, ...]
    shoppers: int


@dataclass(frozen=True)
class Contrast:
    """A policy beside another one, paired by seed and request, or by seed, luck and shopper.

    Attributes:
        policy, against: the policy, and its control.
        kind, name: `offline` and a measure, or `online` and a metric.
        effect: the policy's value minus the control's; online without an interval.
        relative: the policy's value over the control's, minus 1.
        p_value: two-sided, of no difference; online of no relative difference.
        p_holm: corrected for all contrasts of the kind.
    """

    policy: str
    against: str
    kind: str
    name: str
    effect: Interval
    relative: Interval
    p_value: Number
    p_holm: Number


@dataclass(frozen=True)
class PolicyShare:
    """What share of events the generative channel holds in a policy's worlds.

    Attributes:
        policy: name of the policy.
        rule: `any_touch`: the channel found the item; `exclusive`: no other channel did.
        event: `exposure`, `click`, `purchase` or `gmv`.
        share: the generative channel's share of the events; its interval is over seeds, lucks of
            worlds and shoppers.
    """

    policy: str
    rule: str
    event: str
    share: Interval


@dataclass(frozen=True)
class Course:
    """The course of one training.

    Attributes:
        policy, seed: the policy, and the seed of the training.
        steps: one reading for each rollout batch.
        evaluations: evaluations on held-out requests; the first is of the supervised model.
    """

    policy: str
    seed: int
    steps: tuple[StepReading, ...]
    evaluations: tuple[Evaluation, ...]


@dataclass(frozen=True)
class Hacking:
    """How far a policy's reward ran ahead of what the simulated shoppers would give for it.

    Both are measured on the best ten ids of held-out requests and in units of the spread, over
    those requests, of the supervised model's values.

    Attributes:
        policy: name of the policy.
        reward: gain in the reward that was optimised.
        oracle: gain in what the simulated shoppers would buy.
        gap: `reward` minus `oracle`.
        steps, reward_E, oracle_E: the same gains at each evaluation, mean over seeds.
    """

    policy: str
    reward: Interval
    oracle: Interval
    gap: Interval
    steps: tuple[int, ...]
    reward_E: tuple[Number, ...]
    oracle_E: tuple[Number, ...]


@dataclass(frozen=True)
class Trust:
    """Whether policies that an offline measure prefers are those with the greater true lift.

    Attributes:
        measure, metric: offline measure and online metric.
        rank_correlation: Spearman's, over policies; its interval is from a bootstrap over policies,
            seeds, lucks of worlds and shoppers.
        policies: how many policies it rests on.
    """

    measure: str
    metric: str
    rank_correlation: Interval
    policies: int


@dataclass(frozen=True)
class RewardsRecord(Record):
    """Everything that the lab found.

    Attributes:
        name: name of the run.
        baseline: name of the supervised model, from which all policies start.
        arm, channel: the arm whose funnel serves, and its generative channel.
        seeds, worlds: number of trainings of each policy, and of paired worlds for each training.
        confidence: level of all intervals.
        requests: number of test requests.
        items, shoppers, days: size and length of the worlds.
        policies: the policies that were trained.
        offline: offline measures of every policy, compared with the supervised model.
        online: true lifts of serving a policy instead of the supervised model.
        control: true lifts of the supervised model and of each policy over the config's control
            arm, that is, what is incremental; empty if no such world was simulated.
        contrasts: policies compared with their controls.
        policy_shares: share of the generative channel in exposures, clicks, purchases and GMV.
        courses: the course of every training.
        hacking: gain in the reward, beside the gain in what simulated shoppers would buy.
        trust: whether an offline measure prefers the policies with the greater true lift.
        warnings: what a reader must know, a sentence each.
    """

    FILE: ClassVar[str] = "rewards.json"
    COMMAND: ClassVar[str] = "funnelab rewards"

    name: str
    baseline: str
    arm: str
    channel: str
    seeds: int
    worlds: int
    confidence: float
    requests: int
    items: int
    shoppers: int
    days: int
    policies: tuple[PolicyRow, ...]
    offline: tuple[Offline, ...]
    online: tuple[Online, ...]
    control: tuple[Online, ...]
    contrasts: tuple[Contrast, ...]
    policy_shares: tuple[PolicyShare, ...]
    courses: tuple[Course, ...]
    hacking: tuple[Hacking, ...]
    trust: tuple[Trust, ...]
    warnings: tuple[str, ...]

    def offline_of(self, policy: str, measure: str) -> Offline | None:
        """An offline measure of a policy, where there is one."""
        return row_of(self.offline, policy=policy, measure=measure)

    def online_of(self, policy: str, metric: str) -> Online | None:
        """A true lift of a policy, where there is one."""
        return row_of(self.online, policy=policy, metric=metric)
