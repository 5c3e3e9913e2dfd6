"""Who clicked, and also wants: a logistic regression on the click's logit and a few facts.

What makes an item clicked makes it bought, too. So with some hundred purchases to learn from, the
question is how steeply one follows from the other, and which facts a result card hides.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.features import Feature
from ranking.rankers.regression import fit_logistic

Floats = NDArray[np.float32]
Wide = NDArray[np.float64]

# Facts whose scale does not move with how much has been counted, as that of rates and sales does.
_FACTS = [Feature.RATING, Feature.RELATIVE_PRICE, Feature.RELATIVE_GAP]
_PENALTY = 10.0  # facts must earn their place


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
    """Fit on clicked exposures.

    Args:
        clicks_P: click logits.
        features_PF: their features.
        wanted_P: whether the item was put into the cart or bought.
    """
    inputs_PX = np.column_stack([clicks_P, features_PF[:, _FACTS].astype(np.float64)])
    return Wants(*fit_logistic(inputs_PX, wanted_P, penalty=_PENALTY))
