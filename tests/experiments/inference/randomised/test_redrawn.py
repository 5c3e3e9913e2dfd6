"""Tests drawn anew say what the log's own estimator says, and err as often as they promise."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from experiments.designs.layout import FIRST_OF_SESSION, Layout
from experiments.designs.request import RequestSplit
from experiments.designs.session import SessionSplit
from experiments.designs.settings import (
    QueryClusterDesign,
    RequestDesign,
    SessionDesign,
    SwitchbackDesign,
)
from experiments.designs.shopper import ShopperSplit
from experiments.designs.switchback import Switchback
from experiments.inference.metrics import METRICS
from experiments.inference.randomised.cells import open_cells
from experiments.inference.randomised.grouped import grouped_estimates
from experiments.inference.randomised.redrawn import Outcomes, outcomes, redrawn
from simulator.errors import DataError
from simulator.randomness import Draws
from tests.experiments.inference.logs import ARMS, write_log
from tests.experiments.inference.rearmed import rearmed

CHOSEN = tuple(METRICS[name] for name in ("orders", "gmv", "ctr"))
SHOPPERS = Layout("shopper", "shoppers", "shoppers", FIRST_OF_SESSION, "shopper", "shopper")


@dataclass(frozen=True)
class Coin:
    """Each unit's arm by a fair coin of its own."""

    seed: int

    def assign(self, unit_U: Any, at_U: Any) -> Any:
        uniform_U = Draws(self.seed).uniform("coin", unit_U)
        return (uniform_U > 0.5).astype(np.int8)


@dataclass(frozen=True)
class AsLogged:
    """The arms that the log has."""

    arms: dict[int, int]

    def assign(self, unit_U: Any, at_U: Any) -> Any:
        return np.array([self.arms[unit] for unit in unit_U.tolist()], np.int8)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("log") / "log"
    return write_log(folder, shoppers=1_500, days=14, requests=2.5, orders=0.3)


LAYOUTS = {
    "shopper": SHOPPERS,
    "session": SessionDesign(type="session").layout(0),
    "request": RequestDesign(type="request").layout(0),
    "switchback": SwitchbackDesign(type="switchback", period=7_200).layout(0),
}
CLUSTERS = Layout(
    *("query_cluster", "query clusters", "sessions", FIRST_OF_SESSION, "shopper // 60"),
    group="shopper // 60",
    permuted=True,
)
"""Shoppers in clusters of 60, in the place of texts in clusters of queries."""


def test_a_test_of_the_logs_own_arms_is_the_logs_own_test(log: Path) -> None:
    with open_cells(log, SHOPPERS, CHOSEN) as cells:
        found = grouped_estimates(cells, CHOSEN, [(ARMS[0], ARMS[1])], confidence=0.9)
        arms = dict(cells.connection.execute("SELECT DISTINCT shopper, arm FROM asked").fetchall())
    again = redrawn(outcomes(log, SHOPPERS, CHOSEN), CHOSEN, [AsLogged(arms)], confidence=0.9)
    for at, (row, _) in enumerate(found):
        mine = [
            again.level_RM[0, at],
            again.effect_RM[0, at],
            again.low_RM[0, at],
            again.high_RM[0, at],
            again.p_RM[0, at],
        ]
        theirs = [row.control, *row.effect.numbers, row.p_value]
        assert mine == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("name", ["session", "request", "switchback"])
def test_other_splits_are_tested_as_the_log_would_be(log: Path, name: str, tmp_path: Path) -> None:
    layout, coin = LAYOUTS[name], Coin(3)
    made = outcomes(log, layout, CHOSEN)
    unit = {
        "session": lambda asked: asked["session"],
        "request": lambda asked: asked["request"],
        "switchback": lambda asked: asked["at"] // 7_200,
    }[name]
    copy = Path(shutil.copytree(log, tmp_path / "log"))
    rearmed(copy, lambda asked: coin.assign(unit(asked).to_numpy(np.int64), None))
    with open_cells(copy, layout, CHOSEN) as cells:
        found = grouped_estimates(cells, CHOSEN, [(ARMS[0], ARMS[1])], confidence=0.9)
    again = redrawn(made, CHOSEN, [coin], confidence=0.9)
    for at, (row, _) in enumerate(found):
        ends = (again.effect_RM[0, at], again.low_RM[0, at], again.high_RM[0, at])
        assert ends == pytest.approx(row.effect.numbers, rel=1e-9)
        assert again.p_RM[0, at] == pytest.approx(row.p_value, rel=1e-8)


