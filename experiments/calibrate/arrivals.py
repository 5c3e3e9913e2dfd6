"""When shoppers come, and how often: the parameters of arrivals from the starts of visits."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from experiments.calibrate.likelihood import greatest, rows_of_matrix, slope
from experiments.records.calibration import Posterior
from simulator.errors import DataError
from simulator.protocols import DAY

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NODES = 401  # of a shopper's log rate, in a range of six spreads to either side
_REACH = 6.0
STEEPEST_RATIO = 1_000.0
"""Of the busiest over the quietest hour's rate, as far as the setting goes."""
_STEEPEST = (STEEPEST_RATIO - 1) / (STEEPEST_RATIO + 1)


def hours(at_V: Floats, shopper_V: Ints) -> Posterior:
    """The hour of the peak, and the busiest over the quietest hour's rate.

    The rate of a day is 1 + d cos(2 pi (h - peak) / 24), the cardioid law, with
    d = (ratio - 1) / (ratio + 1); its logarithm is concave in d times cosine and sine of the peak.
    Visits of one shopper hang together, so the covariance is the sandwich over shoppers (White,
    Econometrica 50, 1982, 1-25). Where visits gather in fewer hours than that law can have, as in
    a shop with closing time, only the peak is told: the circular mean, as of any law that is
    symmetric around it.

    Args:
        at_V: starts of visits, seconds since a midnight.
        shopper_V: whose they are.

    Raises:
        DataError: visits of fewer than two shoppers, or without any peak.
    """
    angle_V = 2 * np.pi * (at_V % DAY) / DAY
    wave_VK = np.stack([np.cos(angle_V), np.sin(angle_V)], axis=1)
    _, who_V = np.unique(shopper_V, return_inverse=True)
    if who_V.max(initial=-1) < 1:
        raise DataError("world.arrivals: visits of one shopper, must be of two or more")
    if float(np.hypot(*wave_VK.mean(axis=0))) >= _STEEPEST / 2:
        return _mean_hour(wave_VK, who_V)
    at = _peak(wave_VK)
    depth = float(np.hypot(*at))
    if depth > _STEEPEST:
        return _mean_hour(wave_VK, who_V)
    if depth < 1e-6:
        raise DataError(f"world.arrivals: {len(at_V)} visits, must have a busiest hour")
    rate_V = 1 + wave_VK @ at
    score_UK = np.stack(
        [np.bincount(who_V, column) for column in (wave_VK / rate_V[:, None]).T], axis=1
    )
    bread = np.linalg.inv((wave_VK / rate_V[:, None] ** 2).T @ wave_VK)
    covariance = bread @ (score_UK.T @ score_UK) @ bread
    away = at / depth  # direction of the peak; across it the hour moves
    across = np.array([-away[1], away[0]])
    ratio = (1 + depth) / (1 - depth)
    # Of the hour, and of log(ratio - 1) = log(2 d / (1 - d)).
    jacobian = np.stack([across / depth * 24 / (2 * np.pi), away * (1 / depth + 1 / (1 - depth))])
    found = jacobian @ covariance @ jacobian.T
    return Posterior(
        settings=("world.arrivals.peak_hour", "world.arrivals.peak_to_trough"),
        scales=("hour", "log"),
        floors=(0.0, 1.0),
        centre=((math.atan2(at[1], at[0]) / (2 * np.pi) * 24) % 24, math.log(ratio - 1)),
        covariance=rows_of_matrix(found),
        law="cardioid law of the hour, errors over shoppers",
        n=len(at_V),
    )


