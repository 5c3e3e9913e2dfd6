"""The rows of metrics.json: what the analysis of a run's log found."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from experiments.records.interval import Interval, Number
from experiments.records.reading import Record, row_of

Contrast = tuple[str, str]  # control, treatment


@dataclass(frozen=True)
class Estimate:
    """One metric of one contrast, as an A/B test estimates it.

    Attributes:
        metric: name of the metric.
        contrast: `[control, treatment]`, names of arms.
        design: what was split, such as `shopper`; see [designs](designs.md).
        n, n_control, n_treatment: exposed shoppers; of other designs, what `estimates` are per.
        control, treatment: the metric in each arm, adjusted where `cuped`.
        effect: treatment minus control, in the metric's unit.
        relative: treatment / control - 1.
        p_value: two-sided, of no effect.
        cuped: whether the history was adjusted for.
    """

    metric: str
    contrast: Contrast
    design: str
    n: int
    n_control: int
    n_treatment: int
    control: Number
    treatment: Number
    effect: Interval
    relative: Interval
    p_value: Number
    cuped: bool


@dataclass(frozen=True)
class SampleRatio:
    """Whether arms are as large as they should be.

    Attributes:
        population: `assigned` or `exposed`.
        arms: names of the arms.
        counts: found in each.
        expected: as the arms' shares promise.
        statistic, p_value: Pearson's chi-square without continuity correction, and its p-value,
            exact where an arm expects fewer than 5; null with nobody.
        unit: what was counted: `shoppers`, or what else the [design](designs.md) splits.
    """

    population: str
    arms: tuple[str, ...]
    counts: tuple[int, ...]
    expected: tuple[float, ...]
    statistic: Number
    p_value: Number
    unit: str = "shoppers"


@dataclass(frozen=True)
class Daily:
    """The cumulative effect up to and including a day.

    Attributes:
        day: of the simulation, history included.
        metric, contrast: as in `estimates`.
        effect: cumulative effect.
    """

    day: int
    metric: str
    contrast: Contrast
    effect: Interval


@dataclass(frozen=True)
class FunnelCount:
    """What is left of an arm's requests, candidates or events after one stage.

    Attributes:
        arm: name of the arm.
        stage: `requests`, `recalled:<channel>`, `merged`, `ranked`, `shown`, `clicked`, `carted`
            or `purchased`.
        count: how many are left.
        per_request: the same for each request.
    """

    arm: str
    stage: str
    count: int
    per_request: Number


@dataclass(frozen=True)
class Latency:
    """Page latency of an arm.

    Attributes:
        arm: name of the arm.
        mean, p50, p90, p99, max: page latency (s).
    """

    arm: str
    mean: float
    p50: float
    p90: float
    p99: float
    max: float


@dataclass(frozen=True)
class Hour:
    """Page latency of an arm at one hour of the day, over all days.

    Attributes:
        arm: name of the arm.
        hour: of the day, 0 to 23.
        requests: served then.
        mean, p99: page latency (s).
    """

    arm: str
    hour: int
    requests: int
    mean: float
    p99: float


@dataclass(frozen=True)
class Without:
    """How many of an arm's pages came without a channel, at one hour of the day.

    Attributes:
        arm, channel: names of both; only channels that an arm was ever without.
        hour: of the day, 0 to 23.
        requests, share: that went without it, and of all of that hour.
    """

    arm: str
    channel: str
    hour: int
    requests: int
    share: float


@dataclass(frozen=True)
class EndReason:
    """How many sessions of an arm ended for one reason.

    Attributes:
        arm: name of the arm.
        reason: one of the [end reasons](market.md#how-sessions-go-on-and-end).
        sessions, share: sessions that ended so.
    """

    arm: str
    reason: str
    sessions: int
    share: float


@dataclass(frozen=True)
class Retrieval:
    """A channel against human grades.

    Attributes:
        channel: name of the channel.
        queries: judged queries with at least one relevant item; recall and NDCG average these.
        without_positives: judged queries left out.
        recall_at_100: share of the items of grade 1 or more among the first 100.
        ndcg_at_10: normalised discounted cumulative gain of the first 10.
        judged_at_10: share of the first 10 that somebody judged.
    """

    channel: str
    queries: int
    without_positives: int
    recall_at_100: Number
    ndcg_at_10: Number
    judged_at_10: Number


@dataclass(frozen=True)
class Model:
    """What a channel or ranker tells of its training.

    Attributes:
        model: `channel` or `ranker`.
        name: of the channel, or type of the ranker.
        arms: names of the arms that use it; arms of the same funnel share a ranker.
        report: its figures, by name.
    """

    model: str
    name: str
    arms: tuple[str, ...]
    report: dict[str, Any]


@dataclass(frozen=True)
class TrainingLoss:
    """The training's own loss over one span of steps.

    Attributes:
        step: the span's last one.
        loss: mean over the span (nats).
    """

    step: int
    loss: Number


@dataclass(frozen=True)
class Validation:
    """How good a model was after some steps of a stage of its training.

    Attributes:
        step: steps taken.
        loss: mean cross entropy of the held-out answers (nats).
        hit_rate_1, hit_rate_10: share of target items covered by the ids of a beam of 1 or 10.
    """

    step: int
    loss: Number
    hit_rate_1: Number
    hit_rate_10: Number


@dataclass(frozen=True)
class TrainingStage:
    """One stage of a generator's training, an entry of `training` in its report.

    Attributes:
        stage: `item`, `query` or `shopper`.
        stopped: `finished`, `patience` (validation no longer improved) or `no_examples`.
        seconds: wall time (s): the one number here that differs between equal runs.
        distinct, examples, steps: distinct examples, examples seen, and steps taken.
        best: the validation whose weights were kept; null without validation.
        validations: the course, in the order of the steps.
        losses: the training's own loss, in at most 60 spans of steps.
    """

    stage: str
    stopped: str
    seconds: float
    distinct: int
    examples: int
    steps: int
    best: Validation | None
    validations: tuple[Validation, ...]
    losses: tuple[TrainingLoss, ...]


@dataclass(frozen=True)
class Traffic:
    """What an arm served.

    Attributes:
        arm: name of the arm.
        requests, sessions, shoppers: how many were served.
        zero_result_rate, abandonment: as in [Metrics](#metrics), over all requests and sessions.
    """

    arm: str
    requests: int
    sessions: int
    shoppers: int
    zero_result_rate: Number
    abandonment: Number


@dataclass(frozen=True)
class Dropped:
    """A channel that an arm had to serve some pages without.

    Attributes:
        arm, channel: where, and who failed.
        reason: `raised`, `unknown_items`, `bad_shape`, `deadline` or `busy`.
        requests, share: requests that went without the channel.
        detail: the first message; empty for a missed deadline and a busy channel.
    """

    arm: str
    channel: str
    reason: str
    requests: int
    share: Number
    detail: str


@dataclass(frozen=True)
class Health:
    """What a reader must know before believing the numbers.

    Attributes:
        requests: traffic of each arm.
        dropped: channels that failed.
        warnings: plain sentences, gravest first.
    """

    requests: tuple[Traffic, ...]
    dropped: tuple[Dropped, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Metrics(Record):
    """Everything that the analysis of a run found.

    Attributes:
        name: of the run.
        primary: the metric that decides.
        confidence: level of all intervals.
        estimates: metric by metric, the difference between two arms.
        srm: sample ratio tests.
        daily: cumulative effects.
        funnel: what is left after each stage.
        latency: page latency; without arms that served nothing.
        end_reasons: why sessions ended.
        retrieval: channels against human grades; empty without grades.
        models: how the training of channels and rankers went; only of models that tell.
        health: what a reader must know before believing the numbers.
        hours: page latency by hour of the day.
        without: channels that pages came without, by hour of the day; late, busy or failing.
    """

    FILE: ClassVar[str] = "metrics.json"
    COMMAND: ClassVar[str] = "funnelab run"

    name: str
    primary: str
    confidence: float
    estimates: tuple[Estimate, ...]
    srm: tuple[SampleRatio, ...]
    daily: tuple[Daily, ...]
    funnel: tuple[FunnelCount, ...]
    latency: tuple[Latency, ...]
    end_reasons: tuple[EndReason, ...]
    retrieval: tuple[Retrieval, ...]
    models: tuple[Model, ...]
    health: Health
    hours: tuple[Hour, ...] = ()
    without: tuple[Without, ...] = ()

    @cached_property
    def contrasts(self) -> tuple[Contrast, ...]:
        """Every contrast that was estimated, in the order of the file."""
        return tuple(dict.fromkeys(row.contrast for row in self.estimates))

    @cached_property
    def units(self) -> str:
        """What the experiment has split, in the plural."""
        return " and ".join(dict.fromkeys(row.unit for row in self.srm)) or "shoppers"

    @cached_property
    def metric_names(self) -> tuple[str, ...]:
        """Every metric that was estimated, in the order of the file."""
        return tuple(dict.fromkeys(row.metric for row in self.estimates))

    def estimate(self, metric: str, contrast: Contrast, *, cuped: bool) -> Estimate | None:
        """The estimate of a metric in a contrast, where there is one."""
        return row_of(self.estimates, metric=metric, contrast=contrast, cuped=cuped)
