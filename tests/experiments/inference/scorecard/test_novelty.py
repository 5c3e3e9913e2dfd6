import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import WLS

from experiments.inference.scorecard.novelty import Days, days_since, novelty, since_exposure
from experiments.records.interval import UNKNOWN
from simulator.errors import ConfigError
from tests.experiments.inference.scorecard.tables import table, within

DAYS = 6


def shoppers(rng, n, *, effect_D=0.0, days=DAYS):
    """(n, D) orders of shoppers whose days are alike, the first day the busiest."""
    taste = rng.gamma(0.5, 1.0, (n, 1))
    pace_D = np.array([2.0, *np.ones(days - 1)])
    return rng.poisson(taste * pace_D + effect_D).astype(float)


def summary(value_UD):
    covariance_DD = np.atleast_2d(np.cov(value_UD, rowvar=False))
    return Days(len(value_UD), value_UD.mean(axis=0), covariance_DD)


def relations(connection, *arms):
    """SQL of the shoppers of each arm, and of the days on which they did something."""
    arm_N, unit_N, day_N, value_N = [], [], [], []
    for arm, value_UD in enumerate(arms):
        unit_U, day_U = np.nonzero(value_UD)
        unit_N.append(unit_U + 10_000 * arm)
        day_N.append(day_U)
        value_N.append(value_UD[unit_U, day_U])
        arm_N.append(np.full(len(value_UD), arm))
    everybody = np.concatenate([np.arange(len(arm)) + 10_000 * a for a, arm in enumerate(arms)])
    units = table(connection, "followed", arm=np.concatenate(arm_N), unit=everybody)
    rows = table(
        connection,
        "acts",
        unit=np.concatenate(unit_N),
        day=np.concatenate(day_N),
        value=np.concatenate(value_N),
    )
    return units, rows


@pytest.fixture(scope="module")
def arms():
    rng = np.random.default_rng(1)
    return shoppers(rng, 400), shoppers(rng, 300, effect_D=np.linspace(0.6, 0.0, DAYS))


def test_sums_of_shoppers_by_day_are_those_of_a_table(connection, arms):
    units, rows = relations(connection, *arms)
    stray = f"{rows} UNION ALL SELECT 0, 99, 5.0 UNION ALL SELECT 77777, 0, 5.0"
    found = days_since(connection, units, stray, days=DAYS)
    for arm, value_UD in enumerate(arms):
        wanted = summary(value_UD)
        assert found[arm].n == wanted.n
        np.testing.assert_allclose(found[arm].mean_D, wanted.mean_D, rtol=1e-12)
        np.testing.assert_allclose(found[arm].covariance_DD, wanted.covariance_DD, rtol=1e-9)


def test_days_are_counted_from_the_first_request_of_those_who_can_be_followed(connection):
    """Shopper 2 came on the last day; shopper 1 ordered before a request, which is no exposure."""
    shopper_days = table(
        connection,
        "calendar",
        arm=[0, 0, 0, 0, 0, 1, 1],
        shopper=[0, 0, 1, 1, 2, 3, 3],
        day=[10, 12, 9, 11, 13, 11, 13],
        requests=[2, 1, 0, 3, 1, 1, 0],
        orders=[1, 4, 7, 0, 5, 0, 2],
    )
    units, rows = since_exposure(shopper_days, "orders", last_day=13, days=3)
    found = days_since(connection, units, rows, days=3)
    assert {arm: days.n for arm, days in found.items()} == {0: 2, 1: 1}
    np.testing.assert_allclose(found[0].mean_D, [0.5, 0.0, 2.0])  # of shoppers 0 and 1
    np.testing.assert_allclose(found[1].mean_D, [0.0, 0.0, 2.0])


def weights(arms):
    variance_D = sum(arm.var(axis=0, ddof=1) / len(arm) for arm in arms)
    day_D = np.arange(DAYS) - np.average(np.arange(DAYS), weights=1 / variance_D)
    return day_D / variance_D / (day_D**2 / variance_D).sum(), 1 / variance_D


def test_the_trend_is_a_welch_test_of_each_shoppers_own_slope(arms):
    found = novelty(*map(summary, arms))
    slope_D, _ = weights(arms)
    slopes = [arm @ slope_D for arm in arms]
    peer = stats.ttest_ind(slopes[1], slopes[0], equal_var=False)
    ends = peer.confidence_interval(0.95)
    wanted = [slopes[1].mean() - slopes[0].mean(), ends.low, ends.high]
    np.testing.assert_allclose(found.slope.numbers, wanted, rtol=1e-9)
    assert found.p_value == pytest.approx(peer.pvalue, rel=1e-9)


