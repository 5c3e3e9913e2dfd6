"""Causal message passing finds a known total effect, and fails where it must."""

import numpy as np
import pytest
from scipy import stats

from experiments.inference.interference.evolution import Evolution
from experiments.inference.interference.messagepassing import (
    EVOLUTIONS,
    FEWEST_DAYS,
    TotalEffect,
    chosen,
    total_effect,
)
from experiments.inference.interference.rollout import MEAN, RollOut, rolled_out
from simulator.errors import ConfigError, DataError
from tests.experiments.inference.interference.linearshop import LinearShop

SHARES = [0.0] * 3 + [0.1] * 3 + [0.3] * 3 + [0.5] * 5
PLAIN = (Evolution(),)


def effect_of(rollout: RollOut, *, seed: int = 0, **options: object) -> TotalEffect:
    options = {"resamples": 50, **options}
    return total_effect(rollout, rng=np.random.default_rng(seed), **options)  # type: ignore[arg-type]


def naive(rollout: RollOut) -> float:
    """Treated less others on the same day, averaged over days that have both."""
    mean_KT, part_K = rollout.moments()[0, ..., MEAN], rollout.parts()[0][:, None]
    on_T, off_T = (
        (part_K * inside_KT * mean_KT).sum(axis=0) / np.maximum((part_K * inside_KT).sum(0), 1e-9)
        for inside_KT in (rollout.treated_KT, 1 - rollout.treated_KT)
    )
    both_T = rollout.treated_KT.any(axis=0)
    return float((on_T - off_T)[both_T].mean())


@pytest.mark.parametrize("shop", [LinearShop(), LinearShop(b=0.9, c=0.3), LinearShop(c=0.0)])
def test_without_noise_the_effect_is_found_to_rounding(shop: LinearShop) -> None:
    found = effect_of(shop.lived(SHARES, rng=np.random.default_rng(1)))
    assert found.effect.estimate == pytest.approx(shop.effect(1.0, len(SHARES)), abs=1e-10)
    assert found.evolution == Evolution()
    assert found.reason == ""


def test_cross_validation_finds_the_products_that_the_shop_has() -> None:
    shop = LinearShop(f=-0.2, g=0.3)
    rollout = shop.lived(SHARES, rng=np.random.default_rng(1))
    found = effect_of(rollout)
    assert found.evolution == Evolution(product=True)
    assert found.effect.estimate == pytest.approx(shop.effect(1.0, len(SHARES)), abs=1e-9)
    plain = effect_of(rollout, evolutions=PLAIN)
    assert plain.effect.estimate != pytest.approx(shop.effect(1.0, len(SHARES)), abs=0.01)


def test_the_comparison_of_a_day_has_another_sign_than_the_total_effect() -> None:
    """Each treated shopper buys .4 more, and everybody .6 less as all are treated."""
    rollout = LinearShop().lived(SHARES, rng=np.random.default_rng(1))
    assert naive(rollout) == pytest.approx(0.4)
    total = effect_of(rollout).effect.estimate
    assert total is not None
    assert total < -0.3


def test_the_variance_is_a_part_of_the_state_where_it_moves_the_mean() -> None:
    """A shop in which tomorrow's mean follows today's variance."""
    rng = np.random.default_rng(2)
    turn_U = rng.permutation((np.arange(400) + 0.5) / 400)
    treated_UT = turn_U[:, None] < np.array(SHARES)
    sign_U = np.where(np.arange(400) % 2, 1.0, -1.0)
    outcome, mean, variance, spread = [], 1.0, 0.25, 0.5
    for day, share in enumerate(SHARES):
        if day:
            mean, variance = (
                0.5 + 0.3 * mean + 0.4 * variance + 0.2 * share,
                0.1 + 0.5 * variance + 0.6 * share,
            )
        spread = np.sqrt(variance)
        outcome.append(mean + spread * sign_U[np.argsort(np.argsort(turn_U))])
    rollout = rolled_out(np.stack(outcome, axis=1), treated_UT)
    found = effect_of(rollout, evolutions=[Evolution(variance=True)])
    state = {1.0: [1.0, 0.25], 0.0: [1.0, 0.25]}
    gaps = []
    for _ in SHARES[1:]:
        for share, (mean, variance) in state.items():
            state[share] = [
                0.5 + 0.3 * mean + 0.4 * variance + 0.2 * share,
                0.1 + 0.5 * variance + 0.6 * share,
            ]
        gaps.append(state[1.0][0] - state[0.0][0])
    assert found.effect.estimate == pytest.approx(np.mean(gaps), abs=1e-9)


@pytest.mark.slow
def test_the_interval_covers_the_total_effect() -> None:
    shop, repetitions = LinearShop(), 200
    truth = shop.effect(1.0, len(SHARES))
    found = []
    for seed in range(repetitions):
        rng = np.random.default_rng([7, seed])
        rollout = shop.lived(SHARES, shoppers=1000, noise=0.5, rng=rng)
        row = total_effect(rollout, evolutions=PLAIN, resamples=100, rng=rng)
        found.append((row.effect.estimate, row.effect.holds(truth)))
    estimates, covered = (np.array(column, float) for column in zip(*found, strict=True))
    error = estimates.std(ddof=1) / np.sqrt(repetitions)
    assert abs(estimates.mean() - truth) < 4 * error
    low, high = stats.binom.interval(0.999, repetitions, 0.95)
    assert low - 0.03 * repetitions <= covered.sum() <= high  # a percentile interval is a bit short


