"""The rows of metrics.json: what the analysis of a run's log found."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from experiments.records.interval import Interval, Number
from experiments.records.reading import Record, row_of

Contrast = tuple[str, str]  # control, treatment

PREFERENCE = "interleaving"
"""The design whose estimates are of a preference on common pages, and not of a lift."""


@dataclass(frozen=True)
class Estimate:
    """One metric of one contrast, as an A/B test estimates it.

    Attributes:
        metric: name of the metric.
        contrast: `[control, treatment]`, names of arms.
        design: what was split, such as `shopper`; see [designs](designs.md).
        n, n_control, n_treatment: number of exposed shoppers, of both arms and of each; in other
            designs, of their [units](designs.md#how-it-is-estimated).
        control, treatment: the metric in each arm, adjusted for the history where `cuped`.
        effect: treatment minus control, in the metric's unit.
        relative: treatment / control - 1.
        p_value: two-sided, of no effect.
        cuped: whether the estimate is adjusted for the history.
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
class Triggered(Estimate):
    """One metric of one contrast among those to whom the arms' pages differ.

    A shopper counts from the first page on that another arm would have filled otherwise; of other
    designs a session, or a request. `n` and levels are of those that have such a page.

    Attributes:
        share: share of the units of both arms that have such a page.
        diluted: the effect on everybody, in the metric's unit; null for metrics that are no sum
            over requests, for ratios with `cuped`, and for latency, which differs on all pages.
        diluted_relative: the same over control's level, which is taken as known.
    """

    share: Number
    diluted: Interval
    diluted_relative: Interval


@dataclass(frozen=True)
class CausalCredit:
    """What each arm's items bring that would not have been bought without them.

    Of [interleaved pages](designs.md#interleaving) on which coins leave items off.

    Attributes:
        metric, contrast: as in `estimates`.
        n: exposed shoppers.
        pairs: pairs of items, one on each arm's first page alone, of which a coin showed one.
        control, treatment: credit of each arm's items, per shopper: what is bought of them where
            they are shown, less what is bought of them in the same session where they are not.
        effect: treatment minus control.
        p_value: two-sided, of no difference.
    """

    metric: str
    contrast: Contrast
    n: int
    pairs: int
    control: Number
    treatment: Number
    effect: Interval
    p_value: Number


@dataclass(frozen=True)
class SampleRatio:
    """Whether arms are as large as they should be.

    Attributes:
        population: `assigned`, `exposed`, or `triggered` (units with a page that differs between
            arms).
        arms: names of the arms.
        counts: units found in each arm.
        expected: units expected in each arm by its share.
        statistic, p_value: Pearson's chi-square without continuity correction, and its p-value,
            which is exact where an arm expects fewer than 5; null without any unit.
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
        day: day of the simulation; the history's days count.
        metric, contrast: as in `estimates`.
        effect: cumulative effect up to and including this day.
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
        count: how many requests, candidates or events are left after the stage.
        per_request: `count` over the arm's requests.
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
        requests: requests served in this hour.
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
        arm, channel: names of both; only channels that were ever missing from a page of the arm.
        hour: of the day, 0 to 23.
        requests, share: requests served without the channel, and their share of the hour's
            requests.
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
        sessions, share: number and share of the arm's sessions that ended for this reason.
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
        queries: judged queries with at least one relevant item; recall and NDCG are means over
            these.
        without_positives: judged queries left out, because they have no relevant item.
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
    """What a channel or ranker tells of its training, or what a suggester was worth.

    Attributes:
        model: `channel`, `ranker` or `suggester`.
        name: of the channel or suggester; of a ranker its type.
        arms: names of the arms that use it; arms of the same funnel share a ranker. None of a
            suggester, which nobody is shown.
        report: figures of its training, by name.
    """

    model: str
    name: str
    arms: tuple[str, ...]
    report: dict[str, Any]


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
        arm, channel: the arm, and the channel that failed.
        reason: `raised`, `unknown_items`, `bad_shape`, `deadline` or `busy`.
        requests, share: number and share of the arm's requests served without the channel.
        detail: the first error message; empty for a missed deadline and a busy channel.
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
        dropped: channels that failed, by arm and reason.
        warnings: plain sentences, gravest first.
    """

    requests: tuple[Traffic, ...]
    dropped: tuple[Dropped, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Metrics(Record):
    """Everything that the analysis of a run found.

    Attributes:
        name: name of the run.
        primary: the metric that decides.
        confidence: level of all intervals.
        estimates: effect of each treatment on each metric.
        srm: sample ratio tests.
        daily: cumulative effects.
        funnel: what is left after each stage.
        latency: page latency; without arms that served nothing.
        end_reasons: why sessions ended.
        retrieval: channels against human grades; empty without grades.
        models: how the training of channels and rankers went; only of models that report it.
        health: what a reader must know before believing the numbers.
        hours: page latency by hour of the day.
        without: channels that were missing from pages (late, busy or failing), by hour of the day.
        triggered: estimates for units whose pages differ between the arms, where `design.triggered`
            is set.
        causal: causal credit of interleaved pages, where coins leave items off.
        service: how arms differ in the funnel, in latency and in why sessions end; only where
            shoppers were split.
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
    triggered: tuple[Triggered, ...] = ()
    causal: tuple[CausalCredit, ...] = ()
    service: tuple[Estimate, ...] = ()

    @cached_property
    def contrasts(self) -> tuple[Contrast, ...]:
        """Every contrast that was estimated, in the order of the file."""
        return tuple(dict.fromkeys(row.contrast for row in self.estimates))

    @cached_property
    def design(self) -> str:
        """What the experiment has split, in the singular, or how else it was designed."""
        return self.estimates[0].design if self.estimates else "shopper"

    @cached_property
    def units(self) -> str:
        """What the experiment has split, in the plural; slots where both arms fill each page."""
        if self.design == PREFERENCE:
            return "slots"
        return " and ".join(dict.fromkeys(row.unit for row in self.srm)) or "shoppers"

    @cached_property
    def metric_names(self) -> tuple[str, ...]:
        """Every metric that was estimated, in the order of the file."""
        return tuple(dict.fromkeys(row.metric for row in self.estimates))

    def estimate(self, metric: str, contrast: Contrast, *, cuped: bool) -> Estimate | None:
        """The estimate of a metric in a contrast, where there is one."""
        return row_of(self.estimates, metric=metric, contrast=contrast, cuped=cuped)

    def lift(self, metric: str, contrast: Contrast) -> Estimate | None:
        """The unadjusted estimate of what a launch would bring, where there is one.

        None where the design tells a preference.
        """
        row = self.estimate(metric, contrast, cuped=False)
        return None if row is None or row.design == PREFERENCE else row
