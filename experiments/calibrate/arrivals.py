"""When shoppers come, and how often: the parameters of arrivals from the starts of visits."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

from experiments.calibrate.likelihood import Fit, greatest, quantile
from experiments.records.interval import Interval
from simulator.errors import DataError
from simulator.protocols import DAY

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NODES = 401  # of a shopper's log rate, in a range of six spreads to either side
_REACH = 6.0


def hours(at_V: Floats, shopper_V: Ints, *, confidence: float) -> tuple[Interval, Interval]:
    """The hour of the peak, and the busiest over the quietest hour's rate.

    The rate of a day is 1 + d cos(2 pi (h - peak) / 24), the cardioid law, with
    d = (ratio - 1) / (ratio + 1); its logarithm is concave in d times cosine and sine of the peak.
    Visits of one shopper hang together, so the covariance is the sandwich over shoppers (White,
    Econometrica 50, 1982, 1-25).

    Args:
        at_V: starts of visits, seconds since a midnight.
        shopper_V: whose they are.
        confidence: level of the intervals.

    Raises:
        DataError: visits are too few, or all at one hour.
    """
    angle_V = 2 * np.pi * (at_V % DAY) / DAY
    wave_VK = np.stack([np.cos(angle_V), np.sin(angle_V)], axis=1)
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
    depth = float(np.hypot(*at))
    rate_V = 1 + wave_VK @ at
    _, who_V = np.unique(shopper_V, return_inverse=True)
    if who_V.max(initial=-1) < 1 or depth < 1e-6 or depth > 0.999:
        raise DataError(f"world.arrivals: {len(at_V)} visits, must be spread over the day")
    score_UK = np.stack(
        [np.bincount(who_V, column) for column in (wave_VK / rate_V[:, None]).T], axis=1
    )
    bread = np.linalg.inv((wave_VK / rate_V[:, None] ** 2).T @ wave_VK)
    covariance = bread @ (score_UK.T @ score_UK) @ bread
    away = at / depth  # direction of the peak; across it the hour moves
    across = np.array([-away[1], away[0]])
    reach = quantile(confidence)
    peak = (math.atan2(at[1], at[0]) / (2 * np.pi) * 24) % 24
    hour_error = math.sqrt(across @ covariance @ across) / depth * 24 / (2 * np.pi)
    log_ratio = 2 * math.atanh(depth)
    ratio_error = 2 * math.sqrt(away @ covariance @ away) / (1 - depth**2)
    return (
        Interval(peak, peak - reach * hour_error, peak + reach * hour_error),
        _grown(log_ratio, ratio_error, reach),
    )


def weekend(at_V: Floats, days: int, first_weekday: int, *, confidence: float) -> Interval:
    """The rate on Saturdays and Sundays over that of other days.

    Given who the shoppers are, visits are Poisson; where days differ by more than that, the spread
    of the days is counted (quasi-Poisson).

    Args:
        at_V: starts of visits, seconds since the midnight before the first day.
        days: how many.
        first_weekday: of the first day, 0 is Monday.
        confidence: level of the interval.

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
    error = math.sqrt(max(spread, 1.0) * (1 / sums[0] + 1 / sums[1]))
    return _grown(math.log(means[0] / means[1]), error, quantile(confidence))


def activity(
    count_U: Ints, weeks: float, *, confidence: float
) -> tuple[Interval, Interval, Interval]:
    """Mean visits a week of a shopper, the spread of log rates, and how many shoppers there are.

    Visits are Poisson with a log-normal rate; who did not come is not seen, so counts are those
    of a law cut off at zero (Bulmer, Biometrics 30, 1974, 101-110). How many did not come follows.

    Args:
        count_U: visits of each shopper who came, >= 1.
        weeks: how long, in ordinary days: one with a factor of 1.2 counts 1.2 days.
        confidence: level of the intervals.

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
        log_G = at[0] + math.log(weeks) + sigma * node_G - sigma**2 / 2
        log_CG = counts[:, None] * log_G - np.exp(log_G) - special.gammaln(counts + 1)[:, None]
        return np.asarray(np.exp(log_CG) @ part_G)

    def log_likelihood(at: Floats) -> float:
        if abs(at[0]) > 50 or not -6 < at[1] < 1.6:
            return -math.inf
        none = float(chances(at, np.zeros(1))[0])
        found_C = chances(at, value_C.astype(np.float64))
        return float((times_C * np.log(np.maximum(found_C, 1e-300))).sum()) - len(
            count_U
        ) * math.log1p(-none)

    mean = float(count_U.mean()) / weeks
    fit = greatest(log_likelihood, (math.log(mean) - 0.5, 0.0), "shoppers.visits_per_week")
    reach = quantile(confidence)

    def all_shoppers(at: Floats) -> float:
        return math.log(len(count_U)) - math.log1p(-float(chances(at, np.zeros(1))[0]))

    return (
        _grown(float(fit.at[0]), fit.error((1, 0)), reach),
        _grown(float(fit.at[1]), fit.error((0, 1)), reach),
        _shoppers(
            fit,
            all_shoppers(fit.at),
            [_slope(all_shoppers, fit.at, i) for i in (0, 1)],
            len(count_U),
            reach,
        ),
    )


def _slope(of: Callable[[Floats], float], at: Floats, number: int) -> float:
    step = np.eye(len(at))[number] * 1e-4
    return float((of(at + step) - of(at - step)) / 2e-4)


def _shoppers(
    fit: Fit, log_size: float, gradient: list[float], seen: int, reach: float
) -> Interval:
    """How many shoppers: the error of the fit, and of how many of them happened to come."""
    share = seen / math.exp(log_size)
    error = math.hypot(fit.error(gradient), math.sqrt(max(1 - share, 0.0) / seen))
    found = _grown(log_size, error, reach)
    return Interval(found.estimate, max(found.low or 0.0, float(seen)), found.high)


def _grown(log_size: float, error: float, reach: float) -> Interval:
    ends = (log_size, log_size - reach * error, log_size + reach * error)
    return Interval(*(math.exp(end) if end < 700 else None for end in ends))
