"""The rows of rewards.json as frozen values, read and written."""

from dataclasses import dataclass
from pathlib import Path

from cqsid.alignment.measures import CLK_1 as CLK_1
from cqsid.alignment.measures import CLK_10 as CLK_10
from cqsid.alignment.measures import CLK_100 as CLK_100
from cqsid.alignment.measures import DIVERSITY as DIVERSITY
from cqsid.alignment.measures import EXP_1 as EXP_1
from cqsid.alignment.measures import EXP_10 as EXP_10
from cqsid.alignment.measures import FIRST_CODES as FIRST_CODES
from cqsid.alignment.measures import PVR_10 as PVR_10
from cqsid.alignment.measures import RECALL_200 as RECALL_200
from cqsid.alignment.report import Evaluation, StepReading
from experiments.records.reading import read_as
from experiments.records.reading import write_record as write_record

SCHEMA = 1
"""Version of the keys of rewards.json."""

Number = float | None

OFFLINE = (CLK_1, CLK_10, CLK_100, EXP_1, EXP_10, PVR_10, RECALL_200, DIVERSITY, FIRST_CODES)
"""Offline measures; see `cqsid.alignment.measures`."""

ONLINE = ("gmv", "uctcvr", "orders", "ctr")
"""Metrics whose true lift is shown; see `experiments.inference.metrics`."""


@dataclass(frozen=True)
class PolicyRow:
    """One policy of the grid; the supervised model is the first row, without reward.

    Attributes:
        name: of the policy.
        reward, algorithm: names; "" for the supervised model.
        seeds: trainings.
        oracle: whether its reward asks the simulated shopper.
        ended: why each training ended, by seed.
        kept: step whose weights each training kept, by seed.
        seconds: mean time of a training (s).
        control: which control it is (`experiments.rewardlab.comparison.roles.Control`); "" for all
        others. weight: its weight of supervised learning from experts; None for the supervised
        model. matched: weight at which a control would push its experts as hard as it does; None
        without
            experts and where no such weight is known.
        experts: those that it learns from, in words; "" for none.
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


@dataclass(frozen=True)
class Offline:
    """One offline measure of one policy, beside the supervised model's.

    Attributes:
        policy, measure: which.
        estimate, low, high: mean over seeds and test requests, with its interval.
        difference, difference_low, difference_high: minus the supervised model's, paired.
        relative, relative_low, relative_high: over the supervised model's, minus 1.
        p_value: two-sided, of no difference.
        p_holm: adjusted for all policies and measures (Holm).
        per_seed: mean over requests of each seed.
        n, shoppers: requests and shoppers that it rests on.
    """

    policy: str
    measure: str
    estimate: Number
    low: Number
    high: Number
    difference: Number
    difference_low: Number
    difference_high: Number
    relative: Number
    relative_low: Number
    relative_high: Number
    p_value: Number
    p_holm: Number
    per_seed: tuple[float, ...]
    n: int
    shoppers: int


@dataclass(frozen=True)
class Online:
    """The true effect of serving a policy instead of the supervised model, from paired worlds.

    Attributes:
        policy, metric: which.
        base, value: the metric with the supervised model and with the policy, mean over seeds.
        lift, lift_low, lift_high: value / base - 1, across training seeds and shoppers.
        p_value, p_holm: of no lift; adjusted for all policies and metrics (Holm).
        per_seed: lift of each training seed.
        shoppers: shoppers that it rests on.
    """

    policy: str
    metric: str
    base: Number
    value: Number
    lift: Number
    lift_low: Number
    lift_high: Number
    p_value: Number
    p_holm: Number
    per_seed: tuple[Number, ...]
    shoppers: int


@dataclass(frozen=True)
class Contrast:
    """A policy beside another one, paired by seed and request or shopper.

    Attributes:
        policy, against: which, and the control that it is compared with.
        kind: "offline" or "online".
        name: offline measure or online metric.
        difference, low, high: the policy's minus the control's; online without an interval.
        relative, relative_low, relative_high: over the control's, minus 1.
        p_value: two-sided, of no difference; online of no relative one.
        p_holm: adjusted for all contrasts of the kind (Holm).
    """

    policy: str
    against: str
    kind: str
    name: str
    difference: Number
    low: Number
    high: Number
    relative: Number
    relative_low: Number
    relative_high: Number
    p_value: Number
    p_holm: Number


@dataclass(frozen=True)
class PolicyShare:
    """What share of events the generative channel holds in a policy's worlds.

    Attributes:
        policy: which.
        rule: "any_touch" (it found the item) or "exclusive" (no other channel did).
        event: "exposure", "click", "purchase" or "gmv".
        share, low, high: mean over seeds, with an interval across seeds and shoppers.
    """

    policy: str
    rule: str
    event: str
    share: Number
    low: Number
    high: Number


@dataclass(frozen=True)
class Course:
    """The course of one training."""

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
        policy: which.
        reward, reward_low, reward_high: gain in the optimised reward.
        oracle, oracle_low, oracle_high: gain in the expected purchases of the simulated shopper.
        gap, gap_low, gap_high: the first minus the second.
        steps, reward_E, oracle_E: the same gains at each evaluation, mean over seeds.
    """

    policy: str
    reward: Number
    reward_low: Number
    reward_high: Number
    oracle: Number
    oracle_low: Number
    oracle_high: Number
    gap: Number
    gap_low: Number
    gap_high: Number
    steps: tuple[int, ...]
    reward_E: tuple[Number, ...]
    oracle_E: tuple[Number, ...]


@dataclass(frozen=True)
class Trust:
    """Whether policies that an offline measure prefers are those with the greater true lift.

    Attributes:
        measure, metric: offline measure and online metric.
        rank_correlation: Spearman's, over the policies' means over seeds.
        low, high: interval of a bootstrap over policies, seeds and shoppers.
        policies: how many policies it rests on, the supervised model included.
    """

    measure: str
    metric: str
    rank_correlation: Number
    low: Number
    high: Number
    policies: int


@dataclass(frozen=True)
class RewardsRecord:
    """Everything that the lab found.

    Attributes:
        schema: version of the keys.
        name: name of the run.
        baseline: name of the supervised model.
        arm, channel: the arm whose funnel served, and its generative channel.
        seeds, worlds: training seeds of a policy and paired worlds of each training.
        confidence: level of all intervals.
        requests, items, shoppers, days: test requests; size and length of the worlds.
        policies, offline, online, contrasts, policy_shares, courses, hacking, trust: rows.
        control: true lifts of the supervised model and of each policy over the config's control
            arm: what is incremental; empty where no such world was lived.
        warnings: plain sentences that a reader must know.
    """

    schema: int
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
        found = [row for row in self.offline if (row.policy, row.measure) == (policy, measure)]
        return found[0] if found else None

    def online_of(self, policy: str, metric: str) -> Online | None:
        """A true lift of a policy, where there is one."""
        found = [row for row in self.online if (row.policy, row.metric) == (policy, metric)]
        return found[0] if found else None


def read_record(path: Path) -> RewardsRecord:
    """Read what `write_record` wrote.

    Raises:
        StoreError: the file is not there or not whole.
        DataError: it is not such a record, or of another version.
    """
    return read_as(RewardsRecord, path, SCHEMA)
