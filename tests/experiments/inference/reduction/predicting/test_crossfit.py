from dataclasses import dataclass, field

import duckdb
import numpy as np
import pandas as pd
import pytest

from experiments.inference.estimates import adjusted, plain
from experiments.inference.reduction.covariate import known_before, treatment_cannot_move
from experiments.inference.reduction.predicting import crossfit
from experiments.inference.reduction.predicting.crossfit import cross_fitted
from experiments.inference.reduction.predicting.ridge import Ridge
from experiments.inference.reduction.predicting.trees import Trees
from experiments.inference.reduction.regression import Regression
from experiments.inference.reduction.unittable import UnitTable
from simulator.errors import ConfigError, ContractError, DataError
from tests.experiments.inference.reduction.shoppers import CONTRAST, GMV, covers, many, near

BEFORE = known_before("x", "w")


@pytest.fixture
def connection():
    with duckdb.connect() as found:
        yield found


def frame(n=400, seed=0):
    rng = np.random.default_rng(seed)
    x, treated = rng.normal(size=n), rng.random(n) < 0.4
    return pd.DataFrame(
        {
            "unit": [f"shopper {at}" for at in range(n)],
            "arm": np.where(treated, "treatment", "control"),
            "gmv": np.exp(x) + rng.gamma(1, 0.5, n) + 0.2 * treated,
            "x": x,
            "w": rng.normal(size=n),
            "number": np.arange(n, dtype=float),
        }
    )


def table(connection, rows):
    connection.register("rows", rows)
    return UnitTable.of(connection, "FROM rows")


def foretold(found, column="expected_gmv"):
    """The predictions by shopper."""
    sql = f"SELECT unit, {column} FROM ({found.sql}) ORDER BY unit"
    return dict(found.connection.execute(sql).fetchall())


@dataclass
class Recording:
    """Writes down which shoppers it meets, by their number, and expects their number."""

    learnt: list = field(default_factory=list)
    asked: list = field(default_factory=list)

    def fit(self, features, targets):
        self.learnt.append(features[:, 0].copy())
        self.asked.append([])
        return self

    def predict(self, features):
        self.asked[-1].extend(features[:, 0])
        return features[:, 0]

    def __repr__(self):
        return "Recording()"


def test_a_shopper_is_foretold_by_a_model_that_never_met_them(connection):
    rows, spy = frame(), Recording()
    cross_fitted(table(connection, rows), "gmv", known_before("number"), spy, key="k", folds=4)
    assert len(spy.learnt) == 4
    for learnt, asked in zip(spy.learnt, spy.asked, strict=True):
        assert set(learnt) & set(asked) == set()
        assert set(learnt) | set(asked) == set(range(400))
        assert len(asked) > 60
    arm = dict(zip(rows["number"], rows["arm"], strict=True))
    assert {arm[number] for number in spy.learnt[0]} == set(CONTRAST)  # of both arms


def test_folds_hang_on_the_shopper_and_the_key_alone(connection):
    def folds(rows, key):
        spy = Recording()
        cross_fitted(table(connection, rows), "gmv", known_before("number"), spy, key=key)
        return [set(each) for each in spy.asked]

    rows = frame()
    wanted = folds(rows, "k")
    assert folds(rows.sample(frac=1, random_state=3), "k") == wanted
    fewer = folds(rows[rows["number"] < 200], "k")
    assert [each & set(range(200)) for each in wanted] == fewer
    assert folds(rows, "other") != wanted


@pytest.mark.parametrize("regressor", [Ridge(), Trees(rounds=10)], ids=["ridge", "trees"])
def test_the_order_of_rows_changes_no_prediction(connection, regressor):
    rows = frame()
    found = []
    for order in (rows, rows.sample(frac=1, random_state=3)):
        made, _ = cross_fitted(table(connection, order), "gmv", BEFORE, regressor, key="k")
        found.append(foretold(made))
    assert list(found[0].values()) == pytest.approx(list(found[1].values()), rel=1e-9)


def out_of_fold(feature_NF, target_N, fold_N, regressor):
    """Out-of-fold predictions, centred in their folds, of arrays."""
    expected_N = np.zeros(len(target_N))
    for fold in np.unique(fold_N):
        out_N = fold_N == fold
        model = regressor.fit(feature_NF[~out_N], target_N[~out_N])
        expected_N[out_N] = model.predict(feature_NF[out_N])
        expected_N[out_N] -= expected_N[out_N].mean()
    return expected_N


