"""The rows of scorecard.json: what an experiment says of each metric, and what to do about it."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

from experiments.records.experiment.sequential import Clock, SequentialLook
from experiments.records.interval import UNKNOWN, Interval, Number
from experiments.records.metrics import Contrast, SampleRatio
from experiments.records.reading import Record

Role = Literal["primary", "success", "guardrail", "quality", "secondary"]
Better = Literal["more", "less"]
Decision = Literal["launch", "test online", "hold"]


@dataclass(frozen=True)
class CardMetric:
    """What a metric is, and what it is for.

    Attributes:
        name: name, as in the other rows.
        unit: unit of the metric.
        share: whether it is a share from 0 to 1.
        better: whether `more` or `less` of it is better.
        role: `primary` (the success metric that decides), `success`, `guardrail`, `quality` or
            `secondary` (decides nothing).
        margin: for a guardrail, the relative loss that is tolerated.
    """

    name: str
    unit: str
    share: bool
    better: Better
    role: Role
    margin: Number


@dataclass(frozen=True)
class CardRow:
    """One metric of one contrast, estimated in one way.

    Attributes:
        metric: name of the metric.
        contrast: `[control, treatment]`, names of arms.
        method: `plain`; or how the interval was narrowed (`CUPED`, a regression,
            post-stratification); or which other mean it is (winsorised: another estimand).
        narrowed: whether the method has the same estimand as `plain`, with less variance.
        decides: whether the verdict rests on this row.
        n_control, n_treatment: number of units in each arm.
        control, treatment: the metric in each arm.
        effect: treatment minus control; the decision rests on it.
        relative: treatment / control - 1; its interval excludes 0 if and only if that of `effect`
            does.
        p_value: two-sided, of no effect.
        p_adjusted: corrected for multiple testing, by method: the primary metric over its contrasts
            (Holm), all others over metrics and contrasts (Benjamini and Hochberg).
        gain: how many times more units a plain estimate would need for this interval.
        note: why something is null or may mislead, or what the user claimed; else empty.
    """

    metric: str
    contrast: Contrast
    method: str
    narrowed: bool
    decides: bool
    n_control: int
    n_treatment: int
    control: Number
    treatment: Number
    effect: Interval
    relative: Interval
    p_value: Number
    p_adjusted: Number
    gain: Interval
    note: str


@dataclass(frozen=True)
class CardTail:
    """On how few units of an arm a metric rests.

    Attributes:
        metric, arm: name of the metric, and of the arm.
        units: number of units in the arm.
        nonzero: number of units with a value other than 0.
        effective: effective number of units, (sum x)^2 / sum x^2: so many equal units would have as
            much information.
        top: share of the total that the top 1 % of units hold.
    """

    metric: str
    arm: str
    units: int
    nonzero: int
    effective: Number
    top: Number


@dataclass(frozen=True)
class CardBelief:
    """What is believed of a lift, given a stated prior.

    Attributes:
        metric, contrast: as in `rows`.
        prior: the prior, in words.
        lift: relative effect, shrunk towards the prior, with its credible interval.
        data: weight of the data in it, from 0 (prior alone) to 1.
        chance: probability that the effect is for the better.
        loss, regret: expected loss of launching, and of not launching (relative).
        note: why there is no number; else empty.
    """

    metric: str
    contrast: Contrast
    prior: str
    lift: Interval
    data: Number
    chance: Number
    loss: Number
    regret: Number
    note: str


@dataclass(frozen=True)
class CardSegment:
    """An effect among the units of one value of a segment.

    Attributes:
        by, value: column, and the value that makes the segment.
        metric, contrast: as in `rows`.
        n_control, n_treatment: number of units in each arm.
        effect, relative: as in `rows`.
        p_value: two-sided, of no effect.
        p_holm: corrected for the number of segments of the column.
        shrunk: the effect shrunk towards that of all segments, by as much as chance explains their
            differences.
        note: why something is null; else empty.
    """

    by: str
    value: str
    metric: str
    contrast: Contrast
    n_control: int
    n_treatment: int
    effect: Interval
    relative: Interval
    p_value: Number
    p_holm: Number
    shrunk: Interval
    note: str


@dataclass(frozen=True)
class CardDifference:
    """Whether an effect differs between the values of a segment.

    Attributes:
        by: column that makes the segments.
        metric, contrast: as in `rows`.
        p_value: of the same effect in all segments (Cochran's Q).
        i2: part of the variance of effects between segments that chance does not explain.
    """

    by: str
    metric: str
    contrast: Contrast
    p_value: Number
    i2: Number


@dataclass(frozen=True)
class CardBalance:
    """Whether the arms were alike before the experiment.

    Attributes:
        metric, contrast: as in `rows`.
        relative: difference of the arms in the time before, over control's level.
        p_value: two-sided, of equal arms.
        alarm: whether the difference is larger than chance plausibly makes it.
        note: why there is no number; else empty.
    """

    metric: str
    contrast: Contrast
    relative: Interval
    p_value: Number
    alarm: bool
    note: str


@dataclass(frozen=True)
class CardSeries:
    """All looks at a metric of a treatment while the experiment ran.

    Attributes:
        metric, contrast: as in `rows`.
        clock: measure of the information: `units` or `precision`.
        planned: end of the plan. With `units`: effective units, that is, units of an even split
            with as much information. With `precision`: the effect's standard error over the metric
            in control.
        stated: whether the plan was stated; else it is where the experiment ended.
        looks: one look at the end of each day; `time` counts days since the first exposure of any
            unit.
        note: why there are no looks; else empty.
    """

    metric: str
    contrast: Contrast
    clock: Clock
    planned: float
    stated: bool
    looks: tuple[SequentialLook, ...]
    note: str


@dataclass(frozen=True)
class CardNovelty:
    """How an effect changes with the days since a unit first met it.

    Attributes:
        metric, contrast: as in `rows`.
        n_control, n_treatment: number of units that came early enough to be followed for all these
            days.
        effects: treatment minus control per unit, by day since first exposure.
        slope: change of the effect from one day to the next.
        p_value: two-sided, of an effect that does not change.
        note: why there is no slope; else empty.
    """

    metric: str
    contrast: Contrast
    n_control: int
    n_treatment: int
    effects: tuple[Interval, ...]
    slope: Interval
    p_value: Number
    note: str


@dataclass(frozen=True)
class CardInteraction:
    """Whether another experiment on the same units changes an effect.

    Attributes:
        beside: column with the arms of the other experiment.
        off, on: the arms of the other experiment that are compared.
        metric, contrast: as in `rows`.
        alone: the effect among units of `off`.
        together: the effect among units of `on`.
        interaction: together minus alone.
        p_value: two-sided, of no interaction.
        note: why there is no number; else empty.
    """

    beside: str
    off: str
    on: str
    metric: str
    contrast: Contrast
    alone: Interval
    together: Interval
    interaction: Interval
    p_value: Number
    note: str


@dataclass(frozen=True)
class CardLasting:
    """What lasts of an effect after the launch: units held out of it against those who have it.

    Attributes:
        metric, contrast: as in `rows`; control is the holdout.
        tested: the effect in the earlier experiment.
        lasting: the effect since then.
        change: `lasting` minus `tested`, as if the two had different units. Where the units are the
            same, the interval is wider than necessary.
        p_value: two-sided, of an effect that did not change.
        note: why something is null; else empty.
    """

    metric: str
    contrast: Contrast
    tested: Interval
    lasting: Interval
    change: Interval
    p_value: Number
    note: str

    @classmethod
    def nothing(cls, metric: str, contrast: Contrast, tested: Interval, note: str) -> "CardLasting":
        """A row without an effect since."""
        return cls(metric, contrast, tested, UNKNOWN, UNKNOWN, None, note)


@dataclass(frozen=True)
class CardVote:
    """What one part of the evidence says.

    Attributes:
        part: part of the evidence: `bound`, `guardrails`, `worse`, `checks`, `support`, `later` or
            `sensitivity`.
        label: the label that this part alone would give.
        reason: why.
    """

    part: str
    label: Decision
    reason: str


@dataclass(frozen=True)
class CardVerdict:
    """What to do about a treatment.

    Attributes:
        contrast: `[control, treatment]`, names of arms.
        label: `launch`, `test online` (nothing against it, but too little for it) or `hold`.
        ships: whether the rule of success metrics and guardrails alone would launch.
        votes: vote of each part of the evidence.
    """

    contrast: Contrast
    label: Decision
    ships: bool
    votes: tuple[CardVote, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences that decided."""
        return tuple(vote.reason for vote in self.votes if vote.label == self.label)


@dataclass(frozen=True)
class Scorecard(Record):
    """What an experiment says.

    Attributes:
        name: name of the experiment.
        source: the file or frame it was read from.
        unit: column of the units, over which intervals are computed.
        control: arm that all others are compared with.
        arms: names, control first.
        confidence: level of all intervals.
        metrics: metrics that were estimated, in the order of the settings.
        rows: the estimates.
        verdicts: what to do about each treatment.
        srm: whether the arms are as large as planned.
        tails: how few units a metric rests on.
        beliefs: Bayesian estimates.
        segments, differences: effects by segment, and whether they differ.
        balance: whether the arms were alike before the experiment.
        looks: what each look at the running experiment showed, by three rules.
        trends: whether effects wear off or grow with the days since first exposure.
        interactions: whether simultaneous experiments change each other's effects.
        lasting: what lasts of the effects of the earlier experiment (`after`).
        remarks: what was left out of the log or is odd, a sentence each, gravest first.
    """

    FILE: ClassVar[str] = "scorecard.json"
    COMMAND: ClassVar[str] = "funnelab analyze"

    name: str
    source: str
    unit: str
    control: str
    arms: tuple[str, ...]
    confidence: float
    metrics: tuple[CardMetric, ...]
    rows: tuple[CardRow, ...]
    verdicts: tuple[CardVerdict, ...]
    srm: tuple[SampleRatio, ...]
    tails: tuple[CardTail, ...]
    beliefs: tuple[CardBelief, ...]
    segments: tuple[CardSegment, ...]
    differences: tuple[CardDifference, ...]
    balance: tuple[CardBalance, ...]
    looks: tuple[CardSeries, ...]
    trends: tuple[CardNovelty, ...]
    interactions: tuple[CardInteraction, ...]
    lasting: tuple[CardLasting, ...]
    remarks: tuple[str, ...]

    @cached_property
    def contrasts(self) -> tuple[Contrast, ...]:
        """Every treatment against control."""
        return tuple((self.control, arm) for arm in self.arms if arm != self.control)

    def metric(self, name: str) -> CardMetric:
        """What a metric is."""
        return next(each for each in self.metrics if each.name == name)

    def deciding(self, metric: str, contrast: Contrast) -> CardRow:
        """The row of a metric that decides; of one that decides nothing, the plain one."""
        rows = [row for row in self.rows if (row.metric, row.contrast) == (metric, contrast)]
        return next((row for row in rows if row.decides), rows[0])
