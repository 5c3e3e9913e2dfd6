"""Does the effect wear off, or grow, the longer a shopper has known the change?

Told by day since a shopper's first exposure, of the shoppers who can be followed for all of these
days. Otherwise late days would tell of those who came early, who are the frequent ones.

A day's effect is the difference of the arms' means of that day, and days are correlated, since
they are of the same shoppers. The trend is the slope of a line through the days' effects, each
weighed by the inverse of its variance. Its own variance follows from the covariance of the days
(weights are those of independent days, and only cost precision; the sandwich of Zeger and Liang,
Biometrics 42, 1986, 121-130, for one contrast):

    slope = sum a_d effect_d,  variance = a' (C1 / n1 + C2 / n2) a,

C being the covariance of the days over the shoppers of an arm.
"""

import math
from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from experiments.inference.estimates import Level, combined
from experiments.inference.intervals.student import ROUNDING, student
from experiments.inference.scorecard.ranks import Arm
from experiments.records.interval import UNKNOWN, Interval, Number
from simulator.errors import ConfigError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Days:
    """What the shoppers of an arm did on D days since their first exposure.

    Attributes:
        n: shoppers.
        mean_D: (D,) mean per shopper.
        covariance_DD: (D, D) over shoppers, n - 1.
    """

    n: int
    mean_D: Floats
    covariance_DD: Floats


@dataclass(frozen=True)
class Novelty:
    """How an effect changes with the days since a shopper first met it.

    Attributes:
        effects: by day, treatment minus control per shopper.
        slope: by how much the effect changes from one day to the next.
        p_value: two-sided, of an effect that stays.
        reason: why there is no slope; "" where there is.
    """

    effects: tuple[Interval, ...] = ()
    slope: Interval = UNKNOWN
    p_value: Number = None
    reason: str = ""


def since_exposure(
    days_of_shoppers: str, column: str, *, last_day: int, days: int
) -> tuple[str, str]:
    """What `days_since` reads, from a table of shoppers by day of the calendar.

    A shopper's first exposure is the first day with a request.

    Args:
        days_of_shoppers: SQL of rows (arm, shopper, day, requests, column), as
            `units.shopper_days` gives them.
        column: what is summed.
        last_day: of the log; who came too late to be followed for all of the days is left out.
        days: how many there are.

    Returns:
        SQL of the shoppers who can be followed, and of what they did by day.
    """
    first = (
        f"SELECT arm, shopper, min(day) FILTER (requests > 0) AS first FROM ({days_of_shoppers}) "
        f"GROUP BY arm, shopper HAVING first + {days - 1} <= {last_day}"
    )
    rows = (
        f"SELECT shopper AS unit, day - first AS day, {column} AS value "
        f"FROM ({days_of_shoppers}) JOIN ({first}) USING (arm, shopper)"
    )
    return f"SELECT arm, shopper AS unit FROM ({first})", rows


def days_since(
    connection: duckdb.DuckDBPyConnection, units: str, rows: str, *, days: int
) -> dict[Arm, Days]:
    """Sums of shoppers by day since their first exposure, and what these have in common.

    Args:
        connection: open; all sums are taken in it.
        units: SQL of rows (arm, unit), one of each shopper followed for all of the days.
        rows: SQL of rows (unit, day, value), day 0 being that of the first exposure; a shopper
            without a row of a day has nothing then. Those of other shoppers and days do not count.
        days: how many there are, D.

    Raises:
        ConfigError: there is no trend in so few days.
    """
    if days < 3:
        raise ConfigError(f"days == {days}, must be >= 3 to tell a trend")
    pairs = [(i, j) for i in range(days) for j in range(i, days)]
    sums = ", ".join(
        f"coalesce(sum(value) FILTER (day = {day}), 0)::DOUBLE AS d{day}" for day in range(days)
    )
    means = ", ".join(f"avg(d{day})" for day in range(days))
    covariances = ", ".join(f"covar_samp(d{i}, d{j})" for i, j in pairs)
    found = connection.execute(
        f"SELECT arm, count(*), {means}, {covariances} FROM ("
        f"SELECT arm, unit, {sums} FROM ({units}) LEFT JOIN "
        f"(SELECT unit, day, value FROM ({rows})) USING (unit) GROUP BY arm, unit) "
        "GROUP BY arm ORDER BY arm"
    ).fetchall()
    result: dict[Arm, Days] = {}
    for arm, n, *numbers in found:
        covariance_DD = np.zeros((days, days))
        for (i, j), number in zip(pairs, numbers[days:], strict=True):
            covariance_DD[i, j] = covariance_DD[j, i] = math.nan if number is None else number
        result[arm] = Days(n, np.array(numbers[:days], np.float64), covariance_DD)
    return result


def novelty(one: Days, two: Days, *, confidence: float = 0.95) -> Novelty:
    """The effect by day, and its trend.

    Args:
        one, two: of control and of treatment.
        confidence: level of the intervals, each by itself.
    """
    if min(one.n, two.n) < 2:
        return Novelty(reason="an arm has fewer than 2 shoppers who can be followed")
    effects = [_effect(one, two, d, confidence) for d in range(len(one.mean_D))]
    variance_D = np.diag(one.covariance_DD) / one.n + np.diag(two.covariance_DD) / two.n
    if not np.isfinite(variance_D).all():
        return Novelty(reason="a shopper's value is not a finite number")
    told_D = variance_D > 0  # a day on which nobody did anything tells of no effect
    if told_D.sum() < 3:
        return Novelty(tuple(effects), reason="fewer than 3 days vary between shoppers")
    weight_D = np.zeros(len(variance_D))
    weight_D[told_D] = 1 / variance_D[told_D]
    day_D = np.arange(len(weight_D), dtype=np.float64)
    day_D -= np.average(day_D, weights=weight_D)
    slope_D = weight_D * day_D / (weight_D * day_D**2).sum()
    slopes = [_level(arm, slope_D) for arm in (one, two)]
    if not any(level.error for level in slopes):
        return Novelty(tuple(effects), reason="every shopper does the same on all days")
    slope, p_value = student(*combined((-1.0, slopes[0]), (1.0, slopes[1])), confidence=confidence)
    return Novelty(tuple(effects), slope, p_value)


def _effect(one: Days, two: Days, day: int, confidence: float) -> Interval:
    """That of one day; without an interval where nobody did anything."""
    alone_D = np.eye(len(one.mean_D))[day]
    size, error, freedom = combined((-1.0, _level(one, alone_D)), (1.0, _level(two, alone_D)))
    if freedom == 0:
        return Interval(size, None, None)
    return student(size, error, freedom, confidence=confidence)[0]


def _level(arm: Days, weight_D: Floats) -> Level:
    """The mean of a weighted sum of a shopper's days."""
    variance = float(weight_D @ arm.covariance_DD @ weight_D)
    terms = float((weight_D**2 * np.diag(arm.covariance_DD)).sum())
    error = math.sqrt(variance / arm.n) if variance > ROUNDING * terms else 0.0
    return Level(float(weight_D @ arm.mean_D), error, arm.n)
