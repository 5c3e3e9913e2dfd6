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
        name: as the other rows call it.
        unit: what one of it is.
        share: whether it is a share from 0 to 1.
        better: `more` or `less`.
        role: `primary` (the success metric that decides), `success`, `guardrail`, `quality` or
            `secondary` (decides nothing).
        margin: of a guardrail: the relative loss that is tolerated.
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
        metric: its name.
        contrast: `[control, treatment]`, names of arms.
        method: `plain`, or how the estimate was narrowed (`CUPED`, a regression,
            post-stratification), or which mean it is of (winsorised: another estimand).
        narrowed: whether the method estimates the same as `plain`, with less noise.
        decides: whether the label rests on this row.
        n_control, n_treatment: units.
        control, treatment: the metric in each arm.
        effect: treatment minus control; it decides.
        relative: treatment / control - 1; excludes 0 where, and only where, the effect does.
        p_value: two-sided, of no effect.
        p_adjusted: corrected for the number of questions: of the primary metric for its contrasts
            (Holm), of all others for metrics and contrasts (Benjamini and Hochberg); by method.
        gain: how many times the units a plain estimate would need for this interval.
        note: why something is null or may mislead, or what was claimed; else empty.
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
        metric, arm: which.
        units: of the arm.
        nonzero: units that have any of it.
        effective: (sum x)^2 / sum x^2: so many equal units would tell as much.
        top: part of the total that the top 1 % of units hold.
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
        metric, contrast: which.
        prior: in words.
        lift: relative, drawn towards the prior, with its credible interval.
        data: the part of it that is the data's.
        chance: that it is for the better.
        loss, regret: what launching, and not launching, is expected to lose (relative).
        note: why there is nothing; else empty.
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
        by, value: column, and its value.
        metric, contrast: which.
        n_control, n_treatment: units.
        effect, relative: as of a `CardRow`.
        p_value: of no effect.
        p_holm: corrected for the number of values.
        shrunk: the effect drawn towards that of all values, by as much as chance sets them apart.
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
        by: column.
        metric, contrast: which.
        p_value: of one effect in all (Cochran's Q).
        i2: part of the spread of effects that chance does not explain.
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
        metric, contrast: which.
        relative: difference in the time before, over control's level.
        p_value: of arms that are alike.
        alarm: whether chance hardly ever sets them so far apart.
        note: why it cannot be told; else empty.
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
        metric, contrast: which.
        clock: of the information: `units` or `precision`.
        planned: end of the plan: effective units (those of an even split that tell as much), or the
            effect's standard error over the metric in control.
        stated: whether the plan was stated, or is only what it ended with.
        looks: at the ends of days; `time` counts days since the first exposure of all.
        note: why there are none; else empty.
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
        metric, contrast: which.
        n_control, n_treatment: units that came early enough to be followed for all these days.
        effects: by day since first exposure, treatment minus control per unit.
        slope: by how much the effect changes from one day to the next.
        p_value: of an effect that stays.
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
        beside: column of the other experiment's arms.
        off, on: its arms that are compared.
        metric, contrast: which.
        alone: the effect among units of `off`.
        together: the effect among units of `on`.
        interaction: together minus alone.
        p_value: of none.
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
        metric, contrast: which; control is held out.
        tested: the effect in the experiment before.
        lasting: the effect since.
        change: lasting less tested, taken as if the units of both were others: where they are the
            same, its interval is wider than it need be.
        p_value: of an effect that stayed.
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
        part: `bound`, `guardrails`, `worse`, `checks`, `support`, `later` or `sensitivity`.
        label: what it would do.
        reason: why.
    """

    part: str
    label: Decision
    reason: str


@dataclass(frozen=True)
class CardVerdict:
    """What to do about a treatment.

    Attributes:
        contrast: which.
        label: `launch`, `test online` (nothing against it, and too little for it) or `hold`.
        ships: whether the rule of success metrics and guardrails alone says so.
        votes: of each part of the evidence.
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
        name: of the experiment.
        source: the file or frame it was read from.
        unit: column of the units; intervals are over them.
        control: arm that all others are compared with.
        arms: names, control first.
        confidence: level of all intervals.
        metrics: what was estimated, in the order of the settings.
        rows: the estimates.
        verdicts: what to do, a row for each treatment.
        srm: whether the arms are as large as planned.
        tails: on how few units metrics rest.
        beliefs: the Bayesian line.
        segments, differences: effects by segment, and whether they differ.
        balance: whether the arms were alike before.
        looks: what each look at the running experiment showed, by three rules.
        trends: whether effects wear off or grow with the days since first exposure.
        interactions: whether experiments that ran at once change each other's effects.
        lasting: what lasts of the effects of the experiment before (`after`).
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
