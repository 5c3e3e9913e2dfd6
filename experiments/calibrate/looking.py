"""How looking falls with the place: decays of examination from clicks, whatever attracts.

A result of attraction a at rank k, d ranks below the last click, is clicked with the chance
a k^-eta d^-theta (position-based: theta = 0; user browsing, before the first click d = k). What
attracts is not known, and most pairs of query and result are seen a few times, so fitting an
attraction to each leaves the decays wrong however long the log is (Neyman and Scott, Econometrica
16, 1948, 1-32). Given how often a pair was clicked at all, at which of its places that was does not
hang on a: the chances are as n_k k^-eta d^-theta. That is the Poisson regression with a level for
each pair (Hausman, Hall and Griliches, Econometrica 52, 1984, 909-938), right wherever the mean is
of this form, be clicks Poisson or not (Wooldridge, Journal of Econometrics 90, 1999, 77-97).

What it asks is that places do not follow from earlier clicks on the same pair. Where a shop learns,
they do: whoever uses it says of which time a pair is, and takes one of another time as another.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_FEWEST = 100  # clicks on pairs that stood at several places


@dataclass(frozen=True)
class Decays:
    """F decays of examination.

    Attributes:
        decay_F: the exponents.
        covariance_FF: of them, errors over shoppers.
        clicks: how many told them: those on pairs that stood at several places.
    """

    decay_F: Floats
    covariance_FF: Floats
    clicks: int


def decays(log_NF: Floats, clicked_N: Flags, pair_N: Ints, shopper_N: Ints, what: str) -> Decays:
    """The exponents of examination, by Newton's steps: the likelihood is concave.

    Args:
        log_NF: (N, F) of each result shown, logs of its rank and of its distance to the last click.
        clicked_N: whether it was clicked.
        pair_N: number of its pair of query and result.
        shopper_N: who saw it; the sandwich covariance is over shoppers.
        what: is told, for errors.

    Raises:
        DataError: too few pairs were clicked that stood at several places.
    """
    pairs = int(pair_N.max(initial=-1)) + 1
    clicks_A = np.bincount(pair_N, clicked_N, pairs)
    several_A = _spread(log_NF, pair_N, pairs) > 0
    telling = int(clicks_A[several_A].sum())
    if telling < _FEWEST:
        raise DataError(
            f"{what}: clicks on results that stood at several places for one query == {telling}, "
            f"must be >= {_FEWEST}: else looking cannot be told from liking"
        )
    kept_N = several_A[pair_N] & (clicks_A > 0)[pair_N]
    log_NF, clicked_N, shopper_N = log_NF[kept_N], clicked_N[kept_N], shopper_N[kept_N]
    pair_N = np.unique(pair_N[kept_N], return_inverse=True)[1].astype(np.int64)
    decay_F = np.zeros(log_NF.shape[1])
    for _ in range(100):
        away_NF, information_FF = _moments(decay_F, log_NF, clicked_N, pair_N)
        if np.linalg.matrix_rank(information_FF) < len(decay_F):
            raise DataError(
                f"{what}: places of pairs == too alike, must tell one decay from another"
            )
        step_F = np.linalg.solve(information_FF, -away_NF[clicked_N].sum(axis=0))
        decay_F = decay_F + step_F
        if np.abs(step_F).max() < 1e-9:
            break
    away_NF, information_FF = _moments(decay_F, log_NF, clicked_N, pair_N)
    who_N = np.unique(shopper_N, return_inverse=True)[1]
    score_UF = np.stack([np.bincount(who_N, column) for column in (away_NF.T * clicked_N)], axis=1)
    people = len(score_UF)
    inverse = np.linalg.inv(information_FF)
    middle = score_UF.T @ score_UF * people / max(people - 1, 1)
    return Decays(decay_F, inverse @ middle @ inverse, telling)


def _moments(
    decay_F: Floats, log_NF: Floats, clicked_N: Flags, pair_N: Ints
) -> tuple[Floats, Floats]:
    """(N, F) how far each result is from the mean place of its pair, and the information.

    Means of a pair weigh its results by their chance to be looked at.
    """
    weight_N = np.exp(-log_NF @ decay_F)
    total_A = np.bincount(pair_N, weight_N)
    mean_AF = np.stack([np.bincount(pair_N, weight_N * column) for column in log_NF.T], axis=1)
    away_NF = log_NF - (mean_AF / total_A[:, None])[pair_N]
    share_N = weight_N * (np.bincount(pair_N, clicked_N) / total_A)[pair_N]
    return away_NF, np.asarray((away_NF * share_N[:, None]).T @ away_NF)


def _spread(log_NF: Floats, pair_N: Ints, pairs: int) -> Floats:
    """(A,) the range of the places of each pair."""
    low_AF = np.full((pairs, log_NF.shape[1]), np.inf)
    high_AF = -low_AF
    np.minimum.at(low_AF, pair_N, log_NF)
    np.maximum.at(high_AF, pair_N, log_NF)
    there_A = np.bincount(pair_N, minlength=pairs) > 0
    return np.where(there_A, (high_AF - low_AF).max(axis=1), 0.0)
