"""Nominal logistic regression: log P(class k) = w_k x + b_k, less the log of all of them together.

The multinomial logit model (McFadden, in Frontiers in Econometrics, 1974, 105-142) of classes that
have no order. Without a penalty it is the model of statsmodels, where one class is the base.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Nominal:
    """A fitted model of K classes.

    Attributes:
        weight_FK: of the inputs.
        bias_K: of each class.
    """

    weight_FK: Floats
    bias_K: Floats

    def chances(self, inputs_PF: NDArray[np.floating]) -> Floats:
        """(P, K) probability of each class."""
        return np.asarray(softmax(inputs_PF @ self.weight_FK + self.bias_K, axis=1), np.float64)


def fit_nominal(
    inputs_PF: NDArray[np.floating],
    class_P: NDArray[np.integer],
    *,
    classes: int,
    penalty: float = 1.0,
) -> Nominal:
    """The most likely model, with a normal prior on the weights.

    Args:
        inputs_PF: inputs of P pairs, best of about unit spread.
        class_P: their classes, 0 to classes - 1.
        classes: how many there are.
        penalty: L2 penalty on weights, in pairs; biases have none.
    """
    inputs, rows = inputs_PF.astype(np.float64), np.arange(len(class_P))
    features = inputs.shape[1]

    def parts(at: Floats) -> tuple[Floats, Floats]:
        weights = at.reshape(features + 1, classes)
        return weights[:-1], weights[-1]

    def loss(at: Floats) -> tuple[float, Floats]:
        weight_FK, bias_K = parts(at)
        logp_PK = log_softmax(inputs @ weight_FK + bias_K, axis=1)
        slope_PK = np.exp(logp_PK)
        slope_PK[rows, class_P] -= 1
        gradient = np.concatenate(
            [inputs.T @ slope_PK + penalty * weight_FK, slope_PK.sum(axis=0)[None]]
        )
        prior = penalty / 2 * float((weight_FK**2).sum())
        return prior - float(logp_PK[rows, class_P].sum()), gradient.ravel()

    share_K = (np.bincount(class_P, minlength=classes) + 0.5) / (len(class_P) + classes / 2)
    start = np.concatenate([np.zeros(features * classes), np.log(share_K)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return Nominal(*parts(found.x))
