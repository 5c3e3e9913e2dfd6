"""Expectation-maximisation: how far it climbs, and what stands in where a count is small."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from experiments.clickfits.impressions import Impressions
from simulator.errors import ConfigError, DataError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
State = TypeVar("State")
Found = TypeVar("Found", covariant=True)


@dataclass(frozen=True)
class Effort:
    """How a fit is made.

    Attributes:
        smoothing: imagined results of each parameter, with the mean that is known without it; 0
            gives the likeliest parameters, which are 0 and 1 where a pair was seen a few times.
        tolerance: climbs on while the log-likelihood rises by more than this for each page.
        most: steps at most.

    Raises:
        ConfigError: a number out of its range.
    """

    smoothing: float = 1.0
    tolerance: float = 1e-7
    most: int = 500

    def __post_init__(self) -> None:
        for name, value in (("smoothing", self.smoothing), ("tolerance", self.tolerance)):
            if not 0 <= value < np.inf:
                raise ConfigError(f"{name} == {value}, must be >= 0 and finite")
        if self.most < 1:
            raise ConfigError(f"most == {self.most}, must be >= 1 (steps)")


@dataclass(frozen=True)
class Climbed(Generic[Found]):
    """Where a climb ended.

    Attributes:
        state: the parameters.
        log_likelihoods: of the parameters before each step (of all pages).
        converged: whether it ended because it rose no more.
    """

    state: Found
    log_likelihoods: tuple[float, ...]
    converged: bool


def climb(
    state: State, step: Callable[[State], tuple[State, float]], pages: int, effort: Effort
) -> Climbed[State]:
    """Step until the log-likelihood rises no more.

    Args:
        state: where to begin.
        step: gives the next parameters, and the log-likelihood of those it is given.
        pages: how many there are.
        effort: when to end.
    """
    found: list[float] = []
    for _ in range(effort.most):
        state, log_likelihood = step(state)
        found.append(log_likelihood)
        if len(found) > 1 and abs(found[-1] - found[-2]) <= effort.tolerance * pages:
            return Climbed(state, tuple(found), True)
    return Climbed(state, tuple(found), False)


def shares(events: Floats, trials: Floats, mean: float, smoothing: float) -> Floats:
    """Events of trials, with `smoothing` imagined trials of this mean; the mean where none is."""
    imagined = smoothing * mean if smoothing else 0.0  # without any, the mean may be unknown
    total, found = trials + smoothing, np.full(events.shape, mean)
    np.divide(events + imagined, total, out=found, where=total > 0)
    return found


def top_click_rate(impressions: Impressions) -> float:
    """Share of the results at the top that are clicked: there, all are looked at.

    Raises:
        DataError: none is.
    """
    rate = float(impressions.clicked_PK[:, 0].mean())
    if rate == 0:
        raise DataError(
            f"clicks at rank 0 == 0 of {len(impressions)} pages, must be > 0: these models take the"
            " top as looked at"
        )
    return rate


def refuse_unclicked_ranks(impressions: Impressions) -> None:
    """Refuse ranks at which nobody clicks anything: whether they are looked at cannot be told.

    Raises:
        DataError: there is one, of some device.
    """
    for device in np.unique(impressions.device_P):
        rows = impressions.device_P == device
        shown_K = impressions.real_PK[rows].sum(axis=0)
        clicked_K = impressions.clicked_PK[rows].sum(axis=0)
        never = np.flatnonzero((shown_K > 0) & (clicked_K == 0))
        if len(never):
            rank = never[0]
            raise DataError(
                f"clicks at rank {rank} of device {device} == 0 of {shown_K[rank]}, must be > 0:"
                f" it seems never looked at; leave out ranks from {rank} on"
            )


def looked_at(
    impressions: Impressions, examined_PK: Floats, attraction_PK: Floats
) -> tuple[Floats, Floats]:
    """(P, K) chance of a click, and chance to have been looked at, given whether it was clicked.

    Args:
        impressions: what was shown and clicked.
        examined_PK: chance to look at a result.
        attraction_PK: chance of a click on one that is looked at.
    """
    real_PK = impressions.real_PK
    chance_PK = np.where(real_PK, examined_PK * attraction_PK, 0.0)
    unclicked_PK = examined_PK * (1 - attraction_PK) / np.maximum(1 - chance_PK, 1e-300)
    seen_PK = np.where(impressions.clicked_PK, 1.0, unclicked_PK)
    return chance_PK, np.where(real_PK, seen_PK, 0.0)


def log_likelihood_of(clicked_PK: Flags, chance_PK: Floats, real_PK: Flags) -> Floats:
    """(P,) log of the chance of a page's clicks, each given the clicks above it.

    Args:
        clicked_PK: what was clicked.
        chance_PK: chance of a click given the clicks above.
        real_PK: where there is a result.
    """
    with np.errstate(divide="ignore"):
        log_PK = np.log(np.where(clicked_PK, chance_PK, 1 - chance_PK))
    return np.asarray(np.where(real_PK, log_PK, 0.0).sum(axis=1))


def decay(log_steps: Floats, chances: Floats, trials: Floats) -> Floats:
    """(F,) exponents e of chance = prod_f step_f^(-e_f), >= 0, by weighted least squares of logs.

    Args:
        log_steps: (C, F) logs of the steps of C cells.
        chances: (C,) their chances; cells of chance 0 or 1 tell no slope.
        trials: (C,) how many results told each.
    """
    told = (chances > 0) & (chances < 1) & (trials > 0)
    weight = np.sqrt(trials[told] * chances[told] / (1 - chances[told]))
    steps, target = log_steps[told] * weight[:, None], -np.log(chances[told]) * weight
    found = np.linalg.lstsq(steps, target, rcond=None)[0]
    return np.asarray(np.maximum(found, 0.0))
