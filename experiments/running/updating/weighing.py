"""Examples of everybody, drawn anew so that a ranker learns from them what one arm's would teach.

See `experiments.inference.interference.weightedtraining` for the weights and where they are from.
Rankers take no weights, so an exposure is learned from as often as its weight says: 1.3 is once,
or twice with chance 0.3. What was shown before the experiment is of no arm and counts once.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from experiments.inference.interference.weightedtraining import logistic_chances, training_weights
from ranking.examples import Examples
from ranking.features import FeatureSet

Floats = NDArray[np.float64]


def weighed_examples(
    examples: Examples,
    features: FeatureSet,
    own_B: NDArray[np.bool_],
    within_B: NDArray[np.bool_],
    *,
    rng: np.random.Generator,
) -> Examples:
    """Examples whose features are spread as in an arm's own log.

    How likely an exposure is from the arm is told from its features and their squares. A request
    is there once for each time that its most wanted exposure is learned from; what is not wanted
    so often is padding in the later ones, so that there may be padding between exposures.

    Args:
        examples: B requests of all arms, and of the days before the experiment.
        features: what the ranker sees of an exposure, as it is when the ranker learns.
        own_B: whether the request was served by the arm.
        within_B: whether it was asked in the experiment.
        rng: decides what of a weight is not whole.

    Returns:
        The examples with their features; as they are where all or none of the experiment are the
        arm's own.
    """
    held_BN = examples.pool.items_BN >= 0
    count_B = held_BN.sum(axis=1)
    within_P, own_P = (np.repeat(each_B, count_B) for each_B in (within_B, own_B & within_B))
    own_N = own_P[within_P]
    if own_N.all() or not own_N.any():
        return examples
    features.refresh(examples.index, 0)
    features_PF = features(examples.requests, examples.pool)[held_BN]
    inputs_NF = features_PF[within_P].astype(np.float64)
    inputs_NF = inputs_NF - inputs_NF.mean(axis=0)
    chance_N = logistic_chances(np.column_stack([inputs_NF, inputs_NF**2]), own_N)
    weight_P = np.ones(len(within_P))
    weight_P[within_P] = training_weights(chance_N).treatment_N
    times_BN = np.zeros(held_BN.shape, np.int64)
    times_BN[held_BN] = times(weight_P, rng=rng)
    return repeated(replace(examples, features_PF=features_PF), times_BN)


def times(weight_P: Floats, *, rng: np.random.Generator) -> NDArray[np.int64]:
    """(P,) whole numbers within 1 of the weights, equal to them on average.

    One random number decides them all (systematic sampling: Kish, Survey Sampling, 1965, chapter
    4), so their sum is within 1 of that of the weights, too, and that of every run of rows nearly.
    """
    until_P = np.floor(np.concatenate([[0.0], np.cumsum(weight_P)]) + rng.random())
    return np.asarray(np.diff(until_P), np.int64)


def repeated(examples: Examples, times_BN: NDArray[np.int64]) -> Examples:
    """The examples with every exposure as many times as told, each time in another row.

    What is known of its features is known each time.
    """
    most = int(times_BN.max(initial=0))
    rows = [np.flatnonzero((times_BN >= time).any(axis=1)) for time in range(1, most + 1)]
    kept = [times_BN[row_R] >= time for time, row_R in enumerate(rows, start=1)]
    row_R = np.concatenate([np.zeros(0, np.int64), *rows])
    kept_RN = np.concatenate([np.zeros((0, times_BN.shape[1]), np.bool_), *kept])
    pool, features_PF = examples.pool, examples.features_PF
    if features_PF is not None:
        held_BN = pool.items_BN >= 0
        place_BN = np.cumsum(held_BN).reshape(held_BN.shape) - 1
        features_PF = features_PF[place_BN[row_R][kept_RN]]
    return Examples(
        requests=examples.requests.rows(row_R),
        pool=replace(
            pool,
            items_BN=np.where(kept_RN, pool.items_BN[row_R], np.int32(-1)),
            sources_BN=np.where(kept_RN, pool.sources_BN[row_R], np.int32(0)),
            ranks_BNC=np.where(kept_RN[:, :, None], pool.ranks_BNC[row_R], np.int16(-1)),
            scores_BNC=np.where(kept_RN[:, :, None], pool.scores_BNC[row_R], np.float32(np.nan)),
        ),
        position_BN=examples.position_BN[row_R],
        clicked_BN=examples.clicked_BN[row_R] & kept_RN,
        carted_BN=examples.carted_BN[row_R] & kept_RN,
        bought_BN=examples.bought_BN[row_R] & kept_RN,
        index=examples.index,
        features_PF=features_PF,
    )