def test_noise_narrows_with_shoppers() -> None:
    widths = []
    for shoppers in (500, 8000):
        rng = np.random.default_rng(3)
        row = effect_of(
            LinearShop().lived(SHARES, shoppers=shoppers, noise=0.5, rng=rng), evolutions=PLAIN
        )
        assert row.effect.ends is not None
        widths.append(row.effect.ends[1] - row.effect.ends[0])
    assert 2.5 < widths[0] / widths[1] < 6.5  # sqrt(16) = 4


def test_what_the_calendar_does_is_taken_for_what_others_do() -> None:
    """Nothing has an effect here, but a season begins in the middle of the roll-out."""
    shop = LinearShop(b=0.0, c=0.0, d=0.0)
    season = [0.3 if day >= 7 else 0.0 for day in range(len(SHARES))]
    rollout = shop.lived(SHARES, calendar=season, rng=np.random.default_rng(1))
    found = effect_of(rollout, evolutions=PLAIN).effect.estimate
    assert naive(rollout) == pytest.approx(0.0, abs=1e-12)
    assert found is not None
    assert abs(found) > 0.1


def test_a_steady_trend_is_a_part_of_the_recursion() -> None:
    """Tomorrow is today and a bit more: that is no effect of the treatment."""
    shop = LinearShop(b=0.0, c=0.0, d=0.0)
    trend = [0.1 * day for day in range(len(SHARES))]
    rollout = shop.lived(SHARES, calendar=trend, rng=np.random.default_rng(1))
    found = effect_of(rollout, evolutions=PLAIN)
    assert found.effect.estimate == pytest.approx(0.0, abs=1e-10)


def test_a_share_that_never_changes_tells_nothing_of_others() -> None:
    """Treated from the second day on with one share: its step and the constant are one."""
    shop = LinearShop()
    steady = shop.lived([0.0] + [0.5] * 9, rng=np.random.default_rng(1))
    found = effect_of(steady)
    assert found.effect.estimate is None
    assert found.effect_T.size == 0
    assert "do not vary enough" in found.reason


@pytest.mark.parametrize(
    ("shares", "reason"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.5], "treated on the first day"),
        ([0.0] * 6, "nobody is treated"),
        ([0.0, 0.2, 0.5], f"{FEWEST_DAYS} are the least"),
    ],
)
def test_what_cannot_be_told_has_a_reason(shares: list[float], reason: str) -> None:
    found = effect_of(LinearShop().lived(shares, rng=np.random.default_rng(1)))
    assert found.effect.numbers == (None, None, None)
    assert reason in found.reason


def test_an_outcome_that_is_0_everywhere_has_a_reason() -> None:
    rollout = LinearShop().lived(SHARES, rng=np.random.default_rng(1))
    zero = RollOut(
        *(rollout.cohort_G, rollout.units_G, 0 * rollout.sum_GT, 0 * rollout.square_GT),
        rollout.treated_KT,
    )
    found = effect_of(zero)
    assert found.effect.estimate is None
    assert found.reason


def test_settings_that_cannot_be_are_refused() -> None:
    rollout = LinearShop().lived(SHARES, rng=np.random.default_rng(1))
    for name, value in (("confidence", 1.0), ("blocks", 1), ("resamples", 1), ("evolutions", ())):
        with pytest.raises(ConfigError, match=name):
            effect_of(rollout, **{name: value})


def test_one_evolution_is_taken_without_a_choice() -> None:
    rollout = LinearShop().lived(SHARES, rng=np.random.default_rng(1))
    assert chosen(rollout, EVOLUTIONS[2:3], 3) == (EVOLUTIONS[2], None)


def test_data_that_are_no_numbers_are_refused() -> None:
    outcome_UT, treated_UT = np.ones((3, 4)), np.zeros((3, 4), bool)
    outcome_UT[1, 2] = np.nan
    with pytest.raises(DataError, match="finite"):
        rolled_out(outcome_UT, treated_UT)


def test_a_fit_of_chance_that_runs_away_is_no_effect() -> None:
    """Few shoppers of whom nothing is to be learned: where no reason is told, the number is one."""
    untold = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        shop = LinearShop(b=0.0, c=0.0, d=0.0).lived(SHARES, shoppers=30, noise=1.0, rng=rng)
        found = effect_of(shop)
        if found.reason:
            assert found.effect.estimate is None
            untold.append(found.reason)
        else:
            mean_KT = shop.moments()[0, ..., MEAN]
            assert abs(found.effect.estimate or 0.0) <= 5 * np.ptp(mean_KT)
    assert any("run away from all that was seen" in reason for reason in untold)
