"""Settings found by simulated facts lie in their intervals as often as these say."""

import numpy as np
import pytest

from experiments.calibrate.moments import by_moments, rounds
from simulator.errors import DataError

BEFORE = np.array([0.0, 0.0, 1.0]), np.array([1.0, 2.0, 0.5])
LINE = np.array([[1.0, 0.3, 0.0], [-0.4, 0.8, 0.2], [0.1, 0.0, 2.0]])
NOISE = np.array([[0.05, 0.0, 0.0], [0.03, 0.08, 0.0], [0.0, 0.02, 0.06]])


def simulator(rng, *, bend=0.05, fails=0.0):
    """Facts that bend with the settings and hang together; some worlds have none."""

    def simulate(place_K, number):
        assert number >= 1
        if rng.random() < fails:
            return np.full(3, np.nan)
        return LINE @ place_K + bend * place_K**2 + NOISE @ rng.normal(size=3)

    return simulate


def found_for(true_K, seed, **options):
    rng = np.random.default_rng(seed)
    observed_K = simulator(rng, bend=options.get("bend", 0.05))(true_K, 1)
    return by_moments(simulator(rng, **options), observed_K, *BEFORE, seed=seed)


def test_intervals_hold_the_settings_as_often_as_they_say():
    rng, held, logs = np.random.default_rng(0), [], 60
    for seed in range(logs):
        true_K = BEFORE[0] + BEFORE[1] * np.clip(rng.normal(size=3), -1.2, 1.2)
        found = found_for(true_K, seed)
        assert not found.beyond_K.any()
        away_K = np.abs(found.centre_K - true_K)
        held.append(away_K <= 1.96 * np.sqrt(np.diag(found.covariance_KK)))
    assert np.all(np.mean(held, axis=0) >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / logs))


def test_intervals_are_not_much_wider_than_the_noise_makes_them():
    found = found_for(np.array([0.4, -1.0, 1.2]), 3, bend=0.0)
    inverse = np.linalg.inv(LINE)
    least_K = np.sqrt(np.diag(inverse @ NOISE @ NOISE.T @ inverse.T))
    assert np.all(np.sqrt(np.diag(found.covariance_KK)) < 2.2 * least_K)
    assert np.all(found.told_K < 0.3)


def test_a_setting_that_moves_no_fact_stays_as_it_was_believed():
    def simulate(place_K, number):
        luck_K = np.random.default_rng(number).normal(size=2)
        return np.array([place_K[0], 0.0]) + 0.05 * luck_K

    found = by_moments(
        simulate, np.array([0.7, 0.0]), np.array([0.0, 3.0]), np.array([1.0, 0.5]), seed=1
    )
    assert found.centre_K == pytest.approx([0.7, 3.0], abs=0.25)
    assert found.told_K[1] > 0.8
    assert found.told_K[0] < 0.2


def test_an_answer_beyond_all_worlds_is_told_to_be():
    found = found_for(np.array([0.2, 0.0, 9.0]), 4, bend=0.0)
    assert found.beyond_K.tolist() == [False, False, True]


def test_worlds_without_the_facts_are_left_out_and_too_few_with_them_are_refused():
    true_K = np.array([0.4, -1.0, 1.2])
    found = found_for(true_K, 5, fails=0.2)
    assert np.all(np.abs(found.centre_K - true_K) < 0.6)
    with pytest.raises(DataError, match="worlds that have all facts of the log == 0"):
        found_for(true_K, 5, fails=1.0)


def test_as_many_worlds_are_simulated_as_is_told_before():
    numbers = []

    def simulate(place_K, number):
        numbers.append(number)
        return place_K + 0.1 * np.random.default_rng(number).normal(size=2)

    by_moments(simulate, np.zeros(2), np.zeros(2), np.ones(2), seed=0)
    assert numbers == list(range(1, sum(rounds(2)) + 1))


def test_a_log_that_holds_less_than_the_worlds_is_less_sure():
    """Facts of a log a tenth as large are sqrt(10) times as unsure as those of the worlds."""
    rng, held, logs = np.random.default_rng(7), [], 60
    for seed in range(logs):
        luck = np.random.default_rng(seed)
        true_K = BEFORE[0] + BEFORE[1] * np.clip(rng.normal(size=3), -1, 1)
        observed_K = LINE @ true_K + 10**0.5 * NOISE @ luck.normal(size=3)
        found = by_moments(
            simulator(luck, bend=0.0), observed_K, *BEFORE, seed=seed, scarcer=lambda: 10.0
        )
        away_K = np.abs(found.centre_K - true_K)
        held.append(away_K <= 1.96 * np.sqrt(np.diag(found.covariance_KK)))
    assert np.all(np.mean(held, axis=0) >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / logs))
