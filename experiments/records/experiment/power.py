"""The rows of power.json: how large and how long a test must be."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

from experiments.records.interval import Interval, Number
from experiments.records.reading import Record, row_of, rows_of

Method = Literal["plain", "cuped", "given"]
Source = Literal["run", "log", "numbers"]
Planting = Literal["none", "shift", "scale", "events", "turn"]
Foretelling = Literal["units", "level", "variance", "error", "cuped"]


@dataclass(frozen=True)
class Size:
    """A change of a metric.

    Attributes:
        absolute: in the metric's unit.
        relative: over control; None where its level is not above 0.
    """

    absolute: Number
    relative: Number


@dataclass(frozen=True)
class Need:
    """What a test needs, and what it finds after `days`, by one method.

    Attributes:
        method: `plain`; `cuped`: adjusted by the same metric in the history; `given`: with the
            reduction that was given.
        explained: part of a unit's variance that the method takes away (R^2), after `days`.
        units: that the whole test needs, all arms together; None without an effect to be found.
        units_of_arms: the same, arm by arm.
        days_needed: first day after which the effect is found with the power that is wanted; None
            without an effect, or where `missing` says why.
        days_left: of a test that is under way; None of one that is not.
        least: the least effect that is found with this power after `days`; of a test of
            non-inferiority the least margin.
        power: the chance of finding the effect after `days`.
    """

    method: Method
    explained: float
    units: int | None
    units_of_arms: tuple[int, ...]
    days_needed: int | None
    days_left: int | None
    least: Size
    power: Number


@dataclass(frozen=True)
class Day:
    """What is known of the units of a test after a day.

    Attributes:
        day: 1 is the first.
        found: whether the log has it; else it is foretold, or follows from the numbers given.
        units: distinct units that take part, all arms together.
        level: the metric.
        variance: of a unit's value; of a ratio by the delta method.
    """

    day: int
    found: bool
    units: float
    level: Number
    variance: Number


@dataclass(frozen=True)
class CurvePoint:
    """What a test finds after a day, by one method.

    Attributes:
        method, day: which.
        least: as in `needs`.
        power: the chance of finding the effect.
    """

    method: Method
    day: int
    least: Size
    power: Number


@dataclass(frozen=True)
class SimulatedPower:
    """How many simulated tests found something.

    Attributes:
        asked: `false positives`: of tests in which there is nothing to be found; `power`: in
            which there is.
        method: by which they were told.
        way: how the effect was planted: `none`; `shift`: the same for each unit; `scale`: each
            unit's amount times the same; `events`: each event repeated or left out by chance;
            `turn`: some of those with 0 made 1, or the other way.
        effect: that was planted.
        day: after which day of the log.
        control, treatment: units of the arms.
        replaced: whether units were drawn with replacement, for the log has too few.
        repetitions: simulated tests.
        found: share of them that found something, with its exact interval.
        formula: the same share by the formula.
    """

    asked: Literal["false positives", "power"]
    method: Method
    way: Planting
    effect: Size
    day: int
    control: int
    treatment: int
    replaced: bool
    repetitions: int
    found: Interval
    formula: Number


@dataclass(frozen=True)
class ForetoldDay:
    """A number of the log's last day, foretold from the first half of its days.

    Attributes:
        what: `units`, `level`, `variance` (of a unit's value), `error` (standard error of the
            relative effect, to which `least` is proportional) or `cuped` (the same with CUPED).
        foretold, found: the number.
        off: foretold / found - 1.
    """

    what: Foretelling
    foretold: float
    found: float
    off: float


@dataclass(frozen=True)
class TailsOfLog:
    """How few units a metric hangs on.

    Attributes:
        units: in the log.
        counting: those with anything in the numerator.
        effective: effective number of those: so many equal ones would leave the total as uncertain.
        top: share of the total that the top hundredth of the units hold.
        skewness: of a unit's value, linearised for a ratio.
        units_for_normal: units of an arm from which on its mean is near enough to normal; 0 where
            the skewness is at most 1.
    """

    units: int
    counting: int
    effective: float
    top: float
    skewness: float
    units_for_normal: float


@dataclass(frozen=True)
class Law:
    """By which law days beyond the log are foretold.

    Attributes:
        name: of the law: `exchangeable days`.
        days: of the log.
        alpha, beta: of the beta-binomial law of active days.
        foretold: the law held against the log itself; empty where `missing` says why.
    """

    name: str
    days: int
    alpha: float
    beta: float
    foretold: tuple[ForetoldDay, ...]


@dataclass(frozen=True)
class PowerRecord(Record):
    """How large and how long a test must be.

    Attributes:
        name: of the run, of the log's folder, or of the metric where numbers were given.
        source: `run`, `log` or `numbers`.
        metric: what is tested.
        confidence: level of the interval of a single comparison, and of intervals here.
        power: that is wanted.
        arms: names of the arms, control first.
        shares: of the units that take part, arm by arm.
        traffic: share of all units that take part.
        comparisons: among which the level is shared.
        false_positives: the chance of a false positive that is left for each comparison.
        effect: to be found; None: none was given. In a test of non-inferiority what the treatment
            really does.
        margin: loss that is allowed; None: a test of a difference.
        days: for which `needs` tells what is found.
        most_days: days for which that can be told.
        running: days that the test has been under way; None: it is not.
        needs: a row for each method.
        accrued: a row for each day, up to that on which the effect is found by every method.
        curve: a row for each method and day.
        simulated: simulated tests; empty where numbers were given, or none was asked.
        tails: of the log; None where numbers were given.
        law: of more days; None where none is foretold.
        warnings: what must be known before this is believed, a sentence each.
        missing: what cannot be told, and why, a sentence each.
    """

    FILE: ClassVar[str] = "power.json"
    COMMAND: ClassVar[str] = "funnelab power"

    name: str
    source: Source
    metric: str
    confidence: float
    power: float
    arms: tuple[str, ...]
    shares: tuple[float, ...]
    traffic: float
    comparisons: int
    false_positives: float
    effect: Size | None
    margin: Size | None
    days: int
    most_days: int
    running: int | None
    needs: tuple[Need, ...]
    accrued: tuple[Day, ...]
    curve: tuple[CurvePoint, ...]
    simulated: tuple[SimulatedPower, ...]
    tails: TailsOfLog | None
    law: Law | None
    warnings: tuple[str, ...]
    missing: tuple[str, ...]

    @cached_property
    def methods(self) -> tuple[Method, ...]:
        """The methods, plain first."""
        return tuple(row.method for row in self.needs)

    def need(self, method: str) -> Need | None:
        """What a method needs."""
        return row_of(self.needs, method=method)

    def course(self, method: str) -> list[CurvePoint]:
        """The curve of a method, by day."""
        return rows_of(self.curve, method=method)
