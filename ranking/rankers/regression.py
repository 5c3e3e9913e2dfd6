"""Logistic regression for few inputs: Newton's method with a ridge penalty, summed in one order."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Wide = NDArray[np.float64]

_STEPS = 25
_ENOUGH = 1e-9  # a step that moves no weight further than this is the last
_BIAS_PENALTY = 1e-3  # keeps the rate finite where it happened always or never


def fit_logistic(
    inputs_PX: Wide, happened_P: NDArray[np.bool_], *, penalty: float, start_P: Wide | None = None
) -> tuple[Wide, float]:
    """Weights and bias, on the inputs as they come.

    Inputs are standardised for the penalty; one that never varied has weight 0.

    Args:
        inputs_PX: inputs of P examples.
        happened_P: what is to be told.
        penalty: on half the squared standardised weights, in nats.
        start_P: a known part of each logit.
    """
    mean_X, spread_X = inputs_PX.mean(axis=0), inputs_PX.std(axis=0)
    spread_X[spread_X < 1e-6] = np.inf
    standard_PX = np.column_stack([np.ones(len(inputs_PX)), (inputs_PX - mean_X) / spread_X])
    penalty_X = np.full(standard_PX.shape[1], penalty)
    penalty_X[0] = _BIAS_PENALTY
    weight_X = np.zeros(standard_PX.shape[1])
    known_P = np.zeros(len(inputs_PX)) if start_P is None else start_P
    rate = np.clip(happened_P.mean(), 1e-5, 1 - 1e-5)
    weight_X[0] = np.log(rate / (1 - rate)) - known_P.mean()

    def logits(weight_X: Wide) -> Wide:
        return np.asarray(known_P + np.einsum("px,x->p", standard_PX, weight_X))

    def loss(weight_X: Wide) -> float:
        sign_P = np.where(happened_P, -1.0, 1.0)
        return float(np.logaddexp(0, sign_P * logits(weight_X)).sum() + penalty_X @ weight_X**2 / 2)

    for _ in range(_STEPS if happened_P.any() else 0):
        chance_P = expit(logits(weight_X))
        slope_X = np.einsum("px,p->x", standard_PX, happened_P - chance_P) - penalty_X * weight_X
        weighed_PX = standard_PX * (chance_P * (1 - chance_P))[:, None]
        curve_XX = np.einsum("px,py->xy", weighed_PX, standard_PX) + np.diag(penalty_X)
        step_X, before = np.linalg.solve(curve_XX, slope_X), loss(weight_X)
        while np.abs(step_X).max() > _ENOUGH and loss(weight_X + step_X) > before:
            step_X = step_X / 2  # far from the best weights a whole step may lead past them
        weight_X = weight_X + step_X
        if np.abs(step_X).max() <= _ENOUGH:
            break
    plain_X = weight_X[1:] / spread_X
    return plain_X, float(weight_X[0] - plain_X @ mean_X)
