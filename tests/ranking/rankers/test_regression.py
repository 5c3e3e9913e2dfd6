import numpy as np
import pytest
from statsmodels.api import Logit, add_constant

from ranking.rankers.regression import fit_logistic


@pytest.fixture
def told():
    rng = np.random.default_rng(0)
    inputs, start = rng.normal(size=(4000, 3)) * [1.0, 2.0, 0.5], rng.normal(size=4000)
    logits = start - 1.0 + inputs @ [0.5, -0.3, 0.0]
    return inputs, rng.random(4000) < 1 / (1 + np.exp(-logits)), start


def test_without_a_penalty_weights_equal_those_of_statsmodels(told):
    inputs, happened, start = told
    weights, bias = fit_logistic(inputs, happened, penalty=0.0, start_P=start)
    peer = Logit(happened.astype(float), add_constant(inputs), offset=start).fit(disp=0)
    np.testing.assert_allclose([bias, *weights], peer.params, rtol=1e-5, atol=1e-6)


def test_a_penalty_draws_weights_to_zero(told):
    inputs, happened, _ = told
    free, _ = fit_logistic(inputs, happened, penalty=0.0)
    held, _ = fit_logistic(inputs, happened, penalty=1e4)
    assert (np.abs(held) < 0.3 * np.abs(free)).all()


def test_the_unit_of_an_input_does_not_matter(told):
    inputs, happened, start = told
    weights, bias = fit_logistic(inputs, happened, penalty=3.0, start_P=start)
    other, same = fit_logistic(inputs * 100 + 7, happened, penalty=3.0, start_P=start)
    np.testing.assert_allclose(100 * other, weights, rtol=1e-6)
    assert same + 7 * other.sum() == pytest.approx(bias)


def test_a_start_far_from_the_answer_is_come_back_from():
    """Whole steps of Newton's method run away here."""
    inputs, start = np.linspace(-1, 1, 200)[:, None], np.full(200, -40.0)
    happened = np.arange(200) % 3 == 0
    weights, bias = fit_logistic(inputs, happened, penalty=1.0, start_P=start + 60 * inputs[:, 0])
    assert np.isfinite([*weights, bias]).all()
    logits = start + 60 * inputs[:, 0] + bias + inputs @ weights
    assert (1 / (1 + np.exp(-logits))).mean() == pytest.approx(1 / 3, abs=0.02)
