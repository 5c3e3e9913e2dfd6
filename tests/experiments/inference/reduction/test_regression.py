import math
from functools import cache

import numpy as np
import pandas as pd
import pytest
import tea_tasting as tt
from hypothesis import given, strategies as st
from statsmodels.regression.linear_model import OLS

from experiments.inference.estimates import adjusted, estimate, plain
from experiments.inference.reduction.adjustment import Refusal
from experiments.inference.reduction.covariate import known_before, treatment_cannot_move
from experiments.inference.reduction.moments import Moments, imbalance
from experiments.inference.reduction.regression import Regression, Slopes
from simulator.errors import ConfigError
from tests.experiments.inference.reduction.shoppers import (
    CONTRAST,
    CVR,
    GMV,
    aggregates,
    arms,
    covers,
    many,
    near,
)

DIGITS = 1e-10
XW = known_before("x", "w")


def shop(n=300, share=0.3, seed=0):
    """Shoppers whose effect differs between them, with spend, clicks and orders."""
    rng = np.random.default_rng(seed)
    x, w = rng.lognormal(0, 0.6, n), rng.integers(0, 3, n).astype(float)
    treated = rng.random(n) < share
    gmv = 2 * x + w + rng.gamma(2, 1, n) * (1 + treated) + treated * (0.5 + x)
    clicks = rng.poisson(2 + x) + 1.0
    orders = rng.poisson(clicks * 0.3 + 0.2 * w * treated).astype(float)
    return {"gmv": gmv, "clicks": clicks, "orders": orders, "x": x, "w": w}, treated


def adjust(metric, covariates, slopes, columns, treated):
    sides = arms(columns, treated)
    return Regression(covariates, slopes).adjust(metric, *sides)


@pytest.mark.parametrize("metric", [GMV, CVR], ids=lambda metric: metric.name)
def test_one_covariate_with_the_slope_of_all_shoppers_is_the_cuped_of_tea_tasting(metric):
    columns, treated = shop()
    frame = pd.DataFrame(columns | {"arm": treated.astype(int)})
    options = {"equal_var": False, "use_t": True}
    if metric.denominator is None:
        peer = tt.Mean("gmv", "x", **options)
    else:
        peer = tt.RatioOfMeans("orders", "clicks", "x", **options)
    wanted = peer.analyze(frame, 0, 1, "arm")
    sides = dict(zip(CONTRAST, arms(columns, treated), strict=True))
    row, reason = adjusted(metric, CONTRAST, sides, Regression(known_before("x"), Slopes.TOTAL))
    assert reason == ""
    found = [row.control, row.treatment, *row.effect.numbers, row.p_value]
    peers = [wanted.control, wanted.treatment, wanted.effect_size]
    peers += [wanted.effect_size_ci_lower, wanted.effect_size_ci_upper, wanted.pvalue]
    np.testing.assert_allclose(found, peers, rtol=DIGITS)


def test_one_covariate_with_the_slope_of_all_shoppers_is_our_own_cuped():
    columns, treated = shop()
    columns["pre_gmv"] = columns.pop("x")
    sides = dict(zip(CONTRAST, arms(columns, treated), strict=True))
    whole = {name: arm.whole for name, arm in sides.items()}
    wanted, _ = estimate(GMV, CONTRAST, whole, cuped=True)
    how = Regression(known_before("pre_gmv"), Slopes.TOTAL)
    found, _ = adjusted(GMV, CONTRAST, sides, how)
    np.testing.assert_allclose(found.effect.numbers, wanted.effect.numbers, rtol=DIGITS)
    assert (wanted.cuped, found.cuped) == (True, False)


def linearised(columns, treated):
    """Purchases per click of each shopper, so that an arm's mean is its ratio (delta method)."""
    value = np.zeros(len(treated))
    for side in (treated, ~treated):
        below = columns["clicks"][side].mean()
        ratio = columns["orders"][side].mean() / below
        value[side] = ratio + (columns["orders"][side] - ratio * columns["clicks"][side]) / below
    return value


