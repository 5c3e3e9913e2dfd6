"""With units drawn anew, estimates vary as intervals say; without, less."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from experiments.designs.switchback import Switchback
from experiments.inference.metrics import METRICS
from experiments.inference.randomised.redrawn import Outcomes, Twins, redrawn
from experiments.inference.randomised.resampled import _Groups, resampled
from simulator.randomness import Draws

ORDERS = (METRICS["orders"],)
PERIODS = 6  # of a day


@dataclass(frozen=True)
class Coin:
    seed: int

    def assign(self, unit_U: Any, at_U: Any) -> Any:
        return (Draws(self.seed).uniform("coin", unit_U) > 0.5).astype(np.int8)


def shoppers(orders_U: np.ndarray) -> Outcomes:
    unit_U = np.arange(len(orders_U))
    return Outcomes(
        unit_U=unit_U,
        at_U=np.zeros(len(unit_U)),
        group_U=unit_U,
        stratum_U=np.zeros(len(unit_U), np.int64),
        columns=("units", "orders"),
        sums_CU=np.array([np.ones(len(unit_U)), orders_U], np.float64),
        shoppers=len(unit_U),
    )


@pytest.fixture(scope="module")
def worlds() -> tuple[Outcomes, Outcomes]:
    """Worlds whose shoppers act independently in either, so that effects differ greatly."""
    rng = np.random.default_rng(4)
    return shoppers(rng.poisson(1.0, 400)), shoppers(rng.poisson(1.2, 400))


def held(made: Any, truth: float) -> float:
    return float(((made.low_RM <= truth) & (truth <= made.high_RM)).mean())


def test_intervals_hold_the_effect_as_often_as_they_promise(
    worlds: tuple[Outcomes, Outcomes],
) -> None:
    """And too often where the units are kept (Neyman)."""
    one, other = worlds
    tests, truth = 2_000, float(other.of("orders").mean() - one.of("orders").mean())
    splits = [Coin(seed) for seed in range(tests)]
    again = resampled(one, other, ORDERS, splits, confidence=0.95, seed=1)
    kept = redrawn(one, ORDERS, splits, confidence=0.95, treatment=other)
    error = np.sqrt(0.05 * 0.95 / tests)
    assert abs(held(again, truth) - 0.95) < 3.5 * error
    assert held(kept, truth) > 0.95 + 5 * error
    half = (again.high_RM - again.low_RM) / 2 / 1.96
    assert again.effect_RM.std() == pytest.approx(float(half.mean()), rel=0.06)


def test_more_tests_leave_the_earlier_ones_as_they_are(worlds: tuple[Outcomes, Outcomes]) -> None:
    splits = [Coin(seed) for seed in range(5)]
    more = resampled(*worlds, ORDERS, splits, confidence=0.95, seed=1)
    fewer = resampled(*worlds, ORDERS, splits[:3], confidence=0.95, seed=1)
    other = resampled(*worlds, ORDERS, splits[:3], confidence=0.95, seed=2)
    assert np.array_equal(more.effect_RM[:3], fewer.effect_RM)
    assert not np.array_equal(other.effect_RM, fewer.effect_RM)


def test_a_group_is_drawn_whole_and_its_copies_are_units_of_their_own() -> None:
    made = shoppers(np.arange(12.0))
    made = replace(made, group_U=np.array([7, 3, 7, 3, 5, 7, 3, 5, 5, 7, 7, 3]))
    groups = _Groups.of(Twins.of(made), None)
    sizes, seen = {3: 4, 5: 3, 7: 5}, set()
    for seed in range(30):
        drawn = groups.drawn(np.random.default_rng(seed)).control
        assert len(set(drawn.unit_U.tolist())) == len(drawn.unit_U)
        for group in (3, 5, 7):
            rows = drawn.of("orders")[drawn.group_U == group].astype(int)
            (origin,) = {int(made.group_U[row]) for row in rows}
            assert len(rows) == sizes[origin]
            seen.add((group, origin))
    assert len(seen) == 9


def test_periods_of_a_drawn_pair_of_days_still_mirror_each_other() -> None:
    """A pair stands in the place of another, so that its second day has the other arms."""
    period_U = np.arange(2 * PERIODS, 10 * PERIODS)  # days 2 to 9
    made = replace(
        shoppers(np.zeros(len(period_U))),
        unit_U=period_U,
        group_U=period_U // (2 * PERIODS),
        stratum_U=period_U % PERIODS,
    )
    groups = _Groups.of(Twins.of(made), 2 * PERIODS)
    split = Switchback((0.5, 0.5), "again", Draws(1), 86_400 / PERIODS)
    for seed in range(10):
        drawn = groups.drawn(np.random.default_rng(seed)).control
        arm_U = split.assign(drawn.unit_U, drawn.at_U)
        by_day = arm_U.reshape(-1, 2, PERIODS)
        assert (by_day.sum(axis=1) == 1).all()
        assert sorted(drawn.unit_U.tolist()) == period_U.tolist()