def test_the_trend_is_that_of_a_weighted_regression_clustered_by_shopper(arms):
    """Days times arm; statsmodels corrects for the number of clusters a little differently."""
    found = novelty(*map(summary, arms))
    _, weight_D = weights(arms)
    y = np.concatenate([arm.ravel() for arm in arms])
    shopper = np.concatenate(
        [np.repeat(np.arange(len(arm)), DAYS) + 10**6 * a for a, arm in enumerate(arms)]
    )
    treated = np.repeat([0.0, 1.0], [arm.size for arm in arms])
    day = np.tile(np.arange(DAYS), sum(map(len, arms)))
    x = np.column_stack([np.ones(len(y)), treated, day, treated * day])
    fit = WLS(y, x, weights=np.tile(weight_D, sum(map(len, arms)))).fit(
        cov_type="cluster", cov_kwds={"groups": shopper}
    )
    assert found.slope.estimate == pytest.approx(fit.params[3], rel=1e-9)
    error = (found.slope.high - found.slope.estimate) / stats.t.ppf(0.975, 650)
    assert error == pytest.approx(fit.bse[3], rel=5e-3)


def test_each_day_is_a_welch_test(arms):
    found = novelty(*map(summary, arms))
    for day, effect in enumerate(found.effects):
        peer = stats.ttest_ind(arms[1][:, day], arms[0][:, day], equal_var=False)
        ends = peer.confidence_interval(0.95)
        assert (effect.low, effect.high) == pytest.approx((ends.low, ends.high), rel=1e-9)


def test_an_effect_that_wears_off_is_seen_and_one_that_stays_is_not():
    rng = np.random.default_rng(2)
    fading, lasting = np.linspace(1.0, 0.0, DAYS), 0.5
    one = summary(shoppers(rng, 2_000))
    fades = novelty(one, summary(shoppers(rng, 2_000, effect_D=fading)))
    stays = novelty(one, summary(shoppers(rng, 2_000, effect_D=lasting)))
    assert fades.slope.high < 0
    assert fades.slope.holds(-0.2)
    assert stays.slope.holds(0.0)


def test_trends_keep_their_level_and_their_cover():
    rng, false, covered = np.random.default_rng(3), [], []
    fading = np.linspace(0.5, 0.0, DAYS)
    for _ in range(800):
        one = summary(shoppers(rng, 150))
        false.append(novelty(one, summary(shoppers(rng, 100, effect_D=0.3))).p_value < 0.05)
        found = novelty(one, summary(shoppers(rng, 100, effect_D=fading)))
        covered.append(found.slope.holds(-0.1))
    assert within(false, 0.05)
    assert within(covered, 0.95)


def test_days_taken_for_independent_would_see_trends_that_are_not_there():
    """Where shoppers differ in how their days go, not only in how much they do."""
    rng, found, naive = np.random.default_rng(4), [], []
    day_D = np.arange(DAYS) - (DAYS - 1) / 2
    for _ in range(800):
        arms = [
            summary(
                np.exp(0.3 * rng.normal(size=(120, 1)) * day_D + rng.normal(0, 0.2, (120, DAYS)))
            )
            for _ in "ab"
        ]
        apart = [Days(a.n, a.mean_D, np.diag(np.diag(a.covariance_DD))) for a in arms]
        found.append(novelty(*arms).p_value < 0.05)
        naive.append(novelty(*apart).p_value < 0.05)
    assert within(found, 0.05)
    assert np.mean(naive) > 0.15


@pytest.mark.parametrize(
    ("one", "two", "reason"),
    [
        (np.ones((1, 4)), np.ones((9, 4)), "fewer than 2 shoppers who can be followed"),
        (np.ones((5, 4)), np.ones((9, 4)), "fewer than 3 days vary between shoppers"),
        (np.full((5, 4), np.nan), np.ones((9, 4)), "a shopper's value is not a finite number"),
    ],
)
def test_what_the_data_do_not_tell_has_a_reason(one, two, reason):
    with np.errstate(all="ignore"):
        found = novelty(
            *(Days(len(a), a.mean(axis=0), np.zeros((4, 4)) * a.sum()) for a in (one, two))
        )
    assert reason in found.reason
    assert (found.slope, found.p_value) == (UNKNOWN, None)


def test_shoppers_who_do_the_same_on_all_days_have_no_trend():
    rng = np.random.default_rng(5)
    steady = [np.repeat(rng.poisson(2.0, (50, 1)), DAYS, axis=1).astype(float) for _ in "ab"]
    assert novelty(*map(summary, steady)).reason == "every shopper does the same on all days"


def test_a_day_on_which_nobody_did_anything_is_passed_over(arms):
    quiet = [np.insert(arm, 2, 0.0, axis=1) for arm in arms]
    found = novelty(*map(summary, quiet))
    assert found.reason == ""
    assert found.effects[2].numbers == (0.0, None, None)


def test_too_few_days_are_refused(connection):
    with pytest.raises(ConfigError, match="days == 2, must be >= 3"):
        days_since(connection, "", "", days=2)
