import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS

from experiments.inference.estimates import adjusted, plain
from experiments.inference.reduction.adjustment import Refusal
from experiments.inference.reduction.arm import Arm
from experiments.inference.reduction.covariate import known_before, treatment_cannot_move
from experiments.inference.reduction.poststratification import (
    PostStratification,
    imbalance,
    stratified,
)
from experiments.inference.reduction.regression import Regression
from experiments.inference.reduction.stratified import Stratified, mean_inverse
from simulator.errors import ConfigError
from tests.experiments.inference.reduction.shoppers import (
    CONTRAST,
    CVR,
    GMV,
    aggregates,
    arms,
    covers,
    near,
)

DIGITS = 1e-10
DEVICE = PostStratification(known_before("device"))


def shop(n=400, share=0.3, seed=0):
    """Shoppers of three devices, on which spend and effect hang."""
    rng = np.random.default_rng(seed)
    device, treated = rng.choice(3, n, p=[0.6, 0.3, 0.1]), rng.random(n) < share
    gmv = 5.0 * device + rng.gamma(2, 1 + device, n) + treated * device
    clicks = rng.poisson(2 + device) + 1.0
    orders = rng.poisson(clicks * (0.2 + 0.1 * device)).astype(float)
    return {"gmv": gmv, "clicks": clicks, "orders": orders}, treated, device


def test_effect_and_conditional_variance_are_those_of_the_saturated_regression():
    """All strata with the arm, at the shares of all shoppers: HC2 is the sum over the cells."""
    columns, treated, device = shop()
    found = stratified(GMV, *arms(columns, treated, device))
    strata = (device[:, None] == [0, 1, 2]).astype(float)
    fit = OLS(columns["gmv"], np.column_stack([strata, strata * treated[:, None]])).fit()
    weight = np.r_[np.zeros(3), strata.mean(axis=0)]
    assert found.means().effect == pytest.approx(weight @ fit.params, rel=DIGITS)
    cov = fit.get_robustcov_results("HC2").cov_params()
    assert found.conditional == pytest.approx(weight @ cov @ weight, rel=DIGITS)
    assert found.strata == ("0", "1", "2")
    assert found.pooled == ()


def test_the_effect_is_that_of_slopes_by_arm_on_the_devices():
    """And what the weights add to the variance is what the mean covariates add there."""
    columns, treated, device = shop()
    columns |= {name: (device == at).astype(float) for name, at in (("one", 1), ("two", 2))}
    whole = arms(columns, treated)
    regression = Regression(known_before("one", "two")).adjust(GMV, *whole)
    found = stratified(GMV, *arms(columns, treated, device))
    assert found.means().effect == pytest.approx(regression.effect, rel=DIGITS)
    np.testing.assert_allclose(found.means().levels, regression.levels, rtol=DIGITS)
    assert found.means().together == pytest.approx(regression.together, rel=DIGITS)
    added = found.means().error ** 2 - found.conditional
    assert added == pytest.approx(found.of_weights(found.effect_S, found.effect_S), rel=1e-8)


def test_a_ratio_is_that_of_post_stratified_sums_linearised():
    columns, treated, device = shop()
    found = stratified(CVR, *arms(columns, treated, device))
    share = np.bincount(device) / len(device)
    levels, variances = [], []
    for side in (~treated, treated):
        cells = [side & (device == at) for at in range(3)]
        top, below = (
            share @ [columns[name][cell].mean() for cell in cells] for name in ("orders", "clicks")
        )
        ratio = top / below
        value = (columns["orders"] - ratio * columns["clicks"]) / below
        levels.append(ratio)
        variances.append(
            sum(w**2 * value[c].var(ddof=1) / c.sum() for w, c in zip(share, cells, strict=True))
        )
    np.testing.assert_allclose(found.means().levels, levels, rtol=DIGITS)
    np.testing.assert_allclose(found.part_SA.sum(axis=0), variances, rtol=DIGITS)


@pytest.mark.parametrize(("size", "arm", "total"), [(5, 6, 12), (2, 3, 9), (7, 4, 11)])
def test_the_mean_of_one_over_n_is_that_over_all_assignments(size, arm, total):
    counts = [sum(each < size for each in chosen) for chosen in combinations(range(total), arm)]
    kept = [1 / n for n in counts if 0 < n < size]
    assert mean_inverse(size, arm, total) == pytest.approx(np.mean(kept), rel=1e-12)


