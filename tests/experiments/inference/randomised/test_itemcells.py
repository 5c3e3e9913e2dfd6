"""Estimates of a split of items are those of a Welch test over items, told per shopper."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from experiments.designs.layout import ListingLayout
from experiments.inference.metrics import METRICS
from experiments.inference.randomised.grouped import grouped_estimates
from experiments.inference.randomised.itemcells import open_item_cells
from tests.experiments.inference.logs import ARMS
from tests.experiments.inference.randomised.sides import ITEMS, by_item, item_arms, table

ORDERS, GMV, CTR = (METRICS[name] for name in ("orders", "gmv", "ctr"))
PAIR = (ARMS[0], ARMS[1])


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return by_item(tmp_path_factory.mktemp("log") / "log", shoppers=900, days=3, orders=0.3)


def estimated(log: Path, *metrics: Any, **options: Any) -> list[Any]:
    with open_item_cells(log, ListingLayout(), metrics) as cells:
        return grouped_estimates(cells, metrics, [PAIR], confidence=0.95, **options)


def of_items(log: Path, value: str) -> np.ndarray:
    """(I,) sums over the orders of each item; 0 for one that nobody bought."""
    bought = table(log, "orders")
    bought["orders"] = 1.0
    bought["gmv"] = bought["price"].astype(float) * bought["quantity"]
    return bought.groupby("item")[value].sum().reindex(range(ITEMS), fill_value=0.0).to_numpy()


@pytest.mark.parametrize(("metric", "value"), [(ORDERS, "orders"), (GMV, "gmv")])
def test_levels_errors_and_p_values_are_welchs_over_items(
    log: Path, metric: Any, value: str
) -> None:
    ((row, reason),) = estimated(log, metric)
    arm_I, sold_I = item_arms(), of_items(log, value)
    scale = ITEMS / table(log, "requests")["shopper"].nunique()
    one, two = (sold_I[arm_I == arm] * scale for arm in (0, 1))
    welch = stats.ttest_ind(two, one, equal_var=False)
    ends = welch.confidence_interval(0.95)
    assert reason == ""
    assert (row.design, row.n_control, row.n_treatment) == ("listing", len(one), len(two))
    assert row.control == pytest.approx(one.mean(), rel=1e-12)
    assert row.treatment == pytest.approx(two.mean(), rel=1e-12)
    assert row.p_value == pytest.approx(welch.pvalue, rel=1e-10)
    assert row.effect.ends == pytest.approx((ends.low, ends.high), rel=1e-10)


def test_a_ratio_has_the_delta_methods_error_over_items(log: Path) -> None:
    ((row, _),) = estimated(log, CTR)
    seen = table(log, "exposures").groupby("item")["clicked"].agg(["sum", "size"])
    arm_I = item_arms()[seen.index]
    levels, errors = [], []
    for arm in (0, 1):
        y, n = seen["sum"][arm_I == arm].to_numpy(float), seen["size"][arm_I == arm].to_numpy(float)
        levels.append(y.sum() / n.sum())
        z = (y - levels[-1] * n) / n.sum()
        errors.append(len(z) / (len(z) - 1) * (z**2).sum())
    assert (row.control, row.treatment) == pytest.approx(tuple(levels), rel=1e-12)
    half = (row.effect.high - row.effect.low) / 2
    part = errors[0] / sum(errors)
    counts = [(item_arms()[seen.index] == arm).sum() for arm in (0, 1)]
    freedom = 1 / (part**2 / (counts[0] - 1) + (1 - part) ** 2 / (counts[1] - 1))
    assert half == pytest.approx(stats.t.ppf(0.975, freedom) * np.sqrt(sum(errors)), rel=1e-9)


def test_what_an_item_does_before_it_is_on_sale_is_not_asked(tmp_path: Path) -> None:
    """Day by day items are those that have come, and shoppers those who have searched."""
    log = by_item(tmp_path / "log", late=20, shoppers=900, days=3, orders=0.3)
    ((row, _),) = estimated(log, ORDERS, last_day=0)
    bought, asked = table(log, "orders"), table(log, "requests")
    bought, asked = bought[bought["day"] == 0], asked[asked["day"] == 0]
    there = np.arange(ITEMS) >= 20
    scale = there.sum() / asked["shopper"].nunique()
    for arm, level in ((0, row.control), (1, row.treatment)):
        own = there & (item_arms() == arm)
        assert level == pytest.approx((bought["arm"] == arm).sum() / own.sum() * scale, rel=1e-12)
    with open_item_cells(log, ListingLayout(), [ORDERS]) as cells:
        assert sum(cells.units().values()) == ITEMS
        assert cells.days() == [0, 1, 2]


def test_what_no_item_can_be_told_to_have_has_a_reason(log: Path) -> None:
    for name in ("latency", "uctcvr", "baskets", "abandonment"):
        ((row, reason),) = estimated(log, METRICS[name])
        assert row.effect.estimate is None
        assert reason == "it is no sum over listings"


def test_arms_without_a_sale_have_a_reason(tmp_path: Path) -> None:
    log = by_item(tmp_path / "log", shoppers=60, orders=0.0)
    ((row, reason),) = estimated(log, ORDERS)
    assert reason == "the arms have no orders"
    assert row.p_value is None


def test_an_arm_without_items_has_a_reason(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(
        "tests.experiments.inference.randomised.sides.item_arms",
        lambda: np.zeros(ITEMS, np.int8),
    )
    log = by_item(tmp_path / "log", shoppers=60)
    ((row, reason),) = estimated(log, ORDERS)
    assert reason == "an arm has no listings"
    assert row.effect.estimate is None
