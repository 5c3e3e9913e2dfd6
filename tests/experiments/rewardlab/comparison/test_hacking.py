"""Gains in reward and oracle in one unit, their gap and their curves."""

import numpy as np
import pytest

from experiments.inference.intervals.crossed import level
from experiments.rewardlab.comparison.hacking import hacking_row
from experiments.rewardlab.comparison.readings import WatchReading
from simulator.errors import DataError

SFT_REWARD = np.array([0.0, 2.0, 4.0])  # spread 2
SHOPPER_V = np.arange(3)
SFT_ORACLE = np.array([0.1, 0.2, 0.3])  # spread 0.1


def reading(seed, reward, oracle, steps=(0, 10, 20), shopper_V=SHOPPER_V):
    """Gains of each evaluation after the first, in the units of the values."""
    reward_EV = np.stack([SFT_REWARD, *(SFT_REWARD + np.array(gain) for gain in reward)])
    oracle_EV = np.stack([SFT_ORACLE, *(SFT_ORACLE + np.array(gain) for gain in oracle)])
    return WatchReading("p", seed, steps, reward_EV, oracle_EV, shopper_V)


def row_of(readings, confidence=0.95):
    return hacking_row("p", readings, confidence=confidence)


def test_gains_are_those_of_the_last_evaluation_in_units_of_the_supervised_models_spread():
    row = row_of([reading(0, [2, 4], [0.1, -0.1]), reading(1, [2, 8], [0.1, -0.3])])
    assert row.reward.estimate == pytest.approx(3.0)  # 2 and 4
    assert row.oracle.estimate == pytest.approx(-2.0)  # -1 and -3
    assert row.gap.estimate == pytest.approx(5.0)
    assert row.steps == (0, 10, 20)
    assert row.reward_E == pytest.approx((0, 1, 3))
    assert row.oracle_E == pytest.approx((0, 1, -2))


def test_the_intervals_go_across_seeds_and_shoppers_and_the_gap_is_paired():
    rng = np.random.default_rng(0)
    shopper_V = np.array([0, 0, 1, 2, 3, 3, 4])
    start = rng.random((2, 7))
    ends = rng.random((2, 3, 7))
    found = [
        WatchReading("p", s, (0, 5), *(np.stack(pair) for pair in zip(start, end, strict=True)),
                     shopper_V)
        for s, end in enumerate(ends.transpose(1, 0, 2))
    ]  # fmt: skip
    row = row_of(found, confidence=0.9)
    gains = (ends - start[:, None]) / start.std(axis=1, ddof=1)[:, None, None]
    for wanted, has in (
        (gains[0], row.reward.numbers),
        (gains[1], row.oracle.numbers),
        (gains[0] - gains[1], row.gap.numbers),
    ):
        interval = level(wanted, shopper_V, confidence=0.9)
        assert has == pytest.approx(interval.interval.numbers)


def test_a_training_that_ended_early_keeps_its_last_value_in_the_curves():
    row = row_of([reading(0, [2, 4], [0, 0]), reading(1, [6], [0], steps=(0, 10))])
    assert row.steps == (0, 10, 20)
    assert row.reward_E == pytest.approx((0, (1 + 3) / 2, (2 + 3) / 2))
    assert row.reward.estimate == pytest.approx((2 + 3) / 2)


def test_an_evaluation_at_an_odd_last_step_is_carried_on_too():
    row = row_of([reading(0, [2, 4], [0, 0]), reading(1, [6], [0], steps=(0, 13))])
    assert row.steps == (0, 10, 13, 20)
    assert row.reward_E == pytest.approx((0, 0.5, 2.0, 2.5))


def test_one_seed_has_no_interval_and_a_policy_that_stayed_no_gap():
    row = row_of([reading(0, [2, 4], [0.1, 0.1])])
    assert (row.reward.estimate, row.reward.low, row.gap.high) == (pytest.approx(2.0), None, None)
    stayed = row_of([reading(s, [0], [0], steps=(0, 1)) for s in range(2)])
    assert (stayed.reward.estimate, stayed.oracle.estimate, stayed.gap.estimate) == (0.0, 0.0, 0.0)


def test_values_without_spread_have_no_unit():
    flat_EV, oracle_EV = np.array([[0.1] * 3, [0.2] * 3]), np.stack([SFT_ORACLE, SFT_ORACLE + 0.1])
    flat = WatchReading("p", 0, (0, 1), flat_EV, oracle_EV, np.arange(3))
    row = row_of([flat])
    assert (row.reward.estimate, row.gap.estimate, row.reward_E) == (None, None, (None, None))
    assert row.oracle.estimate == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([], r"watched readings of p == 0, must be > 0"),
        ([reading(0, [1], [1], steps=(5, 10))], r"seed 0: steps == \[5, 10\], must begin with 0"),
        ([reading(0, [1, 1], [1, 1], steps=(0, 10))], r"shape == \(3, 3\), must be \(2, 3\)"),
        ([reading(0, [np.nan], [1], steps=(0, 1))], "not finite"),
        (
            [
                reading(0, [1], [1], steps=(0, 1), shopper_V=np.arange(3)),
                reading(1, [1], [1], steps=(0, 1), shopper_V=np.zeros(3, int)),
            ],
            "seed 1: shopper_V == others than seed 0's",
        ),
    ],
)
def test_readings_that_do_not_fit_are_refused(found, message):
    with pytest.raises(DataError, match=message):
        row_of(found)
