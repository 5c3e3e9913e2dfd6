"""Exposures as units: the arithmetic of the wrong test, and how wrong it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import test_proportions_2indep as proportions

from experiments.inference.randomised.byexposure import CTR, exposure_test, redrawn_by_exposure
from experiments.inference.randomised.byunit import of_shoppers
from experiments.inference.randomised.redrawn import redrawn
from simulator.randomness import Draws
from tests.experiments.inference.logs import write_log


@dataclass(frozen=True)
class Coin:
    seed: int

    def assign(self, unit_U: Any, at_U: Any) -> Any:
        return (Draws(self.seed).uniform("coin", unit_U) > 0.5).astype(np.int8)


def test_it_is_the_test_of_two_independent_shares() -> None:
    clicks, exposures = np.array([310.0, 365.0]), np.array([4_000.0, 4_100.0])
    level, effect, low, high, p_value = exposure_test(clicks, exposures, confidence=0.95)
    peer = proportions(365, 4_100, 310, 4_000, method="wald", compare="diff", correction=False)
    assert (level, effect) == pytest.approx((310 / 4_000, peer.diff), rel=1e-12)
    assert p_value == pytest.approx(peer.pvalue, rel=1e-10)
    half = stats.norm.ppf(0.975) * peer.diff / peer.statistic
    assert (low, high) == pytest.approx((effect - half, effect + half), rel=1e-10)


@pytest.mark.parametrize(
    ("clicks", "exposures"), [([0, 3], [0, 9]), ([0, 0], [9, 9]), ([9, 9], [9, 9])]
)
def test_without_exposures_or_spread_there_is_no_number(clicks: Any, exposures: Any) -> None:
    found = exposure_test(np.array(clicks, float), np.array(exposures, float), confidence=0.95)
    assert np.isnan(found).all()


def test_it_calls_differences_where_there_are_none_and_the_test_of_shoppers_does_not(
    tmp_path: Path,
) -> None:
    log = write_log(tmp_path / "log", shoppers=600, days=4, requests=3.0)
    made, tests = of_shoppers(log, [CTR]), 400
    splits = [Coin(seed) for seed in range(tests)]
    wrong = (redrawn_by_exposure(made, splits, confidence=0.95).p_RM < 0.05).sum()
    right = (redrawn(made, [CTR], splits, confidence=0.95).p_RM < 0.05).sum()
    low, high = stats.binom.interval(0.99, tests, 0.05)
    assert low <= right <= high
    assert wrong > high
