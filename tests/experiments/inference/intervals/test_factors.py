"""The variance of a mean over trainings, lucks and shoppers: by parity and by simulation."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.formula.api import ols

from experiments.inference.intervals.factors import variance_of_mean

SHAPE = (3, 4, 60)
PLAIN = {"shopper": 1.0, "cell": 1.0}


def table(rng, shape=SHAPE, **spread):
    """Crossed random effects of mean 0, by the standard deviation of each."""
    axes = {
        "seed": (0,),
        "luck": (1,),
        "world": (0, 1),
        "shopper": (2,),
        "taste": (0, 2),  # what a shopper makes of a training
        "day": (1, 2),  # and of a luck
        "cell": (0, 1, 2),
    }
    found = np.zeros(shape)
    for name, sd in spread.items():
        levels = [n if axis in axes[name] else 1 for axis, n in enumerate(shape)]
        found = found + sd * rng.normal(size=levels)
    return found


def anova(values):
    """Mean squares and degrees of freedom of the three-way layout, from statsmodels."""
    seed, luck, shopper = np.indices(values.shape).reshape(3, -1)
    frame = pd.DataFrame({"z": values.ravel(), "s": seed, "l": luck, "u": shopper})
    rows = sm.stats.anova_lm(ols("z ~ (C(s) + C(l) + C(u)) ** 2", frame).fit())
    return rows.sum_sq / rows.df, rows.df


def test_where_all_factors_differ_it_is_the_sum_of_the_anova_estimates():
    spread = dict.fromkeys(("seed", "luck"), 5.0) | dict.fromkeys(("world", "taste", "day"), 2.0)
    values = table(np.random.default_rng(0), (3, 4, 6), **spread, shopper=6.0, cell=0.5)
    square, freedom = anova(values)
    mains, pairs = ("C(s)", "C(l)", "C(u)"), ("C(s):C(l)", "C(s):C(u)", "C(l):C(u)")
    total = sum(square[name] for name in mains) - sum(square[name] for name in pairs)
    total += square["Residual"]
    scarce = ("C(s)", "C(l)", "C(s):C(l)")
    wanted = total**2 / sum(square[name] ** 2 / freedom[name] for name in scarce)
    found = variance_of_mean(values)
    assert found == (pytest.approx(total / values.size), pytest.approx(min(max(wanted, 2), 5)))


def test_what_would_be_less_than_nothing_counts_as_nothing():
    """Seeds and lucks that differ less than worlds by themselves leave the spread of worlds."""
    values = table(np.random.default_rng(1), world=1.0, cell=0.1)
    values -= values.mean(axis=(1, 2), keepdims=True)
    values -= values.mean(axis=(0, 2), keepdims=True)
    by_world = 60 * np.square(values.mean(axis=2)).sum() / 6
    variance, freedom = variance_of_mean(values)
    assert variance == pytest.approx(by_world / values.size, rel=0.01)
    assert 6 <= freedom < 6.1


def test_one_factor_or_none_beside_the_shoppers_is_the_simpler_layout():
    rng = np.random.default_rng(2)
    values = table(rng, (4, 1, 30), seed=1.0, **PLAIN)[:, 0]
    row, column = 30 * values.mean(axis=1).var(ddof=1), 4 * values.mean(axis=0).var(ddof=1)
    rest = np.square(
        values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    ).sum() / (3 * 29)
    total = max(row, rest) + max(column - rest, 0)
    wanted = pytest.approx(total / values.size), pytest.approx((total / row) ** 2 * 3)
    for each in (values, values[None], values[:, None]):
        assert variance_of_mean(each) == wanted
    alone = variance_of_mean(values[:1])
    assert alone == (pytest.approx(values[0].var(ddof=1) / 30), 29)


def test_neither_the_order_of_factors_nor_of_their_levels_matters():
    rng = np.random.default_rng(3)
    values = table(rng, seed=1.0, luck=0.5, world=0.5, day=1.0, **PLAIN)
    wanted = pytest.approx(variance_of_mean(values))
    assert variance_of_mean(values.transpose(1, 0, 2)) == wanted
    assert variance_of_mean(values[::-1, ::-1][:, :, rng.permutation(60)]) == wanted


def test_worlds_that_were_lived_twice_say_nothing_more():
    values = table(np.random.default_rng(4), (3, 1, 60), seed=0.3, **PLAIN)
    once, twice = variance_of_mean(values), variance_of_mean(np.repeat(values, 2, axis=1))
    assert twice == pytest.approx(once)


def test_where_nothing_varies_there_is_no_variance():
    assert variance_of_mean(np.zeros(SHAPE)) == (0.0, 59)


def coverage(rng, repetitions, shape=SHAPE, **spread):
    """How often intervals of 95 % hold 0: over all factors, and over lucks that were summed."""
    held = np.zeros(2)
    for _ in range(repetitions):
        values = table(rng, shape, **spread)
        for which, each in enumerate((values, values.mean(axis=1))):
            variance, freedom = variance_of_mean(each)
            reach = stats.t.ppf(0.975, freedom) * np.sqrt(variance)
            held[which] += abs(values.mean()) <= reach
    return held / repetitions


def test_intervals_hold_the_mean_where_worlds_share_luck_and_over_summed_lucks_they_do_not():
    """The world that all trainings are compared with has as much luck as each of theirs."""
    crossed, summed = coverage(np.random.default_rng(5), 500, luck=0.3, world=0.3, **PLAIN)
    assert 0.93 <= crossed <= 0.985
    assert summed < 0.88


STUDIES = {
    "nothing": {},
    "trainings": {"seed": 0.3},
    "lucks": {"luck": 0.3},
    "worlds": {"world": 0.3},
    "trainings and lucks": {"seed": 0.3, "luck": 0.3},
    "lucks and worlds": {"luck": 0.3, "world": 0.3, "taste": 0.5, "day": 0.5},
    "all": {"seed": 0.3, "luck": 0.3, "world": 0.3, "taste": 0.5, "day": 0.5},
}


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("shape", [(3, 3, 60), (3, 4, 60), (5, 3, 60), (5, 5, 60), (3, 10, 60)])
def test_intervals_cover_at_about_their_level(shape, study):
    """Three levels leave two degrees of freedom: a little short where one factor alone has luck.

    A part that is not there is estimated as no less than none: a little much where worlds differ
    by luck of their own alone.
    """
    repetitions = 800
    rng = np.random.default_rng(sum(shape) + 100 * list(STUDIES).index(study))
    crossed, summed = coverage(rng, repetitions, shape, **STUDIES[study], **PLAIN)
    slack = 3 * np.sqrt(0.95 * 0.05 / repetitions)
    assert 0.93 - slack <= crossed <= 0.98 + slack
    if "luck" in STUDIES[study]:
        assert summed < crossed - 0.02
