"""Loss weights that undo the mixing of arms in a log that both arms' models learn from.

Where models are trained anew during an experiment from the log of everybody, the treatment's model
learns from what control has shown, too, and control's from what the treatment has: neither is the
model that the arm would have if it served all (Si, "Tackling Interference Induced by Data Training
Loops in A/B Tests: A Weighted Training Approach", arXiv 2310.17496). Si trains each arm's model on
all examples with the weights

    W_T(x) = E[Z | x] / p          W_C(x) = (1 - E[Z | x]) / (1 - p)

where Z tells whether an example comes from the treatment and p = E[Z]. Weighted so, the examples of
both arms have the distribution of one arm's: for any f of an example's features,

    E[W_T f(x)] = E[E[Z | x] f(x)] / p = E[Z f(x)] / p = E[f(x) | Z = 1].

It holds for outcomes, too, if they depend on x alone and not on the arm. Si shows that no other
weights without a shift have less variance; keeping an arm's own examples (Z / p) is one of those.
Features must be all that the model sees: what differs between the arms beyond them is not undone.

In the paper p is the chance of assignment and every user brings as many examples. Here it is the
share of examples, which is the same there, and keeps weights at 1 on average where arms bring
different numbers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ranking.rankers.regression import fit_logistic
from simulator.errors import ConfigError, DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TrainingWeights:
    """What each example of a mixed log counts in the training of an arm's model; 1 on average.

    Attributes:
        treatment_N: (N,) W_T.
        control_N: (N,) W_C.
    """

    treatment_N: Floats
    control_N: Floats


def training_weights(chance_N: Floats) -> TrainingWeights:
    """The weights of all examples of a mixed log.

    Args:
        chance_N: (N,) chance of each example to come from the treatment, given its features.

    Raises:
        DataError: a chance that is none, or an arm without any.
    """
    if not (np.isfinite(chance_N) & (chance_N >= 0) & (chance_N <= 1)).all():
        raise DataError("chance_N == outside 0 to 1, must be chances")
    share = float(chance_N.mean()) if len(chance_N) else 0.0
    if not 0 < share < 1:
        raise DataError(f"share of the treatment == {share}, must be > 0 and < 1")
    return TrainingWeights(chance_N / share, (1 - chance_N) / (1 - share))


def cell_chances(cell_N: NDArray[np.int64], treated_N: NDArray[np.bool_]) -> Floats:
    """(N,) share of the treatment among the examples of the same cell, such as a pair of facts.

    Args:
        cell_N: (N,) cell of each example, 0 and up: all that the model sees of it.
        treated_N: (N,) whether it comes from the treatment.
    """
    count_C = np.bincount(cell_N)
    treated_C = np.bincount(cell_N, treated_N.astype(np.float64))
    return np.asarray((treated_C / np.maximum(count_C, 1))[cell_N])


def logistic_chances(
    features_NF: Floats, treated_N: NDArray[np.bool_], *, penalty: float = 1.0
) -> Floats:
    """(N,) chance of each example to come from the treatment, by a logistic regression.

    Args:
        features_NF: (N, F) what the model sees of each example; with squares and products where
            arms differ by them.
        treated_N: (N,) whether it comes from the treatment.
        penalty: on half the squared standardised slopes.

    Raises:
        ConfigError: a penalty below 0.
        DataError: features that are not finite, or an arm without examples.
    """
    if penalty < 0:
        raise ConfigError(f"penalty == {penalty}, must be >= 0")
    if not np.isfinite(features_NF).all():
        raise DataError("features_NF == not finite, must be numbers")
    if not 0 < treated_N.sum() < len(treated_N):
        raise DataError(
            f"examples == {int(treated_N.sum())} of the treatment among {len(treated_N)}, must be "
            "some of both arms"
        )
    weight_F, bias = fit_logistic(features_NF, treated_N, penalty=penalty)
    return np.asarray(expit(features_NF @ weight_F + bias))


def effective_examples(weight_N: Floats) -> float:
    """How many examples of equal weight tell as much (Kish, Survey Sampling, 1965, section 8.2)."""
    total = float(weight_N.sum())
    return total**2 / float((weight_N**2).sum()) if total > 0 else 0.0