VALUES = {"gmv": lambda columns, treated: columns["gmv"], "cvr": linearised}
metrics = pytest.mark.parametrize("metric", [GMV, CVR], ids=lambda metric: metric.name)


@metrics
def test_one_slope_is_the_analysis_of_covariance_of_statsmodels(metric):
    """The effect, and its sandwich with HC2 averaged over each arm."""
    columns, treated = shop()
    y = VALUES[metric.name](columns, treated)
    design = np.column_stack([np.ones(len(y)), treated, columns["x"], columns["w"]])
    fit = OLS(y, design).fit()
    found = adjust(metric, XW, Slopes.POOLED, columns, treated)
    assert found.effect == pytest.approx(fit.params[1], rel=DIGITS)
    left = 1 - fit.get_influence().hat_matrix_diag
    noise = np.where(
        treated,
        (fit.resid**2)[treated].sum() / left[treated].sum(),
        (fit.resid**2)[~treated].sum() / left[~treated].sum(),
    )
    bread = fit.normalized_cov_params
    meat = design.T @ (noise[:, None] * design)
    assert found.error**2 == pytest.approx((bread @ meat @ bread)[1, 1], rel=DIGITS)
    pull = (bread @ design.T)[1]
    parts = [(pull**2 * noise)[side].sum() for side in (treated, ~treated)]
    freedoms = [left[side].sum() for side in (treated, ~treated)]
    assert found.freedom == pytest.approx(satterthwaite(parts, freedoms), rel=1e-9)
    mean = np.array([columns["x"].mean(), columns["w"].mean()])
    levels = [fit.predict([[1, arm, *mean]])[0] for arm in (0, 1)]
    np.testing.assert_allclose(found.levels, levels, rtol=DIGITS)


@metrics
def test_slopes_by_arm_are_the_interacted_regression_of_statsmodels(metric):
    """The effect; its error is two regressions', and what the mean covariates add."""
    columns, treated = shop()
    y = VALUES[metric.name](columns, treated)
    x = np.column_stack([columns["x"], columns["w"]])
    off = x - x.mean(axis=0)
    design = np.column_stack([np.ones(len(y)), treated, off, off * treated[:, None]])
    fit = OLS(y, design).fit()
    found = adjust(metric, XW, Slopes.BY_ARM, columns, treated)
    assert found.effect == pytest.approx(fit.params[1], rel=DIGITS)
    own = [
        OLS(y[side], np.column_stack([np.ones(side.sum()), x[side]])).fit()
        for side in (~treated, treated)
    ]
    at_mean = [each.get_prediction([1, *x.mean(axis=0)]) for each in own]
    np.testing.assert_allclose(
        found.levels, [each.predicted_mean[0] for each in at_mean], rtol=DIGITS
    )
    cov = np.cov(x, rowvar=False) / len(y)
    apart = own[1].params[1:] - own[0].params[1:]
    wanted = sum(each.se_mean[0] ** 2 for each in at_mean) + apart @ cov @ apart
    assert found.error**2 == pytest.approx(wanted, rel=DIGITS)
    parts = [*(each.se_mean[0] ** 2 for each in at_mean), apart @ cov @ apart]
    freedoms = [*(each.df_resid for each in own), len(y) - 1]
    assert found.freedom == pytest.approx(satterthwaite(parts, freedoms), rel=1e-9)
    for error, each, of in zip(found.errors, at_mean, own, strict=True):
        level = each.se_mean[0] ** 2 + of.params[1:] @ cov @ of.params[1:]
        assert error**2 == pytest.approx(level, rel=DIGITS)
    together = own[0].params[1:] @ cov @ own[1].params[1:]
    assert found.together == pytest.approx(together, rel=DIGITS)


def satterthwaite(parts, freedoms):
    return sum(parts) ** 2 / sum(p**2 / f for p, f in zip(parts, freedoms, strict=True))


