"""Estimates of a split of both sides are the paper's, and their errors are clustered both ways."""

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from experiments.designs.layout import Estimator, TwoSidedLayout
from experiments.inference.metrics import METRICS
from experiments.inference.randomised.pairs import PairMoments, open_pairs
from experiments.inference.randomised.twosided import (
    level_weights,
    levels,
    two_sided_estimates,
)
from tests.experiments.inference.logs import ARMS
from tests.experiments.inference.randomised.sides import ITEMS, by_both, item_arms, table

ORDERS, GMV, CTR = (METRICS[name] for name in ("orders", "gmv", "ctr"))
PAIR = (ARMS[0], ARMS[1])
ESTIMATORS = get_args(Estimator)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return by_both(tmp_path_factory.mktemp("log") / "log", shoppers=120, orders=0.4, requests=3.0)


def estimated(
    log: Path, *metrics: Any, estimator: Estimator = "tsri_1", weight: float = 0.3, **options: Any
) -> list[Any]:
    with open_pairs(log, TwoSidedLayout(estimator, weight), metrics) as pairs:
        return two_sided_estimates(pairs, metrics, [PAIR], confidence=0.95, **options)


def moments(log: Path, metric: Any, last_day: int | None = None) -> PairMoments:
    with open_pairs(log, TwoSidedLayout("naive", 1.0), [metric]) as pairs:
        return pairs.moments(metric, (0, 1), last_day)


def pairs_of(log: Path, top: str) -> pd.DataFrame:
    """Every pair of a shopper who searched and an item on sale, with sums of what they did."""
    asked = table(log, "requests").groupby("shopper")["arm"].first()
    seen, bought = table(log, "exposures"), table(log, "orders")
    bought["orders"] = 1.0
    bought["gmv"] = bought["price"].astype(float) * bought["quantity"]
    index = pd.MultiIndex.from_product([asked.index, range(ITEMS)], names=["shopper", "item"])
    found = pd.DataFrame(index=index)
    if top == "clicks":
        did = seen.groupby(["shopper", "item"])["clicked"].agg(["sum", "size"])
        found["y"] = did["sum"].astype(float)
        found["x"] = did["size"].astype(float)
        found = found.fillna(0.0)
    else:
        found["y"] = bought.groupby(["shopper", "item"])[top].sum()
        found["x"] = 1.0 / ITEMS
        found["y"] = found["y"].fillna(0.0)
    found = found.reset_index()
    found["i"] = asked.loc[found["shopper"]].to_numpy()
    found["j"] = item_arms()[found["item"]]
    return found


