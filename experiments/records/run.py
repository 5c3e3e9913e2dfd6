"""The rows of metrics.json and truth.json as frozen values."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Contrast = tuple[str, str]  # control, treatment
Number = float | None  # None where a number could not be computed


class Row(BaseModel):
    """A row of a JSON file; keys that this version does not know are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Estimate(Row):
    """One metric in one contrast; see docs for `metrics.json`, `estimates`."""

    metric: str
    contrast: Contrast
    design: str = ""
    n: int | None = None
    n_control: int | None = None
    n_treatment: int | None = None
    control: Number = None
    treatment: Number = None
    effect: Number = None
    effect_low: Number = None
    effect_high: Number = None
    relative: Number = None
    relative_low: Number = None
    relative_high: Number = None
    p_value: Number = None
    cuped: bool = False


class Srm(Row):
    """A sample-ratio test of one population."""

    population: str
    arms: tuple[str, ...] = ()
    counts: tuple[float, ...] = ()
    expected: tuple[float, ...] = ()
    statistic: Number = None
    p_value: Number = None


class Share(Row):
    """A channel's share of an event in one arm."""

    channel: str
    event: str
    rule: str = "any_touch"
    arm: str
    share: Number = None
    low: Number = None
    high: Number = None


class Daily(Row):
    """The cumulative effect up to and including a day."""

    metric: str
    contrast: Contrast
    day: int
    effect: Number = None
    effect_low: Number = None
    effect_high: Number = None


class Overlap(Row):
    """How much of an event was found by exactly this set of channels."""

    arm: str
    event: str
    channels: tuple[str, ...]
    count: int = 0
    share: Number = None


class FunnelCount(Row):
    """How many requests, candidates or events passed one stage of an arm's funnel."""

    arm: str
    stage: str
    count: int = 0
    per_request: Number = None


class Latency(Row):
    """Page latency of an arm, seconds."""

    arm: str
    mean: Number = None
    p50: Number = None
    p90: Number = None
    p99: Number = None
    max: Number = None


class EndReason(Row):
    """How many sessions of an arm ended for this reason."""

    arm: str
    reason: str
    sessions: int = 0
    share: Number = None


class Retrieval(Row):
    """A channel against human grades."""

    channel: str
    queries: int = 0
    recall_at_100: Number = None
    ndcg_at_10: Number = None
    judged_at_10: Number = None


class Model(Row):
    """What a trained channel or ranker tells of its training; see docs, `models`."""

    model: str  # "channel" or "ranker"
    name: str
    arms: tuple[str, ...] = ()
    report: Mapping[str, Any] = Field(default_factory=dict)


class Validation(Row):
    """How good a model was after some steps of a stage of its training."""

    step: int
    loss: Number = None
    hit_rate_1: Number = None
    hit_rate_10: Number = None


class TrainingStage(Row):
    """One stage of a training, with its curves."""

    stage: str
    stopped: str = ""
    seconds: Number = None
    distinct: int | None = None
    examples: int | None = None
    steps: int | None = None
    best: Validation | None = None
    validations: tuple[Validation, ...] = ()
    losses: tuple[Validation, ...] = ()


class Traffic(Row):
    """What an arm served."""

    arm: str
    requests: int = 0
    sessions: int = 0
    shoppers: int = 0
    zero_result_rate: Number = None
    abandonment: Number = None


class Dropped(Row):
    """A channel that an arm had to serve some pages without."""

    arm: str
    channel: str
    reason: str
    requests: int = 0
    share: Number = None
    detail: str = ""


class Health(Row):
    """Traffic, dropped channels and warnings."""

    requests: tuple[Traffic, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    warnings: tuple[str, ...] = ()


class Metrics(Row):
    """metrics.json."""

    name: str = "run"
    primary: str = "gmv"
    confidence: float = Field(0.95, gt=0, lt=1)
    estimates: tuple[Estimate, ...] = ()
    srm: tuple[Srm, ...] = ()
    shares: tuple[Share, ...] = ()
    daily: tuple[Daily, ...] = ()
    overlap: tuple[Overlap, ...] = ()
    funnel: tuple[FunnelCount, ...] = ()
    latency: tuple[Latency, ...] = ()
    end_reasons: tuple[EndReason, ...] = ()
    retrieval: tuple[Retrieval, ...] = ()
    models: tuple[Model, ...] = ()
    health: Health = Health()

    @cached_property
    def contrasts(self) -> tuple[Contrast, ...]:
        """Every contrast that was estimated, in the order of the file."""
        return tuple(dict.fromkeys(row.contrast for row in self.estimates))

    @cached_property
    def metric_names(self) -> tuple[str, ...]:
        """Every metric that was estimated, in the order of the file."""
        return tuple(dict.fromkeys(row.metric for row in self.estimates))

    def estimate(self, metric: str, contrast: Contrast, *, cuped: bool) -> Estimate | None:
        """The estimate of a metric in a contrast, where there is one."""
        for row in self.estimates:
            if (row.metric, row.contrast, row.cuped) == (metric, contrast, cuped):
                return row
        return None


class Truth(Row):
    """The effect in paired worlds of one metric and contrast."""

    metric: str
    contrast: Contrast
    control: Number = None
    gte: Number = None
    gte_low: Number = None
    gte_high: Number = None
    gte_relative: Number = None
    naive: Number = None
    naive_low: Number = None
    naive_high: Number = None
    bias: Number = None
    covered: bool | None = None
    pairing_factor: Number = None
    seeds: int | tuple[int, ...] | None = None
    n: int | None = None

    @property
    def worlds(self) -> int | None:
        """How many world seeds the truth was averaged over."""
        return len(self.seeds) if isinstance(self.seeds, tuple) else self.seeds

    def relative(self, control: Number) -> tuple[Number, Number, Number]:
        """The truth and its interval as fractions of control's level in its own world.

        Args:
            control: control's level in the A/B test, used where the world's is not known.
        """
        known = self.control if self.control is not None else control
        scale: Number = 1 / known if known else None
        if self.gte and self.gte_relative is not None:
            scale = self.gte_relative / self.gte
        if self.gte == 0 == self.gte_low == self.gte_high:
            return 0.0, 0.0, 0.0
        middle = self.gte_relative
        if middle is None and self.gte is not None and scale is not None:
            middle = self.gte * scale
        ends = [
            None if scale is None or end is None else end * scale
            for end in (self.gte_low, self.gte_high)
        ]
        return middle, ends[0], ends[1]


class Truths(Row):
    """truth.json."""

    truth: tuple[Truth, ...] = ()
    warnings: tuple[str, ...] = ()

    def of(self, metric: str, contrast: Contrast) -> Truth | None:
        """The truth of a metric in a contrast, where there is one."""
        for row in self.truth:
            if (row.metric, row.contrast) == (metric, contrast):
                return row
        return None