def test_predictions_are_those_of_a_loop_over_folds(connection, monkeypatch):
    monkeypatch.setattr(crossfit, "CHUNK", 37)
    rows = frame().sort_values("unit")
    made = table(connection, rows)
    sql = f"SELECT {made.hashed('k')} % 3 FROM rows ORDER BY unit"
    fold_N = np.array(connection.execute(sql).fetchall())[:, 0]
    found, covariate = cross_fitted(made, "gmv", BEFORE, Ridge(), key="k", folds=3)
    wanted = out_of_fold(rows[["x", "w"]].to_numpy(), rows["gmv"].to_numpy(), fold_N, Ridge())
    assert list(foretold(found).values()) == pytest.approx(wanted.tolist(), rel=1e-9)
    assert (covariate.column, covariate.claims) == ("expected_gmv", ())


def test_a_prediction_rests_on_all_that_was_claimed_of_its_features(connection):
    features = known_before("x") + treatment_cannot_move("w")
    made, covariate = cross_fitted(table(connection, frame()), "gmv", features, Ridge(), key="k")
    arms = made.sample(["gmv", covariate.column]).whole
    found = Regression((covariate,)).adjust(GMV, arms["control"], arms["treatment"])
    assert found.notes == ("taken as given: the treatment cannot move w",)


def test_a_model_learns_from_no_more_shoppers_than_it_may(connection):
    spy = Recording()
    made = table(connection, frame())
    cross_fitted(made, "gmv", known_before("number"), spy, key="k", most=50)
    assert [len(each) for each in spy.learnt] == [50] * 5


def test_features_may_be_missing(connection):
    rows = frame()
    rows.loc[rows["number"] < 40, "x"] = np.nan
    for regressor in (Ridge(), Trees(rounds=5)):
        made, _ = cross_fitted(table(connection, rows), "gmv", BEFORE, regressor, key="k")
        assert np.isfinite(list(foretold(made).values())).all()


def test_trees_find_what_a_straight_line_does_not(connection):
    rows = frame(3_000)
    rows["gmv"] = (rows["x"] ** 2) * (rows["w"] > 0) + 0.5 * np.random.default_rng(1).random(3_000)
    made, one = cross_fitted(table(connection, rows), "gmv", BEFORE, Trees(), key="k")
    how = {"linear": Regression(BEFORE), "trees": Regression((one,))}
    arms = made.sample(["gmv", "x", "w", one.column]).whole
    errors = {
        name: each.adjust(GMV, *(arms[a] for a in CONTRAST)).error for name, each in how.items()
    }
    assert errors["trees"] < 0.6 * errors["linear"]


@dataclass(frozen=True)
class Mean:
    """Knows the mean alone."""

    def fit(self, features, targets):
        return Constant(float(targets.mean()))


@dataclass(frozen=True)
class Constant:
    value: float

    def predict(self, features):
        return np.full(len(features), self.value)


def test_a_regressor_that_knows_nothing_is_no_covariate(connection):
    """Its level differs between folds by their own outcomes, which must not count."""
    made, covariate = cross_fitted(table(connection, frame()), "gmv", BEFORE, Mean(), key="k")
    assert set(foretold(made).values()) == {0.0}
    arms = made.sample(["gmv", covariate.column]).whole
    _, reason = adjusted(GMV, CONTRAST, arms, Regression((covariate,)))
    assert reason == "no covariate varies between shoppers"


@dataclass(frozen=True)
class ByHeart:
    """Knows the outcome of each shopper that it has met, and of others that of the nearest."""

    def fit(self, features, targets):
        return Nearest(features[:, 0], targets)


@dataclass(frozen=True)
class Nearest:
    known_N: np.ndarray
    targets_N: np.ndarray

    def predict(self, features):
        order = np.argsort(self.known_N)
        at = np.searchsorted(self.known_N[order], features[:, 0])
        return self.targets_N[order][np.minimum(at, len(order) - 1)]


TESTS, N = 1_000, 300


