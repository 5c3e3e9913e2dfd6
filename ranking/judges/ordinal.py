"""Ordinal logistic regression: P(grade > k) = 1 / (1 + exp(cut_k - w x)), cuts ascending.

The proportional odds model (McCullagh, Journal of the Royal Statistical Society B 42, 1980,
109-142). Cuts ascend because each is the one below it plus a number that cannot be negative.
Without a penalty it is the model of statsmodels, which counts every pair once and needs all grades.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

Floats = NDArray[np.float64]

_LEAST = 1e-12


@dataclass(frozen=True)
class Ordinal:
    """A fitted model of G grades.

    Attributes:
        weight_F: of the inputs.
        cut_C: G - 1 cuts, ascending.
    """

    weight_F: Floats
    cut_C: Floats

    def chances(self, inputs_PF: NDArray[np.floating]) -> Floats:
        """(P, G) probability of each grade."""
        above_PC = expit((inputs_PF @ self.weight_F)[:, None] - self.cut_C)
        edges = np.ones((len(above_PC), 1)), np.zeros((len(above_PC), 1))
        edged = np.concatenate([edges[0], above_PC, edges[1]], axis=1)
        return np.asarray(np.maximum(edged[:, :-1] - edged[:, 1:], 0.0))


def fit_ordinal(
    inputs_PF: NDArray[np.floating],
    grade_P: NDArray[np.integer],
    weight_P: NDArray[np.floating] | None = None,
    *,
    grades: int = 4,
    penalty: float = 1.0,
) -> Ordinal:
    """The most likely model, with a normal prior on the weights.

    Args:
        inputs_PF: inputs of P pairs, best of about unit spread.
        grade_P: their grades, 0 to grades - 1.
        weight_P: how much each pair counts; None: 1.
        grades: how many there are.
        penalty: L2 penalty on weights, in pairs.
    """
    inputs, grade = inputs_PF.astype(np.float64), grade_P.astype(np.int64)
    weight = np.ones(len(grade)) if weight_P is None else weight_P.astype(np.float64)
    features, cuts = inputs.shape[1], grades - 1

    def parts(at: Floats) -> tuple[Floats, Floats, Floats]:
        step_C = np.exp(at[features + 1 :])
        cut_C = at[features] + np.concatenate([[0.0], np.cumsum(step_C)])
        return at[:features], cut_C, step_C

    def loss(at: Floats) -> tuple[float, Floats]:
        weight_F, cut_C, step_C = parts(at)
        score_P = inputs @ weight_F
        above_PC = expit(score_P[:, None] - cut_C)
        edged = np.concatenate(
            [np.ones((len(grade), 1)), above_PC, np.zeros((len(grade), 1))], axis=1
        )
        rows = np.arange(len(grade))
        chance_P = np.maximum(edged[rows, grade] - edged[rows, grade + 1], _LEAST)
        slope = edged * (1 - edged)  # of each edge by the score; 0 at the outer ones
        up_P, down_P = slope[rows, grade], slope[rows, grade + 1]
        by_score_P = -weight * (up_P - down_P) / chance_P
        by_cut_C = np.zeros(cuts)
        np.add.at(by_cut_C, grade[grade > 0] - 1, (weight * up_P / chance_P)[grade > 0])
        inner = grade < cuts
        np.add.at(by_cut_C, grade[inner], -(weight * down_P / chance_P)[inner])
        gradient = np.concatenate(
            [
                inputs.T @ by_score_P + penalty * weight_F,
                [by_cut_C.sum()],
                np.cumsum(by_cut_C[::-1])[::-1][1:] * step_C,
            ]
        )
        total = -float(weight @ np.log(chance_P)) + penalty / 2 * float(weight_F @ weight_F)
        return total, gradient

    share = np.clip(np.cumsum(np.bincount(grade, weight, grades))[:-1] / weight.sum(), 0.01, 0.99)
    first_C = np.log(share / (1 - share))
    start = np.concatenate(
        [np.zeros(features), first_C[:1], np.log(np.maximum(np.diff(first_C), 0.05))]
    )
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    weight_F, cut_C, _ = parts(found.x)
    return Ordinal(weight_F, cut_C)
