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
        time: of the look, in the table's unit.
        n_control, n_treatment: units so far.
        control: the metric in control.
        fraction: share of the planned information.
        effect: treatment minus control, with the interval of a fixed test: right at one look that
            was chosen in advance, wrong too often where one peeks.
        sequence: the same with the interval of the confidence sequence: right at all looks at once.
        p_sequence: its p-value of no effect; may be read at any look.
        boundary: standard errors from 0 at which the group-sequential test decides; None where this
            is none of its looks, or one so early that it decides nothing.
        group: the effect with the group-sequential test's repeated interval.
        by_fixed, by_sequence, by_group: `more`, `less` or `untold`: what each rule had decided by
            then; a decision stays, as the experiment would have ended.
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
        experiment, variant, metric: which, as the table calls them.
        clock: of the information: `units` or `precision`.
        planned: end of the plan: effective units (those of an even split that tell as much), or the
            effect's standard error over the metric in control.
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
        experiment, variant: which.
        share: the treatment's share of their units; null without units.
        mismatch: whether it is further from one half than chance allows; null where it is so far
            that another share must have been planned, which the table does not tell.
        ratio: the test of it; null where `mismatch` is.
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
        source: `gaussian`: paths of normal increments; `rerandomised`: units of a table, assigned
            anew.
        effect: that there is: of `gaussian` the expected z at the planned end, of `rerandomised`
            the relative lift.
        looks, paths: how many looks, and how many experiments.
        decided: share of the experiments that were decided (exact interval). Without an effect
            these are false alarms.
        wrong: share decided for the side on which the effect is not; null without an effect.
        used: mean share of the planned units when it ended, by a decision or at the last look.
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
        series: one for each metric of each treatment.
        arms: sample ratios of treatments.
        peeking: what looking costs, where it was simulated.
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
