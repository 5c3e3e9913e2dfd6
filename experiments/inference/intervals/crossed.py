"""Intervals over training seeds and shoppers at once.

A measure has a value y[s, b] for every training seed s and test request b. Both are samples: of
the luck of training, and of the shoppers who search. They are crossed (every seed answers every
request), which is the layout of studies with several readers of the same cases.

The formula. Let z[s, u] be shopper u's share in the deviation of the estimate under seed s: the
sum over the shopper's requests of the linearised value, times U / B, so that its mean over s and u
is 0. The variance of that mean, and its degrees of freedom, are those of crossed random effects
(`intervals.factors`), and the interval takes Student's t.

Linearised: a mean, y - mean(y); a paired difference, the same of y_A - y_B; a ratio of means, on
the log scale, y_A / mean(y_A) - y_B / mean(y_B) (delta method). Pairing takes away what a request
or a seed does to both schemes alike.

Where the data are totals of shoppers (N over D: clicks over exposures), the table is linearised
cell by cell: a ratio of sums r, (N - r D) / mean(D); the growth of one ratio over another, on the
log scale, N / mean(N) - D / mean(D) minus the same of the base. With one seed these two give the
one-sample interval over shoppers, which knows nothing of the luck of training. Where worlds were
lived, their luck is one factor more: as the rows of a table with one training (several pairs of
worlds), or beside the trainings in a table z[s, l, u]. Of one luck it is told from groups of
shoppers that share it, and added to the variance (see `intervals.shared`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from experiments.inference.intervals.factors import variance_of_mean
from experiments.inference.intervals.shared import (
    NO_LUCK,
    Luck,
    Shared,
    added,
    luck_apart,
    shared_luck,
)
from experiments.inference.intervals.student import student, wilson
from experiments.records.interval import UNKNOWN, Interval, Number
from simulator.errors import DataError

Floats = NDArray[np.float64]
FEWEST_SEEDS = 3
"""Seeds below which an interval rests on too little to be believed."""


@dataclass(frozen=True)
class Result:
    """An interval, and what it rests on.

    Attributes:
        interval: the number and its interval.
        p_value: two-sided, of 0; None for a level.
        n, shoppers, seeds: requests, shoppers and training seeds that it rests on.
        freedom: degrees of freedom of the interval, which is Student's; None without one.
    """

    interval: Interval
    p_value: Number
    n: int
    shoppers: int
    seeds: int
    freedom: Number = None


NOTHING = Result(UNKNOWN, None, 0, 0, 0)
"""What can be said where there is nobody."""


def level(values_SB: Floats, shopper_B: NDArray[np.integer], *, confidence: float) -> Result:
    """The mean of a measure over seeds and requests.

    Raises:
        DataError: shapes that do not fit, no value, or one that is not finite.
    """
    values_SB = _checked(values_SB, shopper_B)
    mean = float(values_SB.mean())
    return _interval(mean, values_SB - mean, shopper_B, confidence, tested=False)


def difference(
    values_SB: Floats, base_SB: Floats, shopper_B: NDArray[np.integer], *, confidence: float
) -> Result:
    """Mean of a scheme minus mean of the baseline, paired by seed and by request.

    Raises:
        DataError: shapes that do not fit, no value, or one that is not finite.
    """
    gap_SB = _pair(values_SB, base_SB, shopper_B)
    mean = float(gap_SB.mean())
    return _interval(mean, gap_SB - mean, shopper_B, confidence)


def relative(
    values_SB: Floats, base_SB: Floats, shopper_B: NDArray[np.integer], *, confidence: float
) -> Result:
    """Mean of a scheme over mean of the baseline, minus 1; its interval on the log scale.

    Without a number where the baseline's mean is not positive; without an interval where the
    scheme's is not.

    Raises:
        DataError: shapes that do not fit, no value, or one that is not finite.
    """
    _pair(values_SB, base_SB, shopper_B)
    mean, base = float(np.mean(values_SB)), float(np.mean(base_SB))
    if base <= 0 or mean <= 0:
        known = mean / base - 1 if base > 0 else None
        return _alone(known, base_SB, shopper_B)
    linear_SB = values_SB / mean - base_SB / base
    return _grown(_interval(math.log(mean / base), linear_SB, shopper_B, confidence))


def ratio(
    numerator_SU: Floats,
    denominator_SU: Floats,
    *,
    confidence: float,
    tested: bool = False,
    groups: tuple[Floats, Floats] | None = None,
) -> Result:
    """A ratio of sums over seeds and shoppers, such as a share of events.

    Args:
        numerator_SU, denominator_SU: totals of each seed and shopper.
        confidence: level of the interval; with one seed it is over shoppers alone.
        groups: the same totals of groups of shoppers that share luck; for one seed.
        tested: also a p-value of no numerator; one of 0 in every cell has the interval [0, 0].

    Returns:
        the ratio; without a number where the denominators sum to 0.

    Raises:
        DataError: shapes that do not fit, no value, or one that is not finite.
    """
    shopper_U = np.arange(np.shape(numerator_SU)[-1])
    linear_SU = linear(numerator_SU, denominator_SU)
    if linear_SU is None:
        return _alone(None, numerator_SU, shopper_U)
    found = _ratio_of(numerator_SU, denominator_SU)
    luck = NO_LUCK
    if groups is not None:
        luck = shared_luck(linear_SU, (groups[0] - found * groups[1]) / np.mean(denominator_SU))
    return _interval(found, linear_SU, shopper_U, confidence, fewest=1, tested=tested, luck=luck)


def share(held_SU: Floats, all_SU: Floats, *, confidence: float) -> Result:
    """A `ratio` of a part to its whole, with the interval of a share: see `wilson`."""
    found = ratio(held_SU, all_SU, confidence=confidence)
    linear_SU, size = linear(held_SU, all_SU), found.interval.estimate
    if linear_SU is None or size is None or found.interval.low is None or not 0 < size < 1:
        return replace(found, interval=found.interval.alone)
    error, freedom = _error(linear_SU, np.arange(linear_SU.shape[-1]), fewest=1)
    low, high = wilson(size, error, freedom, confidence=confidence)
    return replace(found, interval=Interval(size, float(low), float(high)))


def growth(
    numerator_SU: Floats,
    denominator_SU: Floats,
    base_numerator_SU: Floats,
    base_denominator_SU: Floats,
    *,
    confidence: float,
    shared: Shared | None = None,
) -> Result:
    """A ratio of sums over the baseline's, minus 1, paired by shopper; its interval on a log scale.

    Args:
        numerator_SU, denominator_SU: (S, U) totals of each seed and shopper, or (S, L, U) of each
            seed, luck of worlds and shopper.
        base_numerator_SU, base_denominator_SU: the baseline's; one that all seeds share is given
            with one row.
        confidence: level of the interval; with one seed it is over shoppers alone.
        shared: the part of it in which groups may share luck; for one luck.

    Returns:
        the growth; without a number where a denominator or the baseline's numerator sums to 0;
        without an interval where the numerator does.

    Raises:
        DataError: shapes that do not fit, no value, or one that is not finite.
    """
    shopper_U = np.arange(np.shape(numerator_SU)[-1])
    terms = [numerator_SU, denominator_SU]
    terms += [_repeated(base, numerator_SU) for base in (base_numerator_SU, base_denominator_SU)]
    for term in terms[1:]:
        _pair(numerator_SU, term, shopper_U)
    means = [float(np.mean(term)) for term in terms]
    if min(means[1:]) <= 0 or means[0] <= 0:
        known = -1.0 if min(means[1:]) > 0 else None
        return _alone(known, numerator_SU, shopper_U)
    size = math.log(means[0] / means[1]) - math.log(means[2] / means[3])
    luck = NO_LUCK if shared is None else shared.luck(_log_gap)
    gap_SU = _log_gap(terms, means)
    return _grown(_interval(size, gap_SU, shopper_U, confidence, fewest=1, luck=luck))


@dataclass(frozen=True)
class Grown:
    """What a `growth` is of.

    Attributes:
        terms: (S, U) numerator and denominator, then the baseline's.
        shared: the part of it in which groups may share luck; for one seed.
    """

    terms: tuple[Floats, Floats, Floats, Floats]
    shared: Shared | None = None

    @property
    def means(self) -> list[float]:
        """Of the terms, checked."""
        shopper_U = np.arange(np.shape(self.terms[0])[-1])
        for term in self.terms[1:]:
            _pair(self.terms[0], term, shopper_U)
        return [float(np.mean(term)) for term in self.terms]


def growth_apart(one: Grown, other: Grown, *, confidence: float, alike: bool) -> Result:
    """How much greater one growth is than another, paired by seed and by shopper.

    Args:
        one, other: over the same seeds and shoppers; a shopper whom one of them lacks counts as
            zeros there.
        confidence: level of the interval, which is on a log scale.
        alike: whether the groups that share luck are the same in both.

    Returns:
        (1 + growth) / (1 + other growth) - 1; without a number where a mean is not positive. Equal
        tables give 0 with the interval [0, 0].

    Raises:
        DataError: shapes that do not fit, no value, or one that is not finite.
    """
    means, other_means = one.means, other.means
    shopper_U = np.arange(np.shape(one.terms[0])[-1])
    if min(*means, *other_means) <= 0:
        return _alone(None, one.terms[0], shopper_U)
    sizes = [
        math.log(top / bottom) - math.log(base / base_bottom)
        for top, bottom, base, base_bottom in (means, other_means)
    ]
    apart_SU = _pair(_log_gap(one.terms, means), _log_gap(other.terms, other_means), shopper_U)
    luck = luck_apart(one.shared, other.shared, _log_gap, alike=alike)
    size = sizes[0] - sizes[1]
    return _grown(_interval(size, apart_SU, shopper_U, confidence, fewest=1, luck=luck))


def _log_gap(terms: Sequence[Floats], means: Sequence[float]) -> Floats:
    """The log of one ratio of sums over another, linearised."""
    part = [term / mean for term, mean in zip(terms, means, strict=True)]
    return np.asarray((part[0] - part[1]) - (part[2] - part[3]))


def contrast(
    numerator_SU: Floats,
    denominator_SU: Floats,
    base_numerator_SU: Floats,
    base_denominator_SU: Floats,
    *,
    confidence: float,
    shared: Shared | None = None,
) -> Result:
    """A ratio of sums minus the baseline's, paired by seed and by shopper.

    Args: as of `growth`.

    Returns:
        the difference; without a number where a denominator sums to 0. Equal tables give 0 with
        the interval [0, 0].

    Raises:
        DataError: shapes that do not fit, no value, or one that is not finite.
    """
    linear_SU = linear(numerator_SU, denominator_SU)
    base_SU = linear(base_numerator_SU, base_denominator_SU)
    shopper_U = np.arange(np.shape(numerator_SU)[-1])
    if linear_SU is None or base_SU is None:
        return _alone(None, numerator_SU, shopper_U)
    size = _ratio_of(numerator_SU, denominator_SU) - _ratio_of(
        base_numerator_SU, base_denominator_SU
    )
    gap_SU = _pair(linear_SU, base_SU, shopper_U)
    luck = NO_LUCK if shared is None else shared.luck(_gap)
    return _interval(size, gap_SU, shopper_U, confidence, fewest=1, luck=luck)


def _gap(terms: Sequence[Floats], means: Sequence[float]) -> Floats:
    """One ratio of sums minus another, linearised."""
    top, bottom, base, base_bottom = means
    treated = (terms[0] - top / bottom * terms[1]) / bottom
    return np.asarray(treated - (terms[2] - base / base_bottom * terms[3]) / base_bottom)


def linear(numerator_SU: Floats, denominator_SU: Floats) -> Floats | None:
    """(S, U) each cell's share in how far a ratio of sums is from its mean; None without one.

    Raises:
        DataError: shapes that do not fit, no value, or one that is not finite.
    """
    _pair(numerator_SU, denominator_SU, np.arange(np.shape(numerator_SU)[-1]))
    weight = float(np.mean(denominator_SU))
    if weight <= 0:
        return None
    found = _ratio_of(numerator_SU, denominator_SU)
    return np.asarray((numerator_SU - found * denominator_SU) / weight)


def _ratio_of(numerator_SU: Floats, denominator_SU: Floats) -> float:
    return float(np.mean(numerator_SU)) / float(np.mean(denominator_SU))


def _error(
    linear_SB: Floats, shopper_B: NDArray[np.integer], fewest: int, luck: Luck = NO_LUCK
) -> tuple[float, float]:
    """Standard error and degrees of freedom, by the formula of the module.

    NaN where there are not so many seeds and two shoppers.
    """
    _, shopper = np.unique(shopper_B, return_inverse=True)
    seeds, shoppers = len(linear_SB), int(shopper.max()) + 1
    if shoppers < 2 or seeds < fewest:
        return math.nan, math.nan
    rows_NB = linear_SB.reshape(-1, len(shopper))
    sums = [np.bincount(shopper, row, shoppers) for row in rows_NB]
    table_NU = np.array(sums, np.float64) * (shoppers / len(shopper))
    variance, freedom = variance_of_mean(table_NU.reshape(*linear_SB.shape[:-1], shoppers))
    variance, freedom = added(variance, freedom, luck)
    return math.sqrt(variance), freedom


def _interval(
    estimate: float,
    linear_SB: Floats,
    shopper_B: NDArray[np.integer],
    confidence: float,
    *,
    fewest: int = 2,
    tested: bool = True,
    luck: Luck = NO_LUCK,
) -> Result:
    """An estimate with its interval, where so many seeds are there and anything varies."""
    found = _alone(estimate, linear_SB, shopper_B)
    error, freedom = _error(linear_SB, shopper_B, fewest, luck)
    equal = error == 0 and tested and estimate == 0  # in every cell, where nothing varies
    if not (error > 0 or equal):
        return found
    interval, p_value = student(estimate, error, freedom, confidence=confidence)
    return replace(
        found, interval=interval, p_value=p_value if tested else None, freedom=float(freedom)
    )


def _alone(estimate: Number, values_SB: Floats, shopper_B: NDArray[np.integer]) -> Result:
    """An estimate without an interval."""
    seeds, *_, requests = np.shape(values_SB)
    return Result(Interval(estimate, None, None), None, requests, len(np.unique(shopper_B)), seeds)


def _grown(logged: Result) -> Result:
    """From the log scale to growth: exp(x) - 1, None where that is more than a number holds."""
    ends = logged.interval.numbers
    grown = (math.expm1(end) if end is not None and end < 700 else None for end in ends)
    return replace(logged, interval=Interval(*grown))


def _repeated(base_SU: Floats, like_SU: Floats) -> Floats:
    """A baseline that all seeds share, once for each; a copy, so that equal sums are equal bits."""
    once = np.shape(base_SU) == (1, *np.shape(like_SU)[1:])
    return np.array(np.broadcast_to(base_SU, np.shape(like_SU)) if once else base_SU)


def _pair(values_SB: Floats, base_SB: Floats, shopper_B: NDArray[np.integer]) -> Floats:
    """Their difference, after the checks."""
    if np.shape(values_SB) != np.shape(base_SB):
        raise DataError(
            f"values_SB.shape == {np.shape(values_SB)}, must be {np.shape(base_SB)} "
            "as the baseline's: the same seeds and requests"
        )
    return _checked(values_SB, shopper_B) - _checked(base_SB, shopper_B)


def _checked(values_SB: Floats, shopper_B: NDArray[np.integer]) -> Floats:
    values = np.asarray(values_SB, np.float64)
    if values.ndim not in (2, 3) or not values.size or values.shape[-1] != len(shopper_B):
        raise DataError(
            f"values_SB.shape == {values.shape}, must be (seeds, {len(shopper_B)} requests)"
        )
    if not np.isfinite(values).all():
        raise DataError("values_SB == not finite somewhere, must be numbers")
    return values
