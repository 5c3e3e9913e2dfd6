"""Assigned anew again and again, triggered and diluted estimates err as often as they say."""

import numpy as np
import pytest
from tea_tasting.aggr import Aggregates

from experiments.inference.estimates import estimate
from experiments.inference.metrics import METRICS
from experiments.inference.triggered.dilution import by_share
from experiments.records.interval import Interval
from experiments.records.metrics import Estimate

ROUNDS = 1_000
SHOPPERS = 2_000
CONTRAST = ("control", "treatment")
ALLOWED = 2.58 * np.sqrt(0.05 * 0.95 / ROUNDS)
"""Half of a binomial 99 % interval of a rate of errors of 5 %."""


class Shop:
    """Shoppers of whom some meet a page that differs, those more who come more often.

    Attributes:
        since_S: whether they are triggered.
        part_S, whole_S: orders from the trigger on, and in all, in control.
    """

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        visits_S = 1 + rng.poisson(rng.gamma(1.0, 2.0, SHOPPERS))
        self.since_S = rng.random(SHOPPERS) < 1 - 0.93**visits_S
        self.part_S = self.since_S * rng.poisson(0.3 * visits_S)
        self.whole_S = self.part_S + rng.poisson(0.2 * visits_S)

    def tested(self, lift: float, seed: int) -> tuple[Estimate, Interval]:
        """The triggered row of a new assignment, and its diluted effect."""
        chosen_S = np.random.default_rng((seed, 1)).random(SHOPPERS) < 0.5
        arms = {
            name: aggregates(grown * self.part_S[here & self.since_S])
            for name, here, grown in (
                ("control", ~chosen_S, 1.0),
                ("treatment", chosen_S, 1 + lift),
            )
        }
        row, _ = estimate(METRICS["orders"], CONTRAST, arms)
        return row, by_share(row.effect, float(self.since_S.mean()), SHOPPERS, 0.95)

    def plain(self, seed: int) -> float:
        """The half width of the plain estimate of the same assignment, without an effect."""
        chosen_S = np.random.default_rng((seed, 1)).random(SHOPPERS) < 0.5
        arms = {
            name: aggregates(self.whole_S[here])
            for name, here in zip(CONTRAST, (~chosen_S, chosen_S), strict=True)
        }
        row, _ = estimate(METRICS["orders"], CONTRAST, arms)
        assert row.effect.high is not None
        assert row.effect.estimate is not None
        return row.effect.high - row.effect.estimate


def aggregates(values: np.ndarray) -> Aggregates:
    return Aggregates(
        count_=len(values),
        mean_={"orders": float(values.mean())},
        var_={"orders": float(values.var(ddof=1))},
        cov_={},
    )


def test_without_an_effect_triggered_tests_call_one_in_twenty() -> None:
    shop = Shop(1)
    rows = [shop.tested(0.0, seed)[0] for seed in range(ROUNDS)]
    false = np.mean([row.p_value < 0.05 for row in rows])
    assert abs(false - 0.05) < ALLOWED


@pytest.mark.slow
@pytest.mark.parametrize("lift", [0.2, 1.0])
def test_diluted_intervals_hold_the_effect_on_everybody(lift: float) -> None:
    """Other shoppers each time, for the share of the triggered is one of a sample."""
    truth = lift * np.mean([Shop(seed).part_S.mean() for seed in range(5_000, 8_000)])
    missed = []
    for seed in range(ROUNDS):
        interval = Shop(1_000 + seed).tested(lift, seed)[1]
        missed.append(not interval.holds(truth))
    assert abs(np.mean(missed) - 0.05) < ALLOWED


def test_diluted_intervals_are_narrower_than_plain_ones() -> None:
    shop = Shop(1)
    for seed in range(50):
        low, high = shop.tested(0.0, seed)[1].ends or (0.0, np.inf)
        assert (high - low) / 2 < 0.95 * shop.plain(seed)