def _mean_hour(wave_VK: Floats, who_V: Ints) -> Posterior:
    """The peak alone: the direction of the mean, errors over shoppers by the delta method."""
    sum_UK = np.stack([np.bincount(who_V, column) for column in wave_VK.T], axis=1)
    count_U = np.bincount(who_V)
    mean = sum_UK.sum(axis=0) / count_U.sum()
    across = np.array([-mean[1], mean[0]]) / (mean @ mean) * 24 / (2 * np.pi)
    away_U = (sum_UK - count_U[:, None] * mean) @ across / count_U.sum()
    return Posterior(
        settings=("world.arrivals.peak_hour",),
        scales=("hour",),
        floors=(0.0,),
        centre=((math.atan2(mean[1], mean[0]) / (2 * np.pi) * 24) % 24,),
        covariance=((float((away_U**2).sum()) * len(away_U) / (len(away_U) - 1),),),
        law="circular mean, errors over shoppers",
        n=len(who_V),
    )


def _peak(wave_VK: Floats) -> Floats:
    """(2,) the depth times cosine and sine of the peak, by Newton's steps inside of the circle."""
    at = np.zeros(2)
    for _ in range(200):
        rate_V = 1 + wave_VK @ at
        score = (wave_VK / rate_V[:, None]).sum(axis=0)
        information = (wave_VK / rate_V[:, None] ** 2).T @ wave_VK
        step = np.linalg.solve(information, score)
        size = 1.0
        while np.hypot(*(at + size * step)) >= 0.9999:
            size /= 2
        at = at + size * step
        if np.abs(step).max() < 1e-10:
            break
    return at


