"""A split of both sides drawn anew says what the log's own estimator says, and errs as promised."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from experiments.designs.layout import Estimator, TwoSidedLayout
from experiments.designs.shopper import ShopperSplit
from experiments.designs.sides.listing import ListingSplit
from experiments.designs.sides.twosided import TwoSidedSplit
from experiments.inference.metrics import METRICS
from experiments.inference.randomised.pairs import PairMoments, open_pairs
from experiments.inference.randomised.redrawnpairs import (
    moments_of,
    pair_outcomes,
    redrawn_pairs,
)
from experiments.inference.randomised.twosided import two_sided_estimates
from simulator.randomness import Draws
from tests.experiments.inference.logs import ARMS
from tests.experiments.inference.randomised.sides import ITEMS, by_both, item_arms, table

CHOSEN = tuple(METRICS[name] for name in ("orders", "gmv", "ctr"))
ESTIMATORS: tuple[Estimator, ...] = ("naive", "tsri_1", "tsri_2")


@dataclass(frozen=True)
class Fixed:
    """Arms by number of the unit."""

    arms: Any

    def assign(self, unit_U: Any, at_U: Any) -> Any:
        return self.arms[unit_U]


@dataclass(frozen=True)
class Both:
    shoppers: Fixed
    listings: Fixed


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return by_both(tmp_path_factory.mktemp("log") / "log", shoppers=400, orders=0.4, requests=3.0)


def arms_of(log: Path) -> Both:
    asked = table(log, "requests")
    arm_S = np.zeros(int(asked["shopper"].max()) + 1, np.int8)
    arm_S[asked["shopper"]] = asked["arm"]
    return Both(Fixed(arm_S), Fixed(item_arms()))


def test_moments_are_those_of_the_log(log: Path) -> None:
    made, arms = pair_outcomes(log, np.arange(ITEMS), CHOSEN), arms_of(log)
    arm_S = arms.shoppers.arms[made.shopper_S].astype(np.int64)
    with open_pairs(log, TwoSidedLayout("naive", 1.0), CHOSEN) as pairs:
        for metric in CHOSEN:
            mine = moments_of(made, metric, arm_S, item_arms().astype(np.int64))
            theirs = pairs.moments(metric, (0, 1))
            for name in PairMoments.__dataclass_fields__:
                one, other = getattr(mine, name), getattr(theirs, name)
                np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_test_of_the_logs_own_arms_is_the_logs_own_test(log: Path, estimator: Estimator) -> None:
    layout = TwoSidedLayout(estimator, 0.3)
    with open_pairs(log, layout, CHOSEN) as pairs:
        found = two_sided_estimates(pairs, CHOSEN, [(ARMS[0], ARMS[1])], confidence=0.9)
    made = pair_outcomes(log, np.arange(ITEMS), CHOSEN)
    again = redrawn_pairs(made, CHOSEN, [arms_of(log)], layout, confidence=0.9)
    for at, (row, _) in enumerate(found):
        mine = [again.level_RM[0, at], again.effect_RM[0, at], again.low_RM[0, at]]
        mine += [again.high_RM[0, at], again.p_RM[0, at]]
        assert mine == pytest.approx([row.control, *row.effect.numbers, row.p_value], rel=1e-8)


def test_without_an_effect_one_in_twenty_tests_is_wrong(log: Path) -> None:
    """Of orders and clicks; the GMV of 80 items hangs on too few of them (7 %)."""
    made, tests = pair_outcomes(log, np.arange(ITEMS), CHOSEN), 1_000
    halves, draws = (0.5, 0.5), Draws(1)
    splits = [
        TwoSidedSplit(
            ShopperSplit(halves, f"again {seed}", draws),
            ListingSplit(halves, f"again {seed} items", draws),
        )
        for seed in range(tests)
    ]
    layout = TwoSidedLayout("tsri_1", 0.4)
    again = redrawn_pairs(made, [CHOSEN[0], CHOSEN[2]], splits, layout, confidence=0.95)
    wrong = (again.p_RM < 0.05).sum(axis=0)
    low, high = stats.binom.interval(0.99, tests, 0.05)
    assert ((wrong >= low) & (wrong <= high)).all(), dict(zip(again.metrics, wrong, strict=True))


def test_an_arm_without_items_or_without_orders_has_no_test(log: Path) -> None:
    made, arms = pair_outcomes(log, np.arange(ITEMS), CHOSEN), arms_of(log)
    one_item = np.eye(1, ITEMS, dtype=np.int8)[0]
    nobody = np.zeros_like(arms.shoppers.arms)
    for split in (Both(arms.shoppers, Fixed(one_item)), Both(Fixed(nobody), arms.listings)):
        found = redrawn_pairs(made, CHOSEN, [split], TwoSidedLayout("naive", 1.0), confidence=0.95)
        assert np.isnan(found.p_RM).all()
