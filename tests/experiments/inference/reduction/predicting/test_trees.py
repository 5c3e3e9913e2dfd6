import numpy as np

from experiments.inference.reduction.predicting.trees import Trees


def rows(n=1_000, seed=0):
    features = np.random.default_rng(seed).normal(size=(n, 3))
    return features, np.where(features[:, 0] > 0, features[:, 1], 0.0)


def test_equal_rows_give_equal_predictions():
    features, targets = rows()
    one, two = (Trees().fit(features, targets).predict(features) for _ in range(2))
    assert one.tolist() == two.tolist()


def test_they_learn_what_features_do_together():
    features, targets = rows()
    other, wanted = rows(seed=1)
    error = Trees().fit(features, targets).predict(other) - wanted
    assert error.var() < 0.15 * wanted.var()


def test_few_rows_leave_the_mean():
    features, targets = rows(20)
    np.testing.assert_allclose(Trees().fit(features, targets).predict(features), targets.mean())


def test_more_rounds_fit_more_closely():
    features, targets = rows()
    errors = [
        (Trees(rounds).fit(features, targets).predict(features) - targets).var()
        for rounds in (5, 50)
    ]
    assert errors[1] < errors[0]
