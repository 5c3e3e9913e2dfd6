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
        relative: over control's level; None where that is not above 0.
    """

    absolute: Number
    relative: Number


@dataclass(frozen=True)
class Need:
    """What a test needs, and what it finds after `days`, by one method.

    Attributes:
        method: `plain`; `cuped`: adjusted by the same metric in the history; `given`: with the
            reduction of variance that was given.
        explained: part of a unit's variance that the method removes (R^2), after `days`.
        units: units that the whole test needs, all arms together; None without an effect to find.
        units_of_arms: the same, arm by arm.
        days_needed: first day after which the effect is found with the wanted power; None without
            an effect, or where `missing` says why.
        days_left: days that a running test still needs; None if no test is running.
        least: least effect that is found with the wanted power after `days`; in a test of
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
        day: number of the day; 1 is the first.
        found: whether the log has the day; else its values are predicted, or follow from the
            numbers given.
        units: distinct units that take part up to this day, all arms together.
        level: level of the metric.
        variance: variance of a unit's value; for a ratio by the delta method.
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
        method, day: method and number of the day.
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
        asked: `false positives` (tests without an effect) or `power` (tests with the effect).
        method: method of the test.
        way: how the effect was planted: `none`; `shift`: the same added for each unit; `scale`:
            each unit's amount multiplied; `events`: each event repeated or left out at random;
            `turn`: some units with 0 set to 1, or the reverse.
        effect: the planted effect.
        day: the day of the log after which the test is made.
        control, treatment: number of units in each arm.
        replaced: whether units were drawn with replacement, because the log has too few.
        repetitions: number of simulated tests.
        found: share of significant tests, with its exact interval.
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
        foretold, found: the predicted number, and the one that the log has.
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
        units: units in the log.
        counting: units with anything in the numerator.
        effective: effective number of `counting`: so many equal units would leave the total as
            uncertain.
        top: share of the total that the top 1 % of the units hold.
        skewness: of a unit's value, linearised for a ratio.
        units_for_normal: units that an arm needs until its mean is near enough to normal; 0 where
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
        name: name of the law: `exchangeable days`.
        days: days of the log.
        alpha, beta: parameters of the beta-binomial law of active days.
        foretold: predictions of the log's last day from its first half, beside what was found;
            empty where `missing` says why.
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
        name: name of the run, of the log's folder, or of the metric where numbers were given.
        source: `run`, `log` or `numbers`.
        metric: metric that is tested.
        confidence: level of the interval of a single comparison, and of intervals here.
        power: power that is wanted.
        arms: names of the arms, control first.
        shares: shares of the arms among the units that take part.
        traffic: share of all units that take part.
        comparisons: number of comparisons that share the level.
        false_positives: level of each comparison: its chance of a false positive.
        effect: effect to find; None if none was given. In a test of non-inferiority, the real
            effect of the treatment.
        margin: loss that is allowed; None in a test of a difference.
        days: length of the test to which `explained`, `least` and `power` of `needs` refer.
        most_days: longest test for which predictions are possible (days).
        running: days for which the test has been running; None if it is not running.
        needs: what the test needs and finds, a row for each method.
        accrued: units, level and variance of the metric, a row for each day up to the one on which
            every method finds the effect.
        curve: least effect and power, a row for each method and day.
        simulated: simulated tests; empty where numbers were given, or none were asked for.
        tails: how heavy the tails of the log are; None where numbers were given.
        law: law that predicts further days; None where none are predicted.
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
