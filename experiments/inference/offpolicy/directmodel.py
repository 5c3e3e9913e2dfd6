"""The direct model of off-policy estimates: what a slot brings, learned from the log alone.

    outcome of a slot = rate(slot, device) x relative rate(place in the logging arm's own ranking)
    reward of a round = rate(context, position) x relative rate(action)

the first for the log of a run, the second for that of a bandit. Places in a ranking are in bins of
powers of two: 0, 1, 2-3, 4-7, ... Of an item that the logging arm did not rank no log tells; it
counts like the worst of those that are ranked. The two factors are fitted in turns, as in iterative
proportional fitting (Deming and Stephan 1940), each as if `PRIOR_SLOTS` more slots of the log's
mean had been seen (Laplace smoothing). All of this is a convention of ours: the better the model,
the narrower the interval, and the less is lost where the log tells nothing.

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
    bins_R = slots_KDR.shape[2]
    flat = (table.reshape(-1, bins_R) for table in (slots_KDR, outcomes_KDR))
    place_X, rank_R = two_way(*flat)
    seen_R = slots_KDR.sum(axis=(0, 1)) > 0
    if seen_R.any():
        rank_R[UNRANKED] = rank_R[seen_R].min()
    return np.asarray((place_X[:, None] * rank_R).reshape(slots_KDR.shape))


def two_way(slots_XR: Floats, outcomes_XR: Floats) -> tuple[Floats, Floats]:
    """What a slot of each cell brings, as rate (X,) times relative rate (R,).

    Args:
        slots_XR: slots by row and column.
        outcomes_XR: sums of their outcomes.
    """
    seen = float(slots_XR.sum())
    mean = float(outcomes_XR.sum()) / seen if seen else 0.0
    rank_R = np.ones(slots_XR.shape[1])
    if mean <= 0:
        return np.zeros(len(slots_XR)), rank_R
    by_place_X, by_rank_R = outcomes_XR.sum(axis=1), outcomes_XR.sum(axis=0)
    for _ in range(_ROUNDS):
        place_X = (by_place_X + PRIOR_SLOTS * mean) / (slots_XR @ rank_R + PRIOR_SLOTS)
        usual_R = place_X @ slots_XR
        rank_R = (by_rank_R + PRIOR_SLOTS * mean) / (usual_R + PRIOR_SLOTS * mean)
    return place_X, rank_R
