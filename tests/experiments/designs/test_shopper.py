"""Assignment is a function of seed, salt and shopper, with the shares that were asked for."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from experiments.designs.shopper import ShopperSplit
from simulator.errors import ConfigError
from simulator.randomness import Draws

SHOPPERS = np.arange(20_000, dtype=np.int64)
NOW = np.zeros(len(SHOPPERS))

weights = st.lists(st.floats(0.05, 1.0), min_size=1, max_size=6)


def split(shares: tuple[float, ...], salt: str = "a", seed: int = 1) -> np.ndarray:
    return ShopperSplit(shares, salt, Draws(seed)).assign(SHOPPERS, NOW)


def _shares(parts: list[float]) -> tuple[float, ...]:
    return tuple(part / sum(parts) for part in parts)


@given(weights, st.integers(0, 2**31))
def test_each_arm_gets_its_share_within_binomial_error(parts: list[float], seed: int) -> None:
    shares = _shares(parts)
    arm = split(shares, seed=seed)
    found = np.bincount(arm, minlength=len(shares)) / len(arm)
    error = np.sqrt(np.multiply(shares, np.subtract(1, shares)) / len(arm))
    assert arm.dtype == np.int8
    assert np.all(np.abs(found - shares) <= 5.5 * error)


@given(weights, st.integers(1, len(SHOPPERS)))
def test_a_shoppers_arm_does_not_depend_on_who_else_comes(parts: list[float], count: int) -> None:
    design = ShopperSplit(_shares(parts), "a", Draws(1))
    some = SHOPPERS[::-1][:count]
    assert np.array_equal(design.assign(some, NOW[:count]), split(_shares(parts))[::-1][:count])


def test_another_salt_splits_independently() -> None:
    first, second = split((0.5, 0.5)), split((0.5, 0.5), salt="b")
    together = np.mean(first == second)
    assert abs(together - 0.5) < 5 * 0.5 / np.sqrt(len(SHOPPERS))


def test_an_arm_without_a_share_gets_nobody() -> None:
    assert set(split((0.0, 1.0, 0.0))) == {1}


def test_growing_an_arm_moves_no_shopper_out_of_it() -> None:
    small, large = split((0.1, 0.9)), split((0.3, 0.7))
    assert np.all(large[small == 0] == 0)


@pytest.mark.parametrize(
    ("shares", "wanted"),
    [
        ((0.5, 0.4), r"arms.share == \[0.5, 0.4\], sum 0.9, must sum to 1"),
        ((1.5, -0.5), "must be from 0 to 1 each"),
        ((), "arms == 0 arms, must be 1 to 127"),
        ((float("nan"), 1.0), "must be from 0 to 1 each"),
    ],
)
def test_shares_that_are_no_split_are_refused(shares: tuple[float, ...], wanted: str) -> None:
    with pytest.raises(ConfigError, match=wanted):
        ShopperSplit(shares, "a", Draws(1))


@pytest.mark.parametrize("trait", ["rate", "patience", "loyalty", "budget", "device", "affinity"])
def test_the_arm_tells_nothing_of_a_shoppers_traits(trait):
    shoppers, seeds = np.arange(500), range(200)
    scores = []
    for seed in seeds:
        draws = Draws(seed)
        arm = ShopperSplit((0.5, 0.5), "experiment", draws).assign(shoppers, np.zeros(500))
        luck = draws.uniform(f"shopper.{trait}", shoppers)
        scores.append(np.corrcoef(arm, luck)[0, 1] * np.sqrt(len(shoppers)))
    assert abs(np.mean(scores)) < 4.5 / np.sqrt(len(scores))
    assert np.std(scores) == pytest.approx(1.0, abs=0.25)
