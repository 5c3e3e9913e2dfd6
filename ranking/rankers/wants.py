"""Who clicked, and also wants: a logistic regression on the click's logit and a few facts.

What makes an item clicked makes it bought, too. So with some hundred purchases to learn from, the
question is how steeply one follows from the other, and which facts a result card hides.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.features import Feature

Floats = NDArray[np.float32]
Wide = NDArray[np.float64]

_FACTS = [
    Feature.RATING,
    Feature.POPULARITY,
    Feature.CONVERSION,
    Feature.CART_RATE,
    Feature.RELATIVE_PRICE,
    Feature.RELATIVE_GAP,
]
_PENALTY = 10.0  # on squared standardised weights, in nats: facts must earn their place
_STEPS = 25


@dataclass(frozen=True)
class Wants:
    """A fitted regression of X inputs: the click's logit, then `_FACTS`.

    Attributes:
        weight_X, bias: on the inputs as they come.
    """

    weight_X: Wide
    bias: float

    def logits(self, clicks_P: Wide, features_PF: Floats) -> Wide:
        """(P,) logits of wanting the item, given a click; summed in a fixed order."""
        logits_P = self.bias + self.weight_X[0] * clicks_P
        for weight, fact in zip(self.weight_X[1:], _FACTS, strict=True):
            logits_P = logits_P + weight * features_PF[:, fact].astype(np.float64)
        return np.asarray(logits_P)


def fit_wants(clicks_P: Wide, features_PF: Floats, wanted_P: NDArray[np.bool_]) -> Wants:
    """Fit by Newton's method with a ridge penalty, on clicked exposures.

    Args:
        clicks_P: click logits.
        features_PF: their features.
        wanted_P: whether the item was put into the cart or bought.
    """
    inputs_PX = np.column_stack([clicks_P, features_PF[:, _FACTS].astype(np.float64)])
    mean_X, spread_X = inputs_PX.mean(axis=0), inputs_PX.std(axis=0)
    spread_X[spread_X < 1e-6] = np.inf  # what never varied must not decide anything
    standard_PX = np.column_stack([np.ones(len(clicks_P)), (inputs_PX - mean_X) / spread_X])
    penalty_X = np.full(standard_PX.shape[1], _PENALTY)
    penalty_X[0] = 1e-3  # keeps the rate finite where nobody or everybody wants
    weight_X = np.zeros(standard_PX.shape[1])
    rate = np.clip(wanted_P.mean(), 1e-5, 1 - 1e-5)
    weight_X[0] = np.log(rate / (1 - rate))
    for _ in range(_STEPS if wanted_P.any() else 0):
        chance_P = 1 / (1 + np.exp(-_product(standard_PX, weight_X)))
        slope_X = np.einsum("px,p->x", standard_PX, wanted_P - chance_P) - penalty_X * weight_X
        curve_P = chance_P * (1 - chance_P)
        curve_XX = np.einsum("px,p,py->xy", standard_PX, curve_P, standard_PX)
        weight_X = weight_X + np.linalg.solve(curve_XX + np.diag(penalty_X), slope_X)
    plain_X = weight_X[1:] / spread_X
    return Wants(plain_X, float(weight_X[0] - plain_X @ mean_X))


def _product(standard_PX: Wide, weight_X: Wide) -> Wide:
    return np.asarray(np.einsum("px,x->p", standard_PX, weight_X))