def covariance(found: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(4,) ratios of the cells (00, 01, 10, 11), and (4, 4) their covariance, written out."""
    cells = [(i, j) for i in (0, 1) for j in (0, 1)]
    ratio, z = [], {}
    for i, j in cells:
        own = found[(found["i"] == i) & (found["j"] == j)]
        ratio.append(own["y"].sum() / own["x"].sum())
        z[i, j] = (own["y"] - ratio[-1] * own["x"]) / own["x"].sum()
    total = np.zeros((4, 4))
    for name, arm, sign in (("shopper", "i", 1), ("item", "j", 1), (None, None, -1)):
        for a, one in enumerate(cells):
            for b, two in enumerate(cells):
                if name is None:
                    total[a, b] -= (z[one] ** 2).sum() * (one == two)
                    continue
                side = 0 if name == "shopper" else 1
                if one[side] != two[side]:
                    continue
                sums = [
                    each.groupby(found.loc[each.index, name]).sum() for each in (z[one], z[two])
                ]
                clusters = found.loc[found[arm] == one[side], name].nunique()
                product = sums[0].mul(sums[1], fill_value=0.0).sum()
                total[a, b] += sign * clusters / (clusters - 1) * product
    return np.array(ratio), total


@pytest.mark.parametrize(("metric", "top"), [(ORDERS, "orders"), (GMV, "gmv"), (CTR, "clicks")])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_levels_and_errors_are_those_of_brute_force_over_all_pairs(
    log: Path, metric: Any, top: str, estimator: Estimator
) -> None:
    ratio, together = covariance(pairs_of(log, top))
    ((row, reason),) = estimated(log, metric, estimator=estimator)
    weights_L4 = level_weights(moments(log, metric), estimator, 0.3).reshape(2, 4)
    assert reason == ""
    assert row.control == pytest.approx(weights_L4[0] @ ratio, rel=1e-11)
    assert row.treatment == pytest.approx(weights_L4[1] @ ratio, rel=1e-11)
    difference = weights_L4[1] - weights_L4[0]
    variance = difference @ together @ difference
    assert variance > 0
    _, found_LL = levels(moments(log, metric), weights_L4.reshape(2, 2, 2))
    assert found_LL[0, 0] + found_LL[1, 1] - 2 * found_LL[0, 1] == pytest.approx(variance, rel=1e-9)
    half = (row.effect.high - row.effect.low) / 2
    assert half == pytest.approx(1.99 * np.sqrt(variance), rel=0.03)


def test_the_error_is_that_of_a_two_way_cluster_robust_regression(log: Path) -> None:
    """Of orders on the four cells; statsmodels has both sides and pairs without a correction."""
    found = pairs_of(log, "orders")
    cell = found["i"] * 2 + found["j"]
    dummies = pd.get_dummies(cell).to_numpy(float)
    fit = sm.OLS(found["y"], dummies).fit()
    parts = []
    for groups in (found["shopper"], found["item"], pd.Series(np.arange(len(found)))):
        own = fit.get_robustcov_results("cluster", groups=groups.to_numpy(), use_correction=False)
        parts.append(own.cov_params() * ITEMS**2)
    counts = [found.groupby(arm)[name].nunique() for arm, name in (("i", "shopper"), ("j", "item"))]
    for part, side, count in zip(parts[:2], (0, 1), counts, strict=True):
        for at, (i, j) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
            clusters = count[(i, j)[side]]
            part[at] *= clusters / (clusters - 1)
    weights_Lij = level_weights(moments(log, ORDERS), "tsri_2", 0.6)
    level_L, together_LL = levels(moments(log, ORDERS), weights_Lij)
    flat_L4 = weights_Lij.reshape(2, 4)
    wanted_LL = flat_L4 @ (parts[0] + parts[1] - parts[2]) @ flat_L4.T
    np.testing.assert_allclose(level_L, flat_L4 @ np.asarray(fit.params) * ITEMS, rtol=1e-10)
    np.testing.assert_allclose(together_LL, wanted_LL, rtol=1e-9)


@pytest.mark.parametrize("weight", [0.0, 0.2, 1.0])
def test_estimators_are_those_of_the_paper(log: Path, weight: float) -> None:
    """Equations 21 and 28, with the shares of shoppers and items that there are."""
    found = pairs_of(log, "orders")
    a = found.groupby("i")["shopper"].nunique() / found["shopper"].nunique()
    b = found.groupby("j")["item"].nunique() / ITEMS
    rate = found.groupby(["i", "j"])["y"].sum() / found["shopper"].nunique()
    q = {(i, j): rate[i, j] / (a[i] * b[j]) for i in (0, 1) for j in (0, 1)}
    rest = (rate[0, 1] + rate[1, 0] + rate[0, 0]) / (1 - a[1] * b[1])
    wanted = {"naive": q[1, 1] - rest}
    for k in (1, 2):
        by_shopper = q[1, 1] - q[0, 1] - k * (1 - weight) * (q[0, 0] - q[0, 1])
        by_item = q[1, 1] - q[1, 0] - k * weight * (q[0, 0] - q[1, 0])
        wanted[f"tsri_{k}"] = weight * by_shopper + (1 - weight) * by_item
    for estimator in ESTIMATORS:
        ((row, _),) = estimated(log, ORDERS, estimator=estimator, weight=weight)
        assert row.effect.estimate == pytest.approx(wanted[estimator], rel=1e-11)


def test_a_day_counts_those_who_have_come_by_then(tmp_path: Path) -> None:
    log = by_both(tmp_path / "log", late=20, shoppers=300, days=3, orders=0.4)
    first, whole = moments(log, ORDERS, 0), moments(log, ORDERS)
    asked, bought = table(log, "requests"), table(log, "orders")
    early = asked[asked["day"] == 0]["shopper"].nunique()
    assert first.shoppers_i.sum() == early < whole.shoppers_i.sum()
    assert first.items_j.sum() == ITEMS - 20
    assert whole.items_j.sum() == ITEMS
    assert first.top_ij.sum() == (bought["day"] == 0).sum()
    assert whole.top_ij.sum() == len(bought)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"shoppers_i": np.array([1.0, 9.0])}, "an arm has fewer than 2 shoppers"),
        ({"items_j": np.array([9.0, 1.0])}, "an arm has fewer than 2 listings"),
        ({"top_ij": np.zeros((2, 2))}, "the arms have no orders"),
        (
            {"under_ij": np.array([[1.0, 0.0], [1.0, 1.0]])},
            "shoppers of an arm have no clicks of listings of an arm",
        ),
    ],
)
def test_what_the_data_cannot_tell_has_a_reason(
    log: Path, changed: dict[str, Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    metric = METRICS["cvr"]
    spoiled = replace(moments(log, metric), **changed)
    monkeypatch.setattr(
        "experiments.inference.randomised.pairs.Pairs.moments", lambda *asked: spoiled
    )
    ((row, told),) = estimated(log, metric)
    assert told == reason
    assert row.effect.estimate is None


def test_by_the_delta_scale_the_relative_effect_decides(log: Path) -> None:
    ((fieller, _),) = estimated(log, METRICS["orders"])
    ((delta, _),) = estimated(log, METRICS["orders"], scale="delta")
    low, size, high = delta.relative.low, delta.relative.estimate, delta.relative.high
    assert size == fieller.relative.estimate
    assert high - size == pytest.approx(size - low)
    assert fieller.relative.high - size != pytest.approx(size - fieller.relative.low)
    assert delta.effect == fieller.effect
    assert delta.p_value != fieller.p_value


def test_what_no_pair_can_be_told_to_have_has_a_reason(log: Path) -> None:
    ((row, reason),) = estimated(log, METRICS["uctcvr"])
    assert row.effect.estimate is None
    assert reason == "it is no sum over pairs of a shopper and a listing"


def test_what_never_varies_has_a_reason(log: Path) -> None:
    same = METRICS["ctr"].model_copy(update={"numerator": "exposures"})
    ((_, reason),) = estimated(log, same)
    assert reason == "no variation of shoppers and listings"


def test_a_covariance_that_is_none_is_taken_without_what_is_subtracted() -> None:
    """Who buys is in a row and a column of its own: shoppers are alike, and so are items."""
    y_SI, arm = np.kron(np.ones((2, 2)), np.eye(2)), np.array([0, 0, 1, 1])
    alike = moments_of(y_SI, arm, arm)
    level_L, together_LL = levels(alike, level_weights(alike, "naive", 1.0))
    assert level_L[0] == level_L[1]
    np.testing.assert_array_equal(together_LL, np.zeros((2, 2)))
    y_SI[0, 1] = 0.2
    made = moments_of(y_SI, arm, arm)
    weights_Lij = level_weights(made, "naive", 1.0)
    _, together_LL = levels(made, weights_Lij)
    _, added_LL = levels(replace(made, of_pairs_ij3=np.zeros((2, 2, 3))), weights_Lij)
    np.testing.assert_array_equal(together_LL, added_LL)
    assert together_LL[0, 0] > 0


def moments_of(y_SI: np.ndarray, arm_S: np.ndarray, arm_I: np.ndarray) -> PairMoments:
    """Of a table of all pairs, per shopper as if all items were in the arm; by NumPy alone."""
    each, shoppers_i, items_j = 1 / len(arm_I), np.bincount(arm_S), np.bincount(arm_I)
    in_i, in_j = np.eye(2)[arm_S], np.eye(2)[arm_I]
    of_shoppers, of_items = y_SI @ in_j, y_SI.T @ in_i
    vectors_S4 = np.hstack((of_shoppers, np.tile(items_j * each, (len(arm_S), 1))))
    vectors_I4 = np.hstack((of_items, np.tile(shoppers_i * each, (len(arm_I), 1))))
    top_ij = in_i.T @ y_SI @ in_j
    sizes_ij = np.outer(shoppers_i, items_j)
    squares_ij = in_i.T @ y_SI**2 @ in_j
    return PairMoments(
        top_ij=top_ij,
        under_ij=sizes_ij * each,
        shoppers_i=shoppers_i.astype(float),
        items_j=items_j.astype(float),
        of_shoppers_iVV=np.stack(
            [vectors_S4[arm_S == i].T @ vectors_S4[arm_S == i] for i in (0, 1)]
        ),
        of_items_jVV=np.stack([vectors_I4[arm_I == j].T @ vectors_I4[arm_I == j] for j in (0, 1)]),
        of_pairs_ij3=np.stack((squares_ij, top_ij * each, sizes_ij * each**2), axis=2),
    )


def test_numpy_moments_are_those_of_the_log(log: Path) -> None:
    found = pairs_of(log, "orders")
    y_SI = found.pivot(index="shopper", columns="item", values="y").to_numpy()
    arm_S = found.groupby("shopper")["i"].first().to_numpy()
    mine, theirs = moments_of(y_SI, arm_S, item_arms()), moments(log, ORDERS)
    for name in PairMoments.__dataclass_fields__:
        np.testing.assert_allclose(
            getattr(mine, name), getattr(theirs, name), rtol=1e-12, atol=1e-14
        )


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_an_a_a_test_is_called_as_often_as_it_should_be(estimator: Estimator) -> None:
    """1,500 splits of one table in which shoppers differ, items differ, and so do pairs."""
    rng = np.random.default_rng(7)
    rate_SI = np.outer(rng.lognormal(0, 0.7, 120), rng.lognormal(0, 0.7, 90)) / 6
    y_SI = rng.poisson(rate_SI).astype(float)
    called, splits = 0, 1_500
    for _ in range(splits):
        arm_S = (rng.random(120) < 0.5).astype(int)
        arm_I = (rng.random(90) < 0.5).astype(int)
        made = moments_of(y_SI, arm_S, arm_I)
        level_L, together_LL = levels(made, level_weights(made, estimator, 0.4))
        error = np.sqrt(together_LL[0, 0] + together_LL[1, 1] - 2 * together_LL[0, 1])
        called += abs(level_L[1] - level_L[0]) > 2.0 * error  # Student's with some 60 degrees
    spread = np.sqrt(0.05 * 0.95 / splits)
    assert abs(called / splits - 0.05) < 3.3 * spread
