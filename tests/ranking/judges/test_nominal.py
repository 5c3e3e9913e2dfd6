"""The multinomial logit model: its gradient, its parameters, and classes that never occur."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from statsmodels.discrete.discrete_model import MNLogit

from ranking.judges import nominal
from ranking.judges.nominal import Nominal, fit_nominal

TRUE = Nominal(
    np.array([[1.0, -0.5, 0.0], [0.0, 0.8, -0.8], [0.3, 0.0, 0.0]]), np.array([0.5, 0.0, -0.5])
)


def drawn(pairs: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(pairs, 3))
    below = np.cumsum(TRUE.chances(inputs), axis=1)
    return inputs, np.minimum((rng.random((pairs, 1)) > below).sum(axis=1), 2)


def test_chances_of_a_large_sample_are_found() -> None:
    inputs, classes = drawn(40_000)
    found = fit_nominal(inputs, classes, classes=3)
    np.testing.assert_allclose(found.chances(inputs), TRUE.chances(inputs), atol=0.03)
    np.testing.assert_allclose(found.chances(inputs).sum(axis=1), 1)


def test_the_gradient_is_that_of_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}

    def caught(loss, start, **options):
        seen["loss"], seen["at"] = loss, start + 0.1 * np.arange(len(start))
        return type("Found", (), {"x": start})

    monkeypatch.setattr(nominal, "minimize", caught)
    fit_nominal(*drawn(200), classes=3, penalty=0.7)
    numeric = approx_fprime(seen["at"], lambda at: seen["loss"](at)[0], 1e-6)
    np.testing.assert_allclose(seen["loss"](seen["at"])[1], numeric, rtol=1e-4, atol=1e-3)


def test_without_a_penalty_it_is_the_model_of_statsmodels() -> None:
    inputs, classes = drawn(1_500)
    found = fit_nominal(inputs, classes, classes=3, penalty=0)
    wide = np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)
    theirs = MNLogit(classes, wide).fit(disp=False)
    np.testing.assert_allclose(found.chances(inputs), theirs.predict(wide), atol=1e-3)


def test_a_class_that_never_occurs_is_not_expected() -> None:
    inputs, classes = drawn(2_000)
    chances = fit_nominal(inputs, np.where(classes == 1, 3, 0), classes=4).chances(inputs)
    assert chances.shape == (2_000, 4)
    assert chances[:, 1:3].max() < 0.02
