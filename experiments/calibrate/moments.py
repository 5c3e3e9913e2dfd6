"""Settings without a likelihood, from simulated facts.

The facts of a world with settings theta are taken as normal around a + B theta, the Gaussian
synthetic likelihood (Wood, Nature 466, 2010, 1102-1104), here with the mean a straight line near
the answer. Line and covariance S are those of worlds simulated around it, each with luck of its
own: first all over what was believed before, then around what the rounds before have found. With
the belief before, normal as well with covariance W, the posterior is normal, with the precision
W^-1 + B' S^-1 B. There are as many facts as settings, so that this is nearly B' S^-1 B, whose
inverse is B^-1 S B^-T: it is on average what it would be if S were known. S grows where the
log holds less than the worlds do, by the leverage of the answer, as
the line is estimated, too, and by the square of how much wider Student's law is than the normal
one, of as many degrees of freedom as are left.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.designs.spread import places
from simulator.errors import DataError
from simulator.randomness import Draws

Floats = NDArray[np.float64]

_FIRST = 1.25  # half of the first box, in spreads of what was believed before
_ERRORS = 2.0  # half of the smallest box, in errors of the answer
_FREEDOM = 3  # least degrees of freedom of what lines leave
_LEAST = 0.2  # half of the smallest box, in the same


@dataclass(frozen=True)
class Found:
    """A normal posterior of K settings.

    Attributes:
        centre_K: on their scales.
        covariance_KK: there.
        told_K: how much less sure one was before: spread after over spread before.
        beyond_K: whether the answer lies outside of all worlds that were simulated.
    """

    centre_K: Floats
    covariance_KK: Floats
    told_K: Floats
    beyond_K: NDArray[np.bool_]


def rounds(settings: int) -> tuple[int, ...]:
    """How many worlds each round takes: at last so many that what lines leave is known."""
    return settings + 5, settings + 5, 2 * settings + 8


def by_moments(
    simulate: Callable[[Floats, int], Floats],
    observed_K: Floats,
    centre_K: Floats,
    spread_K: Floats,
    *,
    seed: int,
    scarcer: Callable[[], float] = lambda: 1.0,
) -> Found:
    """Find settings whose worlds have the facts of a log.

    Args:
        simulate: from K settings and the number of a world to its K facts; NaN where it has none.
        observed_K: the facts of the log.
        centre_K, spread_K: what was believed before, on the settings' scales.
        seed: of where worlds are simulated.
        scarcer: how many times as much the worlds that were simulated hold as the log, not below
            1: the variance of its facts is as many times theirs.

    Raises:
        DataError: too few worlds have the facts.
    """
    size = len(observed_K)
    middle_K, half_K = centre_K.copy(), _FIRST * spread_K
    points: list[Floats] = []
    facts: list[Floats] = []
    found = None
    for turn, worlds in enumerate(rounds(size)):
        for place_K in places(size, worlds, Draws(seed).child(f"round.{turn}"), "moments"):
            points.append(middle_K + half_K * (2 * place_K - 1))
            facts.append(simulate(points[-1], len(points)))
        near = np.abs(np.stack(points) - middle_K) <= half_K * (1 + 1e-9)
        kept = near.all(axis=1) & np.isfinite(np.stack(facts)).all(axis=1)
        if kept.sum() < size + 1 + _FREEDOM and turn < len(rounds(size)) - 1:
            continue  # the next round simulates more of the same
        found = _posterior(
            *(np.stack(points)[kept], np.stack(facts)[kept], observed_K, centre_K, spread_K),
            scarcer=scarcer(),
        )
        # A box that holds the answer gets smaller around it, one that does not follows it.
        moved_K = np.clip(found.centre_K, middle_K - half_K, middle_K + half_K)
        inside_K = np.abs(found.centre_K - middle_K) <= half_K
        beyond_K = np.abs(found.centre_K - middle_K) > 1.5 * half_K
        found = Found(found.centre_K, found.covariance_KK, found.told_K, beyond_K)
        middle_K = moved_K
        # Never so small that luck alone makes a slope: of what is not told it stays wide.
        error_K = np.sqrt(np.diag(found.covariance_KK))
        least_K = np.maximum(_LEAST * spread_K, _ERRORS * error_K)
        half_K = np.where(inside_K, np.minimum(np.maximum(half_K / 2, least_K), half_K), half_K)
    assert found is not None
    return found


def _posterior(
    points_NK: Floats,
    facts_NK: Floats,
    observed_K: Floats,
    centre_K: Floats,
    spread_K: Floats,
    *,
    scarcer: float,
) -> Found:
    count, size = points_NK.shape
    freedom = count - size - 1
    if freedom < _FREEDOM:
        raise DataError(
            f"worlds that have all facts of the log == {count}, must be >= "
            f"{size + 1 + _FREEDOM}: the settings to begin with are too far from the log's shop; "
            "change them in the config's file"
        )
    mean_K = points_NK.mean(axis=0)
    design = np.column_stack([np.ones(count), (points_NK - mean_K) / spread_K])
    line, *_ = np.linalg.lstsq(design, facts_NK, rcond=None)
    rest_NK = facts_NK - design @ line
    wider = float(stats.t.ppf(0.975, freedom) / stats.norm.ppf(0.975))
    noise_KK = rest_NK.T @ rest_NK / freedom * wider**2 * scarcer
    gram = np.linalg.inv(design.T @ design)
    slope_KK = line[1:].T  # of facts (rows) with settings, in spreads
    before = np.eye(size)
    at_K = (centre_K - mean_K) / spread_K
    covariance_KK, place_K = before, at_K
    for _ in range(3):  # the leverage is that of the answer
        row = np.concatenate([[1.0], np.clip(place_K, -3, 3)])
        noise = noise_KK * (1 + float(row @ gram @ row))
        weight = (np.linalg.pinv(noise) @ slope_KK).T  # B' S^-1
        covariance_KK = np.linalg.inv(before + weight @ slope_KK)
        place_K = covariance_KK @ (at_K + weight @ (observed_K - line[0]))
    return Found(
        centre_K=mean_K + place_K * spread_K,
        covariance_KK=covariance_KK * np.outer(spread_K, spread_K),
        told_K=np.sqrt(np.diag(covariance_KK)),
        beyond_K=np.zeros(size, np.bool_),
    )