def test_unlike_arms_are_found_as_by_a_regression_of_the_arm_on_the_covariates():
    columns, treated = shop()
    design = np.column_stack([np.ones(300), columns["x"], columns["w"]])
    wanted = OLS(treated.astype(float), design).fit().f_pvalue
    sides = [Moments.of(arm.whole, GMV, ["x", "w"]) for arm in arms(columns, treated)]
    whole = Moments.of(aggregates(columns), GMV, ["x", "w"])
    assert imbalance((sides[0], sides[1]), whole) == pytest.approx(wanted, rel=DIGITS)


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
def test_sandwiches_of_single_shoppers_say_the_same_in_large_arms(kind):
    """They need squares of residuals times squares of covariates, which statistics do not hold."""
    columns, treated = shop(n=40_000)
    x = np.column_stack([columns["x"], columns["w"]])
    off = x - x.mean(axis=0)
    ones = np.ones(len(x))
    one = OLS(columns["gmv"], np.column_stack([ones, treated, off])).fit()
    by_arm = OLS(
        columns["gmv"], np.column_stack([ones, treated, off, off * treated[:, None]])
    ).fit()
    found = adjust(GMV, XW, Slopes.POOLED, columns, treated)
    assert found.error == pytest.approx(one.get_robustcov_results(kind).bse[1], rel=3e-3)
    found = adjust(GMV, XW, Slopes.BY_ARM, columns, treated)
    apart = by_arm.params[4:]
    wanted = by_arm.get_robustcov_results(kind).bse[1] ** 2
    wanted += apart @ np.cov(x, rowvar=False) @ apart / len(x)
    assert found.error**2 == pytest.approx(wanted, rel=3e-3)


def test_cuped_one_slope_and_slopes_by_arm_agree_where_the_effect_is_the_same_for_all():
    rng = np.random.default_rng(3)
    x, treated = rng.normal(size=200_000), rng.random(200_000) < 0.5
    columns = {"gmv": x + rng.normal(size=200_000) + 0.1 * treated, "x": x}
    effects = [adjust(GMV, known_before("x"), each, columns, treated).effect for each in Slopes]
    assert np.ptp(effects) < 1e-5


