"""The direct model of off-policy estimates: what a slot brings, learned from the log alone.

    outcome of a slot = rate(slot, device) x relative rate(place in the logging arm's own ranking)

Places are in bins of powers of two: 0, 1, 2-3, 4-7, ... Of an item that the logging arm did not
rank no log tells; it counts like the worst of those that are ranked. The two factors are fitted in
turns, as in iterative proportional fitting (Deming and Stephan 1940), each as if `PRIOR_SLOTS` more
slots of the log's mean had been seen (Laplace smoothing). All of this is a convention of ours: the
better the model, the narrower the interval, and the less is lost where the log tells nothing.

What is predicted of a shopper is learned from the other half of the shoppers (cross-fitting,
Chernozhukov et al. 2018), so no shopper's own luck is in it.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FOLDS = 2
BINS = 18
UNRANKED = BINS - 1
"""The bin of an item that the logging arm did not rank."""

PRIOR_SLOTS = 10.0
_ROUNDS = 20


def folds(shopper_N: NDArray[np.integer]) -> NDArray[np.int64]:
    """The half to which each shopper belongs."""
    return np.asarray(shopper_N % FOLDS, np.int64)


def bins(place_N: NDArray[np.integer]) -> NDArray[np.int8]:
    """The bin of each 0-based place in a ranking, -1 for none."""
    power_N = np.minimum(np.frexp(np.maximum(place_N, 0).astype(np.float64))[1], UNRANKED - 1)
    return np.where(place_N < 0, UNRANKED, power_N).astype(np.int8)


def cross_fitted(slots_FX: Floats, outcomes_EFX: Floats) -> Floats:
    """What a slot of each cell brings, by the halves of shoppers for which it may be used.

    Args:
        slots_FX: slots by half and cell; a cell is (slot, device, bin).
        outcomes_EFX: sums of their outcomes.

    Returns:
        (E, 2, slot, device, bin), of each half what was learned from the other one.
    """
    other = [1, 0]
    return np.array(
        [
            [fitted(slots_FX[fold], outcomes_FX[fold]) for fold in other]
            for outcomes_FX in outcomes_EFX
        ]
    )


def fitted(slots_KDR: Floats, outcomes_KDR: Floats) -> Floats:
    """What a slot of each (slot, device, bin) brings, by the formula of the module."""
    seen = float(slots_KDR.sum())
    mean = float(outcomes_KDR.sum()) / seen if seen else 0.0
    if mean <= 0:
        return np.zeros(slots_KDR.shape)
    by_place_KD, by_rank_R = outcomes_KDR.sum(axis=2), outcomes_KDR.sum(axis=(0, 1))
    rank_R = np.ones(slots_KDR.shape[2])
    for _ in range(_ROUNDS):
        place_KD = (by_place_KD + PRIOR_SLOTS * mean) / (slots_KDR @ rank_R + PRIOR_SLOTS)
        usual_R = np.einsum("kdr,kd->r", slots_KDR, place_KD)
        rank_R = (by_rank_R + PRIOR_SLOTS * mean) / (usual_R + PRIOR_SLOTS * mean)
    rank_R[UNRANKED] = rank_R[slots_KDR.sum(axis=(0, 1)) > 0].min()
    return np.asarray(place_KD[:, :, None] * rank_R)
