import numpy as np
import pytest

from experiments.inference.reduction.predicting.ridge import Ridge
from simulator.errors import ConfigError


def rows(n=50, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(3, [1, 100, 0.01], (n, 3))
    return features, features @ [1.0, 0.02, 30.0] + rng.normal(size=n)


@pytest.mark.parametrize("penalty", [0.01, 10.0, 500.0])
def test_slopes_are_those_of_least_squares_with_rows_that_say_nothing(penalty):
    features, targets = rows()
    even = (features - features.mean(axis=0)) / features.std(axis=0)
    more = np.vstack([even, np.sqrt(penalty) * np.eye(3)])
    slopes = np.linalg.lstsq(more, np.r_[targets - targets.mean(), np.zeros(3)])[0]
    found = Ridge(penalty).fit(features, targets).predict(features)
    np.testing.assert_allclose(found, targets.mean() + even @ slopes, rtol=1e-10)


def test_a_missing_feature_is_the_mean_of_the_others():
    features, targets = rows()
    features[7, 1] = np.nan
    model = Ridge().fit(features, targets)
    filled = features.copy()
    filled[7, 1] = np.delete(features[:, 1], 7).mean()
    wanted = Ridge().fit(filled, targets)
    np.testing.assert_allclose(model.predict(features), wanted.predict(filled), rtol=1e-10)
    assert np.isfinite(model.predict(np.full((1, 3), np.nan))).all()


def test_features_that_tell_nothing_leave_the_mean():
    features, targets = rows()
    features[:, :] = [1.0, np.nan, 0.1]
    np.testing.assert_allclose(Ridge().fit(features, targets).predict(features), targets.mean())


def test_a_penalty_that_is_none_is_refused():
    with pytest.raises(ConfigError, match=r"penalty == 0, must be > 0"):
        Ridge(0)