def test_few_clusters_are_tested_as_the_log_would_be_by_permutation(
    log: Path, tmp_path: Path
) -> None:
    coin = Coin(4)
    copy = Path(shutil.copytree(log, tmp_path / "log"))
    rearmed(copy, lambda asked: coin.assign(asked["shopper"].to_numpy(np.int64) // 60, None))
    with open_cells(copy, CLUSTERS, CHOSEN) as cells:
        asked = CHOSEN, [(ARMS[0], ARMS[1])]
        found = grouped_estimates(cells, *asked, confidence=0.9)
        students = grouped_estimates(cells, *asked, confidence=0.9, scale="delta")
    made = outcomes(log, CLUSTERS, CHOSEN)
    again = redrawn(made, CHOSEN, [coin], confidence=0.9, permuted=True)
    for at, ((row, reason), (plain, _)) in enumerate(zip(found, students, strict=True)):
        ends = (again.effect_RM[0, at], again.low_RM[0, at], again.high_RM[0, at])
        assert ends == pytest.approx(row.effect.numbers, rel=1e-9)
        assert again.p_RM[0, at] == row.p_value
        assert row.effect.estimate == pytest.approx(plain.effect.estimate, rel=1e-12)
        assert row.relative.estimate == pytest.approx(plain.relative.estimate, rel=1e-12)
        assert not reason
        assert row.effect.holds(0.0) == row.relative.holds(0.0)


def split(name: str, seed: int) -> Any:
    """The design of this name, drawn anew."""
    made = (0.5, 0.5), f"again {seed}", Draws(1)
    kinds = {"shopper": ShopperSplit, "session": SessionSplit, "request": RequestSplit}
    return Switchback(*made, 7_200.0) if name == "switchback" else kinds[name](*made)


@pytest.mark.parametrize("name", LAYOUTS)
def test_without_an_effect_one_in_twenty_tests_is_wrong(log: Path, name: str) -> None:
    """Within the 99 % interval of so many tests, for every design and metric."""
    made, tests = outcomes(log, LAYOUTS[name], CHOSEN), 1_000
    again = redrawn(made, CHOSEN, [split(name, seed) for seed in range(tests)], confidence=0.95)
    wrong = (again.p_RM < 0.05).sum(axis=0)
    low, high = stats.binom.interval(0.99, tests, 0.05)
    assert ((wrong >= low) & (wrong <= high)).all(), dict(zip(again.metrics, wrong, strict=True))
    agree = (again.p_RM < 0.05) == ((again.low_RM > 0) | (again.high_RM < 0))
    assert agree.all()


def test_an_effect_between_two_worlds_is_found_and_covered(tmp_path: Path) -> None:
    common = {"shoppers": 1_500, "days": 3, "orders": 0.3, "seed": 1, "luck": 5, "arms": ("one",)}
    one = outcomes(write_log(tmp_path / "one", **common), SHOPPERS, CHOSEN)
    # In the other world every third click that was none there is a purchase, too.
    rng = np.random.default_rng(0)
    more = one.sums_CU.copy()
    orders = one.columns.index("orders")
    more[orders] += rng.poisson(0.15, more.shape[1])
    other = replace(one, sums_CU=more)
    tests = [Coin(seed) for seed in range(1_000)]
    again = redrawn(one, CHOSEN[:1], tests, confidence=0.95, treatment=other)
    truth = (other.of("orders").sum() - one.of("orders").sum()) / one.shoppers
    held = ((again.low_RM <= truth) & (truth <= again.high_RM)).mean()
    assert held >= 0.95 - 2.6 * np.sqrt(0.05 * 0.95 / 1_000)
    error = again.effect_RM.std() / np.sqrt(len(tests))
    assert again.effect_RM.mean() == pytest.approx(truth, abs=4 * error)


def test_units_that_one_world_lacks_are_left_out_or_refused(log: Path) -> None:
    made = outcomes(log, SHOPPERS, CHOSEN)

    def some(rows: slice) -> Outcomes:
        cut = {
            name: getattr(made, name)[rows] for name in ("unit_U", "at_U", "group_U", "stratum_U")
        }
        return replace(made, **cut, sums_CU=made.sums_CU[:, rows])

    few = redrawn(made, CHOSEN, [Coin(1)], confidence=0.95, treatment=some(slice(5, None)))
    assert np.isfinite(few.effect_RM).all()
    with pytest.raises(DataError, match=r"units of two worlds == 50\.\d% without a twin"):
        redrawn(*(made, CHOSEN, [Coin(1)]), confidence=0.95, treatment=some(slice(750, None)))


def test_clusters_of_queries_are_units_of_their_own(log: Path) -> None:
    layout = QueryClusterDesign(type="query_cluster").layout(0)
    made = outcomes(log, layout, CHOSEN)
    assert len(made.unit_U) == 3  # texts of this log
    assert made.of("orders").sum() == outcomes(log, SHOPPERS, CHOSEN).of("orders").sum()


def test_an_arm_that_nobody_is_in_gives_no_number(log: Path) -> None:
    @dataclass(frozen=True)
    class Nobody:
        def assign(self, unit_U: Any, at_U: Any) -> Any:
            return np.zeros(len(unit_U), np.int8)

    again = redrawn(outcomes(log, SHOPPERS, CHOSEN), CHOSEN, [Nobody()], confidence=0.95)
    assert np.isnan(again.p_RM).all()
