"""A light score for the cut before the ranker: a linear click model on facts that cost little.

It reads neither which channels found an item nor how many, so what one channel alone found passes
by its own merit. It is learned with the ranker, from the same examples.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ranking.features import FACTS
from ranking.rankers.labels import Labels
from ranking.rankers.regression import fit_logistic
from simulator.catalogue.catalog import Ints

Floats = NDArray[np.float32]

_PENALTY = 1.0
_EXPOSURES = 200_000  # as many decide ten weights as well as all


def fit_light(features_PF: Floats, labels: Labels, examination_VP: Floats) -> Floats:
    """(X,) weights of `FACTS` in the logit of a click at the top.

    Args:
        features_PF, labels: of exposures.
        examination_VP: effect of device and place on the logit.
    """
    rows = np.arange(0, len(features_PF), -(-len(features_PF) // _EXPOSURES))
    slot_P = np.minimum(labels.slot_P[rows], examination_VP.shape[1] - 1)
    seen_P = examination_VP[labels.device_P[rows], slot_P].astype(np.float64)
    inputs_PX = features_PF[rows][:, FACTS].astype(np.float64)
    weight_X, _ = fit_logistic(inputs_PX, labels.clicked_P[rows], penalty=_PENALTY, start_P=seen_P)
    return weight_X.astype(np.float32)


def light_scores(facts_BNX: Floats, weight_X: Floats, items_BN: Ints) -> Floats:
    """(B, N) weighted sums of `FeatureSet.facts`, each in one order, -inf on padding."""
    return np.asarray(_sums(facts_BNX, weight_X, items_BN))


@njit(cache=True, nogil=True)
def _sums(facts_BNX: Any, weight_X: Any, items_BN: Any) -> Any:  # pragma: no cover
    out_BN = np.full(items_BN.shape, -np.inf, np.float32)
    for b in range(items_BN.shape[0]):
        for n in range(items_BN.shape[1]):
            if items_BN[b, n] >= 0:
                total = np.float32(0.0)
                for x in range(len(weight_X)):
                    total += weight_X[x] * facts_BNX[b, n, x]
                out_BN[b, n] = total
    return out_BN
