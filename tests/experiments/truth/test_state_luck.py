"""One pair of worlds tells the luck that its shoppers share: what runs out, and what is popular."""

import numpy as np
import pytest
from scipy.stats import binom

from experiments.inference.intervals.crossed import growth
from experiments.inference.intervals.shared import Shared
from simulator.behaviour.settings import BehaviorSpec
from simulator.following.walk import follow
from simulator.living.settings import WorldSpec
from simulator.living.world import World
from simulator.randomness import Draws
from tests.simulator.stubs import TableService
from tests.simulator.worlds import population, table_of

BEHAVIOR = BehaviorSpec(click_cost=4.0, outside=6.5, satisfaction=7.0, delayed=0.2, delay_days=0.5)
SPEC = WorldSpec(history_days=1, days=4, behavior=BEHAVIOR)
NAMES = ("orders", "clicks")
REPETITIONS = 60


class Learning(TableService):
    """Shows what is there, and first what was bought most: its pages follow the shop's state."""

    def __init__(self, table_TN):
        super().__init__(table_TN)
        self.table_TN = table_TN

    def refresh(self, index):
        super().refresh(index)
        worth_I = np.where(index.available_I, 1 + index.statistics[0].orders_I, 0)
        order_TN = np.argsort(-worth_I[self.table_TN], axis=1, kind="stable")
        self.items_TN = np.take_along_axis(self.table_TN, order_TN, axis=1)


class Unlike(Learning):
    """The same, but half of the pages have two neighbours change places: hardly an effect."""

    def refresh(self, index):
        super().refresh(index)
        rng = np.random.default_rng(int(index.at))
        swapped_T = np.flatnonzero(rng.random(len(self.items_TN)) < 0.5)
        self.items_TN[swapped_T, 2], self.items_TN[swapped_T, 3] = (
            self.items_TN[swapped_T, 3],
            self.items_TN[swapped_T, 2],
        )


class Nothing:
    """A log that keeps nothing."""

    channels = ("table",)

    def append(self, table, columns):
        pass


@pytest.fixture(scope="module")
def shop():
    return population(items=600, shoppers=2_500, intents=200, stock_days=2.0)


def lived(shop, table_TN, kind, seed):
    """What is expected of every shopper, and by category."""
    service = kind(table_TN)
    world = World(SPEC, shop, service, Nothing(), Draws(seed))
    walk = follow(world, service)
    world.run(0, SPEC.days)
    totals, wide = walk.totals(), {}
    for name in (*NAMES, "requests"):
        wide[name] = np.zeros(len(shop.shoppers))
        wide[name][totals["shopper"]] = totals[name]
    return wide, walk.by_category()


@pytest.mark.slow
def test_intervals_of_one_pair_hold_the_mean_of_many(shop):
    table_TN = table_of(shop)
    effects = {name: [] for name in NAMES}
    for seed in range(REPETITIONS):
        control, control_G = lived(shop, table_TN, Learning, seed)
        treated, treated_G = lived(shop, table_TN, Unlike, seed)
        one_U = (control["requests"] > 0).astype(float)
        for name in NAMES:
            base_G = control_G[name]
            exposed_G = base_G / base_G.sum() * one_U.sum()
            common = Shared(
                (treated[name], one_U),
                (control[name], one_U),
                (treated_G[name], exposed_G),
                (base_G, exposed_G),
            )
            pair = (treated[name][None], one_U[None], control[name][None], one_U[None])
            effects[name].append(
                [growth(*pair, confidence=0.95, shared=each).interval for each in (None, common)]
            )
    for name, found in effects.items():
        mean = np.mean([alone.estimate for alone, _ in found])
        alone, common = (
            sum(pair[which].holds(mean) for pair in found) / REPETITIONS for which in (0, 1)
        )
        low, high = binom.ppf([0.005, 0.995], REPETITIONS, 0.95) / REPETITIONS
        assert alone < low <= common <= high, (name, alone, common)