def test_the_error_is_that_of_a_sample_where_the_effect_differs_between_shoppers():
    """Without the correction it is 40 % too small here: the effect is the covariate itself."""
    rng = np.random.default_rng(4)
    tests, n = 1_000, 100
    x_EN = rng.normal(size=(tests, n))
    noise_EN = 0.5 * rng.normal(size=(tests, n))
    lift_N = np.repeat([0.0, 1.0], n // 2)
    columns = {"gmv": x_EN + noise_EN + lift_N * (1 + x_EN), "x": x_EN}
    how = Regression(known_before("x"), Slopes.BY_ARM)
    found = [how.adjust(GMV, *sides) for sides in many(columns, (n // 2, n // 2))]
    spread = np.var([each.effect for each in found])
    told = np.mean([each.error**2 for each in found])
    sure = 4 * spread * math.sqrt(2 / tests)
    assert abs(told - spread) < sure
    without = np.mean([each.error**2 for each in found]) - 1 / n  # slopes are 1 apart
    assert without < spread - sure


WORLDS = {
    "effects differ, shares 10 to 90": (540, 60),
    "tiny arms": (8, 8),
    "tiny arms, unequal": (30, 8),
    "heavy tails": (400, 400),
}


@cache
def world(kind, sizes, tests, seed):
    """(E, N) shoppers of many tests by column, and the true effect."""
    rng, shape = np.random.default_rng(seed), (tests, sum(sizes))
    treated_N = np.arange(shape[1]) >= sizes[0]
    if kind == "heavy tails":
        x, w = rng.lognormal(0, 1, shape), rng.lognormal(0, 1, shape)
        gmv = (x + 0.5 * w) * rng.lognormal(0, 1, shape) * (1 + 0.1 * treated_N)
        return {"gmv": gmv, "x": x, "w": w}, 0.15 * math.e
    x, w = rng.normal(size=shape), rng.normal(size=shape)
    gmv = x + 0.5 * w + rng.normal(size=shape) + 0.3 * treated_N
    if kind.startswith("effects differ"):
        gmv = gmv + treated_N * (x + rng.normal(size=shape))
    return {"gmv": gmv, "x": x, "w": w}, 0.3


@pytest.mark.parametrize("slopes", Slopes)
@pytest.mark.parametrize("kind", WORLDS)
def test_intervals_cover_the_effect_at_their_rate(kind, slopes):
    sizes = WORLDS[kind]
    columns, truth = world(kind, sizes, 1_000, seed=5)
    how = Regression(XW, slopes)
    sides = many(columns, sizes)
    if how.nothing_to_adjust_by(GMV, *sides[0]):
        assert (slopes, kind[:4]) == (Slopes.TOTAL, "tiny")  # its error takes slopes as known
        return
    hits = covers([how.adjust(GMV, *each) for each in sides], truth)
    assert 0.93 < hits.mean() < 0.97 + 0.01 * ("tiny" in kind)
    assert near(hits) or kind in ("heavy tails", "tiny arms")


def test_the_relative_interval_covers_where_levels_lean_on_the_same_shoppers():
    columns, _ = world("effects differ", (100, 100), 1_000, seed=6)
    columns = columns | {"gmv": columns["gmv"] + 5}
    how, hits, agreed = Regression(XW), [], []
    for sides in many(columns, (100, 100)):
        row, _ = adjusted(GMV, CONTRAST, dict(zip(CONTRAST, sides, strict=True)), how)
        hits.append(row.relative.holds(0.3 / 5))
        agreed.append(row.relative.holds(0.0) == row.effect.holds(0.0) == (row.p_value > 0.05))
    assert near(np.array(hits))
    assert all(agreed)


@given(
    st.lists(st.floats(-9, 9), min_size=2, max_size=2),
    st.lists(st.floats(-50, 50), min_size=2, max_size=2),
    st.sampled_from(list(Slopes)),
)
def test_units_of_covariates_change_nothing(powers, shifts, slopes):
    columns, treated = shop(n=120)
    wanted = adjust(GMV, XW, slopes, columns, treated)
    other = dict(columns)
    for name, power, shift in zip("xw", powers, shifts, strict=True):
        other[name] = (columns[name] + shift) * 10**power
    found = adjust(GMV, XW, slopes, other, treated)
    np.testing.assert_allclose(
        [*found.levels, found.error, found.freedom],
        [*wanted.levels, wanted.error, wanted.freedom],
        rtol=1e-7,
    )


@pytest.mark.parametrize("slopes", [Slopes.POOLED, Slopes.BY_ARM])
def test_a_covariate_that_tells_nothing_widens_no_interval_beyond_noise(slopes):
    columns, treated = shop(n=400)
    wider = []
    for seed in range(300):
        columns["noise"] = np.random.default_rng(seed).normal(size=400)
        sides = arms(columns, treated)
        found = Regression(known_before("noise"), slopes).adjust(GMV, *sides)
        wider.append(found.error / plain(GMV, *sides).error)
    assert np.mean(wider) < 1.01
    assert np.max(wider) < 1.1


def test_what_does_not_vary_or_is_told_by_others_is_left_out_and_named():
    columns, treated = shop()
    columns |= {"same": np.full(300, 0.1), "sum": 3 * columns["x"] - columns["w"]}
    for slopes in Slopes:
        wanted = adjust(GMV, XW, slopes, columns, treated)
        covariates = known_before("same", "x", "w", "sum")
        found = adjust(GMV, covariates, slopes, columns, treated)
        assert found.effect == pytest.approx(wanted.effect, rel=DIGITS)
        assert found.error == pytest.approx(wanted.error, rel=DIGITS)
        assert found.notes == (
            "not adjusted by same, sum: no variation in an arm, or told by the others",
        )


def test_a_claim_that_the_treatment_cannot_move_something_is_repeated():
    columns, treated = shop()
    covariates = known_before("x") + treatment_cannot_move("w")
    found = adjust(GMV, covariates, Slopes.BY_ARM, columns, treated)
    assert found.notes == ("taken as given: the treatment cannot move w",)


@pytest.mark.parametrize("slopes", Slopes)
def test_a_history_that_one_arm_alone_has_is_doubted(slopes):
    columns, treated = shop()
    columns["x"] = np.where(treated, 0.0, columns["x"])
    sides = dict(zip(CONTRAST, arms(columns, treated), strict=True))
    _, reason = adjusted(GMV, CONTRAST, sides, Regression(XW, slopes))
    assert reason == (
        "the arms differ in what they are adjusted by (x, w), more than chance allows"
    )
    columns["x"] = treated.astype(float)  # the arm itself
    sides = dict(zip(CONTRAST, arms(columns, treated), strict=True))
    assert "more than chance" in adjusted(GMV, CONTRAST, sides, Regression(XW, slopes))[1]


def test_arms_that_chance_made_are_seldom_doubted():
    columns, _ = world("heavy tails", (400, 400), 1_000, seed=7)
    how = Regression(XW)
    doubts = [bool(how.adjust(GMV, *sides).doubt) for sides in many(columns, (400, 400))]
    assert np.mean(doubts) < 0.001 + 4 * math.sqrt(0.001 / 1_000)


def few(n, **changed):
    rng = np.random.default_rng(8)
    columns = {name: rng.normal(size=n) for name in ("gmv", "x", "w")} | changed
    return columns, np.arange(n) % 2 == 1


@pytest.mark.parametrize(
    ("shoppers", "slopes", "reason"),
    [
        (few(2), Slopes.BY_ARM, "an arm has fewer than 2 exposed shoppers"),
        (few(8), Slopes.BY_ARM, "an arm has 4 exposed shoppers, 2 covariates need 5"),
        (few(8), Slopes.POOLED, "an arm has 4 exposed shoppers, 2 covariates need 5"),
        (few(38), Slopes.TOTAL, "an arm has 19 exposed shoppers, 2 covariates need 20"),
        (few(30, x=np.ones(30), w=np.zeros(30)), Slopes.BY_ARM, "no covariate varies"),
        (few(30, x=np.full(30, math.nan)), Slopes.BY_ARM, "covariate is not a finite number"),
    ],
)
def test_what_cannot_be_adjusted_is_refused_with_a_reason(shoppers, slopes, reason):
    sides = dict(zip(CONTRAST, arms(*shoppers), strict=True))
    row, told = adjusted(GMV, CONTRAST, sides, Regression(XW, slopes))
    assert reason in told
    assert row.effect.estimate is row.effect.low is row.p_value is None


@pytest.mark.parametrize("slopes", Slopes)
def test_covariates_that_explain_everything_give_no_false_certainty(slopes):
    columns, treated = few(60)
    columns["gmv"] = 2 * columns["x"] - 0.1 * columns["w"]
    found = Regression(XW, slopes).adjust(GMV, *arms(columns, treated))
    assert found == Refusal("an arm has no variation that the covariates do not explain")


def test_an_arm_without_variation_leaves_the_other_its_interval():
    columns, treated = few(60)
    columns["gmv"] = np.where(treated, 0.0, columns["gmv"])
    for slopes in Slopes:
        means = Regression(XW, slopes).adjust(GMV, *arms(columns, treated))
        assert means.error > 0


def test_covariates_that_are_none_twice_or_the_metric_itself_are_refused():
    with pytest.raises(ConfigError, match="covariates == none, must be one"):
        Regression(())
    with pytest.raises(ConfigError, match="x, x, must be one at least, each once"):
        Regression(known_before("x", "x"))
    with pytest.raises(ConfigError, match="gmv == a column of gmv, must be another"):
        Regression(known_before("gmv")).columns(GMV)
