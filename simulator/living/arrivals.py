"""When they come: a non-homogeneous Poisson process with a daily and weekly profile."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator.living.settings import VISITS_PER_DAY_LIMIT, ArrivalSpec
from simulator.protocols import DAY
from simulator.randomness import Draws


@dataclass(frozen=True)
class Arrivals:
    """V visits, ordered by start, then shopper.

    Attributes:
        shopper_V: who comes.
        ordinal_V: number of the visit among all visits of this shopper; unique over days.
        start_V: simulated seconds.
    """

    shopper_V: NDArray[np.int64]
    ordinal_V: NDArray[np.int64]
    start_V: NDArray[np.float64]


def day_factor(spec: ArrivalSpec, day: int) -> float:
    """Multiplier of the visit rate on a day."""
    factor = spec.weekend if day % 7 in (5, 6) else 1.0
    for promotion in spec.promotions:
        if promotion.day == day:
            factor *= promotion.factor
    return factor


def rush(spec: ArrivalSpec, at_B: ArrayLike) -> NDArray[np.float64]:
    """Visits a second at some moments, over those at the peak hour of an ordinary day.

    Args:
        at_B: simulated seconds.
    """
    day_B, second_B = np.divmod(np.asarray(at_B, np.float64), DAY)
    depth = _depth(spec)
    angle_B = 2 * np.pi * (second_B / DAY - spec.peak_hour / 24)
    factor_B = np.ones(day_B.shape)
    for day in np.unique(day_B):
        factor_B[day_B == day] = day_factor(spec, int(day))
    return factor_B * (1 + depth * np.cos(angle_B)) / (1 + depth)


def daily_profile(spec: ArrivalSpec, bins: int = 1_440) -> NDArray[np.float64]:
    """(bins + 1,) cumulative share of a day's visits: a cosine around the evening peak."""
    hour = 24.0 * (np.arange(bins) + 0.5) / bins
    rate = 1 + _depth(spec) * np.cos(2 * np.pi * (hour - spec.peak_hour) / 24)
    cumulative = np.concatenate(([0.0], np.cumsum(rate)))
    return np.asarray(cumulative / cumulative[-1])


def _depth(spec: ArrivalSpec) -> float:
    """How far the rate swings about its mean over a day, over that mean."""
    return (spec.peak_to_trough - 1) / (spec.peak_to_trough + 1)


def visits_of_day(
    spec: ArrivalSpec, rate_S: NDArray[np.floating[Any]], day: int, draws: Draws
) -> Arrivals:
    """All visits of one day.

    Given its count, a Poisson process's points are independent draws from its intensity; so one
    Poisson count per shopper and one uniform per visit make the process exactly. At a higher rate
    the same visits come, and more of them.
    """
    shopper_S = np.arange(len(rate_S), dtype=np.int64)
    count_S = _poisson(rate_S * day_factor(spec, day), draws.uniform("visits", shopper_S, day))
    shopper_V = np.repeat(shopper_S, count_S)
    first_V = np.repeat(np.cumsum(count_S) - count_S, count_S)
    number_V = np.arange(len(shopper_V)) - first_V
    profile = daily_profile(spec)
    clock_V = draws.uniform("visit.time", shopper_V, day, number_V)
    share_V = np.interp(clock_V, profile, np.linspace(0.0, 1.0, len(profile)))
    start_V = DAY * (day + share_V)
    order = np.lexsort((shopper_V, start_V))
    ordinal_V = day * VISITS_PER_DAY_LIMIT + number_V
    return Arrivals(shopper_V[order], ordinal_V[order], start_V[order])


def _poisson(
    mean_S: NDArray[np.floating[Any]], uniform_S: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Poisson counts by inversion, capped at VISITS_PER_DAY_LIMIT - 1."""
    mean_S = mean_S.astype(np.float64)
    count_S = np.zeros(len(mean_S), np.int64)
    term_S = np.exp(-mean_S)
    cumulative_S = term_S.copy()
    for count in range(1, VISITS_PER_DAY_LIMIT):
        more_S = uniform_S > cumulative_S
        if not more_S.any():
            break
        count_S[more_S] = count
        term_S *= mean_S / count
        cumulative_S += term_S
    return count_S