def means_of(regressor, *, seed, folds):
    """Means of many tests with an effect of 0.5, adjusted by out-of-fold predictions."""
    rng, shape = np.random.default_rng(seed), (TESTS, N)
    x, w = rng.normal(size=shape), rng.normal(size=shape)
    gmv = 2 * np.abs(x) + rng.gamma(1, 1, shape) + 0.5 * (np.arange(N) >= 200)
    fold_N = rng.integers(0, folds, N)
    expected = [
        out_of_fold(np.column_stack([np.abs(one), two]), spent, fold_N, regressor)
        for one, two, spent in zip(x, w, gmv, strict=True)
    ]
    how = Regression(known_before("expected"))
    sides = many({"gmv": gmv, "expected": np.array(expected)}, (200, 100))
    return [how.adjust(GMV, *each) for each in sides]


def test_cross_fitted_intervals_cover_the_effect_at_their_rate():
    found = means_of(Ridge(), seed=2, folds=5)
    hits = covers(found, 0.5)
    assert 0.93 < hits.mean() < 0.97
    assert near(hits)


def test_a_regressor_that_learns_by_heart_hides_no_effect():
    found = means_of(ByHeart(), seed=3, folds=5)
    effects = np.array([each.effect for each in found])
    assert abs(effects.mean() - 0.5) < 4 * effects.std() / np.sqrt(TESTS)
    assert near(covers(found, 0.5))


@pytest.mark.parametrize("regressor", [Ridge(), ByHeart()], ids=["ridge", "by heart"])
def test_a_useless_regressor_widens_no_interval_beyond_noise(regressor):
    rng, shape = np.random.default_rng(6), (200, N)
    gmv, noise = rng.gamma(1, 1, shape), rng.normal(size=shape)
    fold_N = rng.integers(0, 5, N)
    expected = [
        out_of_fold(one[:, None], spent, fold_N, regressor)
        for one, spent in zip(noise, gmv, strict=True)
    ]
    how = Regression(known_before("expected"))
    sides = many({"gmv": gmv, "expected": np.array(expected)}, (200, 100))
    wider = [how.adjust(GMV, *each).error / plain(GMV, *each).error for each in sides]
    assert np.mean(wider) < 1.01
    assert np.max(wider) < 1.1


def test_without_folds_learning_by_heart_hides_the_effect():
    rng = np.random.default_rng(4)
    x, noise = rng.normal(size=(200, N)), 0.1 * rng.normal(size=(200, N))
    gmv = x + 0.5 * (np.arange(N) >= 200)
    how = Regression(known_before("expected"))
    sides = many({"gmv": gmv, "expected": gmv + noise}, (200, 100))
    hits = covers([how.adjust(GMV, *each) for each in sides], 0.5)
    assert hits.mean() < 0.01


@pytest.mark.slow
def test_intervals_by_trees_cover_the_effect_at_their_rate():
    found = means_of(Trees(rounds=20), seed=5, folds=2)
    hits = covers(found, 0.5)
    assert 0.93 < hits.mean() < 0.97
    assert near(hits)


@dataclass(frozen=True)
class Broken:
    answer: object

    def fit(self, features, targets):
        return self

    def predict(self, features):
        return self.answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (np.zeros(3), r"regressor.predict\(\) == shape \(3,\), must be \(\d+,\)"),
        (np.full((400, 1), 1.0), r"shape \(400, 1\)"),
        (None, "not finite|shape"),
    ],
)
def test_a_regressor_that_answers_something_else_is_told_so(connection, answer, said):
    with pytest.raises(ContractError, match=said):
        cross_fitted(table(connection, frame()), "gmv", BEFORE, Broken(answer), key="k")


def test_columns_that_cannot_serve_are_refused(connection):
    made = table(connection, frame(20))

    def ask(target, features, **more):
        return cross_fitted(made, target, features, Ridge(), key="k", **more)

    for name in ("gmv", "arm", "unit"):
        with pytest.raises(ConfigError, match=f"features: {name} == what is foretold, the arm"):
            ask("gmv", known_before(name))
    with pytest.raises(ConfigError, match="folds == 1, must be >= 2"):
        ask("gmv", BEFORE, folds=1)
    with pytest.raises(ConfigError, match="features == none"):
        ask("gmv", ())
    with pytest.raises(ConfigError, match="column == 'y', must be one of"):
        ask("y", BEFORE)
    rows = frame(20)
    rows.loc[:1, "gmv"] = np.nan
    with pytest.raises(DataError, match="gmv of 2 rows == odd"):
        cross_fitted(table(connection, rows), "gmv", BEFORE, Ridge(), key="k")
    with pytest.raises(DataError, match="shoppers to learn from == 0 beside a fold"):
        cross_fitted(table(connection, frame(1)), "gmv", BEFORE, Ridge(), key="k")
