"""A/A tests of interleaved pages, by coins thrown anew: false positives at their level.

Between equal arms pages are the same whatever the coins; only whose slot is whose changes. So one
set of clicks serves all throws. They hang together within a shopper, and on the slot.
"""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from experiments.inference.estimates import Means, blank, differing
from experiments.inference.intervals.student import student, welch
from ranking.interleaving.draft import draft
from simulator.randomness import Draws

SHOPPERS, SEARCHES, SLOTS, THROWS, LEVEL = 300, 4, 10, 2_000, 0.05


@dataclass(frozen=True)
class Clicks:
    """Clicks of one shop's searches.

    Attributes:
        shopper_B: of each search.
        clicked_BK: by slot.
    """

    shopper_B: np.ndarray
    clicked_BK: np.ndarray


@pytest.fixture(scope="module")
def clicks() -> Clicks:
    rng = np.random.default_rng(8)
    shopper_B = np.repeat(np.arange(SHOPPERS), rng.geometric(1 / SEARCHES, SHOPPERS))
    taste_B = rng.lognormal(0.0, 1.0, SHOPPERS)[shopper_B]
    chance_BK = 0.15 * taste_B[:, None] / np.arange(1, SLOTS + 1)
    return Clicks(shopper_B, rng.random((len(shopper_B), SLOTS)) < chance_BK)


def first_picks(clicks: Clicks, seed: int, purpose: str, count: int) -> np.ndarray:
    """(B, count) keyed coins, as the service throws them."""
    search_B = np.arange(len(clicks.shopper_B))
    bits = Draws(seed).bits(
        purpose, clicks.shopper_B[:, None], 1, search_B[:, None], slot=np.arange(count)
    )
    return (bits >> np.uint64(63)).astype(np.int8)


def by_shopper(clicks: Clicks, values_B: np.ndarray) -> np.ndarray:
    return np.bincount(clicks.shopper_B, weights=values_B, minlength=SHOPPERS)


def credited(clicks: Clicks, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(S,) clicks of each team's slots."""
    rows = len(clicks.shopper_B)
    order = np.tile(np.arange(SLOTS, dtype=np.int32), (rows, 1))
    first_BR = first_picks(clicks, seed, "interleave", SLOTS // 2)
    team_BK = draft((order, order), first_BR, np.full(rows, SLOTS)).team_BD
    one, two = (
        by_shopper(clicks, (clicks.clicked_BK & (team_BK == team)).sum(axis=1)) for team in (0, 1)
    )
    return one, two


def p_value(one: np.ndarray, two: np.ndarray) -> float:
    """As of an interleaved log: totals of a shopper, with the covariance of both arms."""
    n = len(one)
    levels = float(one.mean()), float(two.mean())
    errors = one.std(ddof=1) / math.sqrt(n), two.std(ddof=1) / math.sqrt(n)
    together = float(np.cov(one, two)[0, 1] / n)
    means = Means(levels, errors, welch(errors, (n - 1, n - 1)), together)
    row, _ = differing(blank("clicks", ("a", "b"), (1, 1)), means, 0.95)
    assert row.p_value is not None
    return row.p_value


ALLOWED = 2.58 * math.sqrt(LEVEL * (1 - LEVEL) / THROWS)
"""How far a rate of false positives may lie from its level: half of a binomial 99 % interval."""


def test_credit_of_equal_arms_is_called_different_at_the_level_of_the_test(clicks: Clicks) -> None:
    credits = [credited(clicks, seed) for seed in range(THROWS)]
    false = np.mean([p_value(*each) < LEVEL for each in credits])
    assert abs(false - LEVEL) < ALLOWED
    apart = np.array([two.mean() - one.mean() for one, two in credits])
    assert abs(apart.mean()) < 4 * apart.std() / math.sqrt(THROWS)
    assert all((one + two).sum() == clicks.clicked_BK.sum() for one, two in credits)


def test_causal_credit_of_items_that_are_bought_anyway_is_called_real_at_the_level_of_the_test(
    clicks: Clicks,
) -> None:
    """Outcomes of three pairs a search hang together, and on no coin."""
    one_BK, two_BK = clicks.clicked_BK[:, :3], clicks.clicked_BK[:, 3:6]
    found = []
    for seed in range(THROWS):
        coin_BK = first_picks(clicks, seed, "interleave:contest", 3)
        sign_BK = np.where(coin_BK == 1, 2, -2)
        apart = by_shopper(clicks, (sign_BK * (one_BK.astype(int) + two_BK)).sum(axis=1))
        error = apart.std(ddof=1) / math.sqrt(len(apart))
        found.append(student(apart.mean(), error, len(apart) - 1, confidence=0.95)[1] < LEVEL)
    assert abs(np.mean(found) - LEVEL) < ALLOWED
