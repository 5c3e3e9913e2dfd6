"""From scores to chances: how often guesses of a score were right, rising with the score."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit

_BIN = 50  # guesses that are counted together at least
_MOST_BINS = 200

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Rising:
    """A share that rises with a score, linear between the points.

    Attributes:
        score_K: ascending.
        share_K: 0 to 1, ascending.
    """

    score_K: Doubles
    share_K: Doubles

    def __call__(self, score_N: Doubles) -> Doubles:
        """(N,) share at each score; that of the nearest point beyond the ends."""
        if not len(self.score_K):
            return np.zeros(len(score_N))
        return np.interp(score_N, self.score_K, self.share_K)


def fit_rising(score_N: Doubles, right_N: NDArray[np.bool_]) -> Rising:
    """The share of right guesses as a rising function of the score (isotonic regression).

    Args:
        score_N: of guesses that were not learned from.
        right_N: which of them are right.
    """
    bins = min(max(len(score_N) // _BIN, 1), _MOST_BINS)
    order_N = np.argsort(score_N, kind="stable")
    parts = [part for part in np.array_split(order_N, bins) if len(part)]
    if not parts:
        return Rising(np.zeros(0), np.zeros(0))
    score_K = np.array([score_N[part].mean() for part in parts])
    share_K = np.array([right_N[part].mean() for part in parts])
    weight_K = np.array([len(part) for part in parts], np.float64)
    risen_K = isotonic_regression(share_K, weights=weight_K).x
    score_U, first_U = np.unique(score_K, return_index=True)
    return Rising(score_U, risen_K[first_U])


def fit_logistic(inputs_NS: Doubles, right_N: NDArray[np.bool_]) -> Doubles:
    """(S,) weights of a logistic regression; the score of a row is its inputs times these.

    Args:
        inputs_NS: a constant among them.
        right_N: what is to be told.
    """

    def loss(weight_S: Doubles) -> tuple[float, Doubles]:
        score_N = inputs_NS @ weight_S
        slope_S = inputs_NS.T @ (expit(score_N) - right_N)
        total = np.logaddexp(0, score_N).sum() - score_N[right_N].sum()
        return float(total + weight_S @ weight_S / 2), slope_S + weight_S

    found = minimize(loss, np.zeros(inputs_NS.shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(found.x)
