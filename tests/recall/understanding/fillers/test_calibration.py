import numpy as np

from recall.understanding.fillers.calibration import fit_logistic, fit_rising


def test_shares_rise_with_scores_and_follow_them() -> None:
    rng = np.random.default_rng(0)
    score_N = rng.uniform(-3, 3, 20_000)
    chance_N = 1 / (1 + np.exp(-score_N))
    rising = fit_rising(score_N, rng.random(20_000) < chance_N)
    assert (np.diff(rising.share_K) >= 0).all()
    at = np.array([-2.0, 0.0, 2.0])
    np.testing.assert_allclose(rising(at), 1 / (1 + np.exp(-at)), atol=0.05)


def test_without_a_guess_nothing_is_sure() -> None:
    assert fit_rising(np.zeros(0), np.zeros(0, bool))(np.ones(2)).tolist() == [0, 0]


def test_the_logistic_regression_finds_its_own_weights() -> None:
    rng = np.random.default_rng(2)
    inputs_NS = np.stack([np.ones(50_000), rng.normal(size=50_000)], axis=1)
    right_N = rng.random(50_000) < 1 / (1 + np.exp(-(inputs_NS @ [-1.0, 2.0])))
    np.testing.assert_allclose(fit_logistic(inputs_NS, right_N), [-1.0, 2.0], atol=0.05)
