"""The proportional odds model: its gradient, its parameters, and what it says of nothing."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import expit
from statsmodels.miscmodels.ordinal_model import OrderedModel

from ranking.judges import ordinal
from ranking.judges.ordinal import Ordinal, fit_ordinal

TRUE = Ordinal(np.array([1.2, -0.7, 0.0]), np.array([-1.0, 0.3, 1.5]))


def drawn(pairs: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(pairs, 3))
    above = expit((inputs @ TRUE.weight_F)[:, None] - TRUE.cut_C)
    return inputs, (rng.random((pairs, 1)) < above).sum(axis=1)


def test_parameters_of_a_large_sample_are_found() -> None:
    inputs, grades = drawn(40_000)
    found = fit_ordinal(inputs, grades)
    np.testing.assert_allclose(found.weight_F, TRUE.weight_F, atol=0.05)
    np.testing.assert_allclose(found.cut_C, TRUE.cut_C, atol=0.05)


def test_chances_sum_to_one_and_follow_the_score() -> None:
    inputs, _ = drawn(500)
    chances = TRUE.chances(inputs)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    order = np.argsort(inputs @ TRUE.weight_F)
    assert (np.diff((chances @ np.arange(4))[order]) >= -1e-12).all()


def test_the_gradient_is_that_of_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}

    def caught(loss, start, **options):
        seen["loss"], seen["at"] = loss, start + 0.1 * np.arange(len(start))
        return type("Found", (), {"x": start})

    monkeypatch.setattr(ordinal, "minimize", caught)
    inputs, grades = drawn(200)
    fit_ordinal(inputs, grades, np.linspace(0.5, 2, 200), penalty=0.7)
    numeric = approx_fprime(seen["at"], lambda at: seen["loss"](at)[0], 1e-6)
    np.testing.assert_allclose(seen["loss"](seen["at"])[1], numeric, rtol=1e-4, atol=1e-3)


def test_a_weight_of_two_is_a_pair_twice() -> None:
    inputs, grades = drawn(300)
    weights = np.where(np.arange(300) < 100, 2.0, 1.0)
    twice = np.concatenate([np.arange(300), np.arange(100)])
    one, other = fit_ordinal(inputs, grades, weights), fit_ordinal(inputs[twice], grades[twice])
    np.testing.assert_allclose(one.weight_F, other.weight_F, atol=1e-3)


@pytest.mark.parametrize("only", [0, 1, 3])
def test_one_grade_alone_is_expected_of_everything(only: int) -> None:
    inputs, _ = drawn(200)
    chances = fit_ordinal(inputs, np.full(200, only)).chances(inputs)
    assert (np.argmax(chances, axis=1) == only).all()


def test_grades_that_never_occur_are_not_expected() -> None:
    inputs, grades = drawn(2_000)
    chances = fit_ordinal(inputs, np.where(grades > 1, 3, 0)).chances(inputs)
    assert chances[:, 1:3].sum(axis=1).max() < 0.02


def test_without_a_penalty_it_is_the_model_of_statsmodels() -> None:
    inputs, grades = drawn(1_500)
    found = fit_ordinal(inputs, grades, penalty=0)
    theirs = OrderedModel(grades, inputs, distr="logit").fit(method="bfgs", disp=False)
    weights, cuts = theirs.params[:3], theirs.model.transform_threshold_params(theirs.params)[1:-1]
    np.testing.assert_allclose(found.weight_F, weights, atol=1e-3)
    np.testing.assert_allclose(found.cut_C, cuts, atol=1e-3)