def test_the_mean_of_one_over_n_of_a_large_stratum_is_near_one_over_its_mean():
    mean = 1_000_000 * 0.3
    assert mean_inverse(1_000_000, 600_000, 2_000_000) == pytest.approx(1 / mean, rel=1e-5)


def test_the_unconditional_variance_is_that_over_all_assignments():
    """Of twelve shoppers in two strata, whom the treatment lifts by the same."""
    rng = np.random.default_rng(1)
    y, device = rng.gamma(1, 2, 12), np.repeat([0, 1], 6)
    effects, splits = [], []
    for chosen in combinations(range(12), 6):
        treated = np.isin(np.arange(12), chosen)
        cells = [[(device == s) & (treated == a) for a in (False, True)] for s in (0, 1)]
        if min(cell.sum() for row in cells for cell in row) == 0:
            continue
        splits.append([[cell.sum() for cell in row] for row in cells])
        gaps = [y[two].mean() - y[one].mean() for one, two in cells]
        effects.append(np.mean(gaps))
    own = np.array([[y[device == s].var(ddof=1)] * 2 for s in (0, 1)])
    found = Stratified(("0", "1"), (), np.array([[4, 2], [2, 4]]), np.zeros((2, 2)), own)
    assert found.unconditional == pytest.approx(np.var(effects), rel=1e-10)
    conditional = [
        Stratified(("0", "1"), (), np.array(split), np.zeros((2, 2)), own).conditional
        for split in splits
    ]
    assert np.mean(conditional) == pytest.approx(np.var(effects), rel=1e-10)


TESTS = 1_000


def drawn(tests, n, share, seed, device_of, spend):
    """Means of post-stratification in tests of shoppers drawn anew."""
    rng = np.random.default_rng(seed)
    for _ in range(tests):
        device, treated = device_of(rng, n), rng.random(n) < share
        yield arms({"gmv": spend(rng, device, treated)}, treated, device)


SHOPS = {
    "unequal shares, effects differ": (
        400,
        0.2,
        lambda rng, n: rng.choice(3, n, p=[0.5, 0.3, 0.2]),
        lambda rng, device, treated: rng.normal(3 * device, 1 + device) + treated * device,
        0.7,
    ),
    "heavy tails": (
        1_000,
        0.5,
        lambda rng, n: rng.choice(3, n, p=[0.5, 0.3, 0.2]),
        lambda rng, device, treated: rng.lognormal(device, 1) * (1 + 0.1 * treated),
        0.1 * math.exp(0.5) * (0.5 + 0.3 * math.e + 0.2 * math.e**2),
    ),
    "many small strata": (
        300,
        0.3,
        lambda rng, n: (rng.pareto(1, n) * 2).astype(int),
        lambda rng, device, treated: rng.normal(np.minimum(device, 5), 1) + 0.5 * treated,
        0.5,
    ),
    "tiny arms": (
        60,
        0.5,
        lambda rng, n: rng.choice(2, n),
        lambda rng, device, treated: rng.normal(2 * device, 1) + 0.5 * treated,
        0.5,
    ),
}


@pytest.mark.parametrize("kind", SHOPS)
def test_intervals_cover_the_effect_at_their_rate(kind):
    n, share, device_of, spend, truth = SHOPS[kind]
    tests = 200 if kind.startswith("many") else TESTS
    found = [DEVICE.adjust(GMV, *s) for s in drawn(tests, n, share, 2, device_of, spend)]
    kept = [each for each in found if not isinstance(each, Refusal)]
    assert len(kept) > tests * (0.85 if kind == "tiny arms" else 0.99)
    hits = covers(kept, truth)
    assert 0.93 < hits.mean() < 0.975
    assert near(hits)


def test_strata_are_pooled_by_their_size_so_that_pooling_does_not_bias():
    """Pooled by what an arm happened to get, that a stratum is dear would seem an effect."""
    device = np.repeat(np.arange(51), [*[4] * 30, *[12] * 20, 100])
    dear = np.where(device < 30, 20.0, 0.0)
    rng, effects = np.random.default_rng(3), []
    for _ in range(150):
        treated = rng.random(len(device)) < 0.3
        gmv = dear + rng.normal(size=len(device))
        effects.append(DEVICE.adjust(GMV, *arms({"gmv": gmv}, treated, device)).effect)
    assert abs(np.mean(effects)) < 4 * np.std(effects) / math.sqrt(len(effects))


