"""Weights give a model trained on both arms' log what it would have learned from one arm's."""

import numpy as np
import pytest
import statsmodels.api as sm

from experiments.inference.interference.weightedtraining import (
    cell_chances,
    effective_examples,
    logistic_chances,
    training_weights,
)
from simulator.errors import ConfigError, DataError

LEVELS = 5


def mixed(
    rng: np.random.Generator, examples: int = 2000
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Levels 0 to 4, of which the treatment shows the high ones; the outcome is their square."""
    treated_N = rng.random(examples) < 0.4
    low_C = np.array([5.0, 4, 3, 2, 1]) / 15
    level_N = np.where(
        treated_N,
        rng.choice(LEVELS, examples, p=low_C[::-1]),
        rng.choice(LEVELS, examples, p=low_C),
    )
    return level_N, treated_N, level_N.astype(float) ** 2


def line(level_N: np.ndarray, outcome_N: np.ndarray, weight_N: np.ndarray) -> np.ndarray:
    """A model that is too plain for the truth: what it learns depends on what it is shown."""
    terms_NF = np.column_stack([np.ones(len(level_N)), level_N])
    return np.asarray(
        np.linalg.solve((terms_NF.T * weight_N) @ terms_NF, (terms_NF.T * weight_N) @ outcome_N)
    )


def test_the_weights_by_hand() -> None:
    found = training_weights(np.array([0.5, 0.1, 0.0, 0.2]))
    np.testing.assert_allclose(found.treatment_N, [2.5, 0.5, 0.0, 1.0])
    np.testing.assert_allclose(found.control_N, np.array([0.5, 0.9, 1.0, 0.8]) / 0.8)


def test_a_model_of_the_mixed_log_becomes_that_of_each_arms_own() -> None:
    level_N, treated_N, outcome_N = mixed(np.random.default_rng(0))
    weights = training_weights(cell_chances(level_N, treated_N))
    one_N = np.ones(len(level_N))
    both = line(level_N, outcome_N, one_N)
    for inside_N, weight_N in ((treated_N, weights.treatment_N), (~treated_N, weights.control_N)):
        own = line(level_N[inside_N], outcome_N[inside_N], one_N[inside_N])
        assert abs(both[1] - own[1]) > 0.2
        np.testing.assert_allclose(line(level_N, outcome_N, weight_N), own, rtol=1e-10)


def test_it_varies_less_than_a_model_of_the_arms_own_examples() -> None:
    slopes = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        level_N, treated_N, outcome_N = mixed(rng, 300)
        outcome_N = outcome_N + 4 * rng.standard_normal(300)
        weight_N = training_weights(cell_chances(level_N, treated_N)).treatment_N
        slopes.append(
            [line(level_N, outcome_N, each_N)[1] for each_N in (weight_N, treated_N * 1.0)]
        )
    weighted, own = np.array(slopes).T
    assert weighted.std() < 0.85 * own.std()
    error = (weighted - own).std() / len(slopes) ** 0.5
    assert abs((weighted - own).mean()) < 4 * error


def test_a_regression_tells_the_chances_where_the_arms_differ_by_it() -> None:
    rng = np.random.default_rng(1)
    treated_N = rng.random(20_000) < 0.3
    feature_N1 = (rng.standard_normal(20_000) + treated_N)[:, None]
    chance_N = logistic_chances(feature_N1, treated_N, penalty=0.0)
    fit = sm.Logit(treated_N.astype(float), sm.add_constant(feature_N1)).fit(disp=False)
    np.testing.assert_allclose(chance_N, fit.predict(), atol=1e-6)
    weights = training_weights(chance_N)
    for inside_N, weight_N in ((treated_N, weights.treatment_N), (~treated_N, weights.control_N)):
        moved = np.average(feature_N1[:, 0] ** 2, weights=weight_N)
        assert moved == pytest.approx((feature_N1[inside_N, 0] ** 2).mean(), rel=0.05)


def test_outcomes_that_depend_on_the_arm_are_not_undone() -> None:
    level_N, treated_N, outcome_N = mixed(np.random.default_rng(2))
    outcome_N = outcome_N + 3.0 * treated_N
    weight_N = training_weights(cell_chances(level_N, treated_N)).treatment_N
    own = line(level_N[treated_N], outcome_N[treated_N], np.ones(int(treated_N.sum())))
    assert np.abs(line(level_N, outcome_N, weight_N) - own).max() > 0.3


def test_effective_examples() -> None:
    assert effective_examples(np.ones(7)) == pytest.approx(7)
    assert effective_examples(np.array([1.0, 0.0, 0.0])) == pytest.approx(1)
    assert effective_examples(np.zeros(3)) == 0.0


def test_what_cannot_be_weighed_is_refused() -> None:
    with pytest.raises(DataError, match="chance_N"):
        training_weights(np.array([0.5, 1.2]))
    for chance in (0.0, 1.0):
        with pytest.raises(DataError, match="share"):
            training_weights(np.full(3, chance))
    with pytest.raises(DataError, match="share"):
        training_weights(np.zeros(0))
    with pytest.raises(DataError, match="both arms"):
        logistic_chances(np.ones((3, 1)), np.ones(3, bool))
    with pytest.raises(DataError, match="finite"):
        logistic_chances(np.full((3, 1), np.nan), np.array([True, False, True]))
    with pytest.raises(ConfigError, match="penalty == -1"):
        logistic_chances(np.ones((3, 1)), np.array([True, False, True]), penalty=-1)
