"""The rows of sequential.json: running experiments, and what each look at them may decide."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from experiments.records.interval import Interval, Number
from experiments.records.metrics import SampleRatio
from experiments.records.reading import Record

Clock = Literal["units", "precision"]
Decision = Literal["more", "less", "untold"]
Rule = Literal["once", "every_look", "sequence", "group"]


@dataclass(frozen=True)
class SequentialLook:
    """One look at a running experiment, by three rules.

    Attributes:
        time: time of the look, in the table's unit.
        n_control, n_treatment: number of units so far.
        control: the metric in control.
        fraction: share of the planned information that has been reached.
        effect: treatment minus control, with the interval of a fixed-sample test. It is right at
            one look that was chosen in advance, and misses the truth too often with repeated looks.
        sequence: the same with the interval of the confidence sequence, which is right at all looks
            at once.
        p_sequence: p-value of the confidence sequence, of no effect; it may be read at any look.
        boundary: distance from 0, in standard errors, at which the group-sequential test decides;
            None if the test has no look here, or one so early that it cannot decide.
        group: the same with the group-sequential test's repeated interval.
        by_fixed, by_sequence, by_group: `more`, `less` or `untold`: the decision of each rule so
            far. A decision stays, because the experiment would have ended.
    """

    time: float
    n_control: int
    n_treatment: int
    control: float
    fraction: float
    effect: Interval
    sequence: Interval
    p_sequence: float
    boundary: Number
    group: Interval
    by_fixed: Decision
    by_sequence: Decision
    by_group: Decision


@dataclass(frozen=True)
class SequentialSeries:
    """All looks at one metric of one treatment against its control.

    Attributes:
        experiment, variant, metric: names, as in the table that was read.
        clock: measure of the information: `units` or `precision`.
        planned: end of the plan. With `units`: effective units, that is, units of an even split
            with as much information. With `precision`: the effect's standard error over the metric
            in control.
        looks: in the order of time.
    """

    experiment: str
    variant: str
    metric: str
    clock: Clock
    planned: float
    looks: tuple[SequentialLook, ...]


@dataclass(frozen=True)
class SequentialArm:
    """Whether a treatment and its control are as large as each other.

    Attributes:
        experiment, variant: names, as in the table that was read.
        share: the treatment's share of the units of treatment and control; null without units.
        mismatch: whether the share is further from one half than chance allows; null if it is so
            far that another share must have been planned, which the table does not say.
        ratio: the sample ratio test; null where `mismatch` is.
    """

    experiment: str
    variant: str
    share: Number
    mismatch: bool | None
    ratio: SampleRatio | None


@dataclass(frozen=True)
class PeekingRate:
    """How often a rule decides over simulated or re-randomised experiments, and when.

    Attributes:
        rule: `once`: a fixed test at the last look alone; `every_look`: the same test at every
            look; `sequence`: the confidence sequence; `group`: the group-sequential test.
        source: `gaussian`: paths of normal increments; `rerandomised`: units of a table,
            re-randomised.
        effect: the true effect: for `gaussian` the expected z at the planned end, for
            `rerandomised` the relative lift.
        looks, paths: number of looks, and of experiments.
        decided: share of the experiments in which the rule decided (exact interval). Without an
            effect these are false alarms.
        wrong: share of the experiments decided with the wrong sign; null without an effect.
        used: mean share of the planned units at the end of the experiment, by a decision or at the
            last look.
    """

    rule: Rule
    source: str
    effect: float
    looks: int
    paths: int
    decided: Interval
    wrong: Interval
    used: Interval


@dataclass(frozen=True)
class Sequential(Record):
    """Experiments looked at early.

    Attributes:
        confidence: level of all intervals.
        spending: how the group-sequential test spends its alpha: `obrien_fleming`, `pocock` or
            `power` with its exponent.
        series: looks at each metric of each treatment.
        arms: sample ratios of treatments.
        peeking: what repeated looks cost, where it was simulated.
        findings: what was odd in the data, and what was left out, a sentence each.
    """

    FILE: ClassVar[str] = "sequential.json"
    COMMAND: ClassVar[str] = "funnelab analyze"

    confidence: float
    spending: str
    series: tuple[SequentialSeries, ...]
    arms: tuple[SequentialArm, ...]
    peeking: tuple[PeekingRate, ...]
    findings: tuple[str, ...]