def test_small_and_empty_strata_become_one_and_are_named():
    columns, treated, device = shop()
    device[:6] = np.arange(10, 16)  # one shopper each, so one arm each
    found = DEVICE.adjust(GMV, *arms(columns, treated, device))
    assert found.notes == ("too small alone, taken as one stratum: 10, 11, 12, 13, 14 and 2 more",)
    inside = stratified(GMV, *arms(columns, treated, device))
    assert inside.strata[-1] == "others"
    assert inside.n_SA.sum() == 400
    merged = np.where(device == 2, 10, device)
    merged[:6] = 10  # the smallest of the others came along
    wanted = DEVICE.adjust(GMV, *arms(columns, treated, merged))
    assert found.effect == pytest.approx(wanted.effect, rel=DIGITS)


def test_a_large_stratum_that_one_arm_has_nobody_of_does_not_stand_alone():
    columns, treated, device = shop()
    device = np.where(~treated & (np.arange(400) < 80), 9, device)
    found = DEVICE.adjust(GMV, *arms(columns, treated, device))
    assert found.notes == ("too small alone, taken as one stratum: 9, 2",)
    assert np.isfinite(found.error)
    assert "more than chance allows" in found.doubt


@pytest.mark.parametrize(
    ("device", "reason"),
    [
        (np.zeros(80), "fewer than two strata have enough shoppers in both arms"),
        (np.arange(80), "fewer than two strata have enough shoppers in both arms"),
    ],
)
def test_strata_that_say_nothing_are_refused_with_a_reason(device, reason):
    columns, treated, _ = shop(80)
    sides = dict(zip(CONTRAST, arms(columns, treated, device), strict=True))
    row, told = adjusted(GMV, CONTRAST, sides, DEVICE)
    assert told == reason
    assert row.effect.estimate is None


def test_arms_that_are_not_split_and_arms_of_one_shopper_are_refused():
    columns, treated, device = shop(80)
    sides = dict(zip(CONTRAST, arms(columns, treated), strict=True))
    assert "fewer than two strata" in adjusted(GMV, CONTRAST, sides, DEVICE)[1]
    alone = Arm.of({"0": aggregates({"gmv": [1.0]})})
    sides = {"control": arms(columns, treated, device)[0], "treatment": alone}
    assert adjusted(GMV, CONTRAST, sides, DEVICE)[1] == "an arm has fewer than 2 exposed shoppers"


def test_strata_that_explain_everything_give_no_false_certainty():
    columns, treated, device = shop()
    columns["gmv"] = 3.0 * device
    sides = dict(zip(CONTRAST, arms(columns, treated, device), strict=True))
    row, told = adjusted(GMV, CONTRAST, sides, DEVICE)
    assert told == "an arm has no variation within the strata"
    assert row.p_value is None


def test_arms_of_unlike_strata_are_doubted():
    columns, treated, device = shop()
    moved = np.where(treated & (device == 1), 0, device)
    moved[:5] = 1
    sides = dict(zip(CONTRAST, arms(columns, treated, moved), strict=True))
    how = PostStratification(treatment_cannot_move("device"))
    row, told = adjusted(GMV, CONTRAST, sides, how)
    assert told.startswith("the arms differ in the strata that they are adjusted by (device)")
    assert row.effect.estimate is not None
    found = how.adjust(GMV, *sides.values())
    assert "taken as given: the treatment cannot move device" in found.notes


def test_unlike_strata_are_found_as_by_a_table_of_counts():
    columns, treated, device = shop()
    counts = [[(side & (device == at)).sum() for side in (treated, ~treated)] for at in range(3)]
    wanted = stats.chi2_contingency(counts, correction=False).pvalue
    device[:4] = [7, 8, 9, 7]  # too few to count
    assert imbalance(*arms(columns, treated, device)) != wanted
    columns, treated, device = shop()
    assert imbalance(*arms(columns, treated, device)) == pytest.approx(wanted, rel=DIGITS)


def test_strata_that_tell_much_narrow_the_interval():
    sides = arms(*shop())
    assert DEVICE.adjust(GMV, *sides).error < 0.8 * plain(GMV, *sides).error


def test_strata_of_no_column_or_of_the_metric_are_refused():
    with pytest.raises(ConfigError, match="strata == no column"):
        PostStratification(())
    with pytest.raises(ConfigError, match="gmv == a column of gmv"):
        PostStratification(known_before("gmv")).columns(GMV)
    assert DEVICE.columns(CVR) == ("orders", "clicks")