def weekend(at_V: Floats, days: int, first_weekday: int) -> Posterior:
    """The rate on Saturdays and Sundays over that of other days.

    Given who the shoppers are, visits are Poisson; where days differ by more than that, the spread
    of the days is counted (quasi-Poisson).

    Args:
        at_V: starts of visits, seconds since the midnight before the first day.
        days: how many.
        first_weekday: of the first day, 0 is Monday.

    Raises:
        DataError: no weekend or no other day with visits.
    """
    count_D = np.bincount((at_V // DAY).astype(np.int64), minlength=days)[:days].astype(float)
    free_D = (np.arange(days) + first_weekday) % 7 >= 5
    sums = count_D[free_D].sum(), count_D[~free_D].sum()
    if min(sums) <= 0:
        raise DataError(
            f"world.arrivals.weekend: visits of weekends {sums[0]:.0f}, of other days "
            f"{sums[1]:.0f}, must be > 0 each"
        )
    means = sums[0] / free_D.sum(), sums[1] / (~free_D).sum()
    expected_D = np.where(free_D, *means)
    spread = float(((count_D - expected_D) ** 2 / expected_D).sum()) / max(days - 2, 1)
    return Posterior(
        settings=("world.arrivals.weekend",),
        scales=("log",),
        floors=(0.0,),
        centre=(math.log(means[0] / means[1]),),
        covariance=((max(spread, 1.0) * (1 / sums[0] + 1 / sums[1]),),),
        law="Poisson counts of days, their spread counted",
        n=len(at_V),
    )


@dataclass(frozen=True)
class Period:
    """The days in which visits were counted.

    Attributes:
        days: how many.
        weekends: how many of them are Saturdays or Sundays.
        factor: the rate on these over that of other days.
        factor_error: standard error of its logarithm.
        depth: of the day's profile 1 + depth cos, from 0 (flat) to 1.
        busy: mean time from a visit's start until another one would be told from it (seconds).
    """

    days: int
    weekends: int
    factor: float = 1.0
    factor_error: float = 0.0
    depth: float = 0.0
    busy: float = 0.0

    @property
    def weeks(self) -> float:
        """How long it is in ordinary days: one with a factor of 1.2 counts 1.2 days."""
        return (self.days - self.weekends + self.weekends * self.factor) / 7

    @property
    def lengthens(self) -> float:
        """The rise of log `weeks` with the log of the factor."""
        return self.weekends * self.factor / (7 * self.weeks)

    def told_apart(self, rate_G: Floats) -> Floats:
        """(G,) share of the visits of a shopper that are told from the one before.

        A visit that begins while an earlier one is under way, or less than half an hour after its
        last page, is seen as its continuation. Visits last independently of each other, so those
        that begin while none is under way are, at rate r, r exp(-r busy): the beginnings of busy
        periods of a queue with servers for all (Takacs, Introduction to the Theory of Queues,
        1962). Averaged over the day's profile g = 1 + d cos that is E[g exp(-q g)] with
        q = r busy, in Bessel functions.

        Args:
            rate_G: visits a week.
        """
        q_G = rate_G * self.weeks / self.days * self.busy / DAY
        z_G = q_G * self.depth
        # The scaled functions are exp(-z) I(z).
        found_G = special.ive(0, z_G) - self.depth * special.ive(1, z_G)
        return np.asarray(np.exp(z_G - q_G) * found_G)


def activity(count_U: Ints, period: Period) -> Posterior:
    """Mean visits a week of a shopper, the spread of log rates, and how many shoppers there are.

    Visits are Poisson with a log-normal rate; who did not come is not seen, so counts are those
    of a law cut off at zero (Bulmer, Biometrics 30, 1974, 101-110). How many did not come follows.

    Args:
        count_U: visits of each shopper who came, >= 1.
        period: in which they came.

    Raises:
        DataError: the counts do not determine it.
    """
    value_C, times_C = np.unique(count_U, return_counts=True)
    if len(value_C) < 3:
        raise DataError(
            f"shoppers.visits_per_week: {len(value_C)} different numbers of visits, must be >= 3"
        )
    node_G = np.linspace(-_REACH, _REACH, _NODES)
    part_G = np.exp(-(node_G**2) / 2)
    part_G /= part_G.sum()

    def chances(at: Floats, counts: Floats) -> Floats:
        """(C,) chance of each count, before the cut."""
        sigma = math.exp(at[1])
        rate_G = np.exp(np.minimum(at[0] + sigma * node_G - sigma**2 / 2, 700.0))
        seen_G = np.maximum(rate_G * period.weeks * period.told_apart(rate_G), 1e-300)
        log_CG = counts[:, None] * np.log(seen_G) - seen_G - special.gammaln(counts + 1)[:, None]
        return np.asarray(np.exp(log_CG) @ part_G)

    def log_likelihood(at: Floats) -> float:
        if abs(at[0]) > 50 or not -6 < at[1] < 1.6:
            return -math.inf
        none = float(chances(at, np.zeros(1))[0])
        found_C = chances(at, value_C.astype(np.float64))
        return float((times_C * np.log(np.maximum(found_C, 1e-300))).sum()) - len(
            count_U
        ) * math.log1p(-none)

    mean = float(count_U.mean()) / period.weeks
    fit = greatest(log_likelihood, (math.log(mean) - 0.5, 0.0), "shoppers.visits_per_week")

    def unseen(at: Floats) -> float:
        """The log of how many shoppers did not come."""
        none = float(chances(at, np.zeros(1))[0])
        return math.log(len(count_U)) + math.log(none) - math.log1p(-none)

    missed = math.exp(unseen(fit.at))
    jacobian = np.stack([np.eye(2)[0], np.eye(2)[1], slope(unseen, fit.at)])
    covariance = jacobian @ fit.covariance @ jacobian.T
    # How many of them happened to come is luck beyond that of the fit.
    covariance[2, 2] += (missed + len(count_U)) / (len(count_U) * missed)
    covariance[0, 0] += (period.lengthens * period.factor_error) ** 2
    names = "visits_per_week", "activity_sigma", "count"
    return Posterior(
        settings=tuple(f"shoppers.{name}" for name in names),
        scales=("log", "log", "log"),
        floors=(0.0, 0.0, float(len(count_U))),
        centre=(float(fit.at[0]), float(fit.at[1]), math.log(missed)),
        covariance=rows_of_matrix(covariance),
        law="Poisson visits with log-normal rates, cut off at zero",
        n=len(count_U),
    )
