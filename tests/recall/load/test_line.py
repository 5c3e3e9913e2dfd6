"""A queue before servers, against closed forms and against an event simulation in SimPy."""

from collections.abc import Generator
from math import exp, factorial

import numpy as np
import pytest
import simpy

from recall.load.line import TURNED_AWAY, served

N = 400_000
GROUPS = 40


def arrivals(rate, n=N, seed=1):
    return np.cumsum(np.random.default_rng(seed).exponential(1 / rate, n))


def lived(at_R, factor_R, *, servers=1, room=N, mean=1.0, batch=1, cost=0.0):
    """Every request at one step, with service times of a mean, by their luck."""
    median_LM = mean * (1 + cost * np.arange(batch))[None]
    return served(at_R, median_LM, factor_R[None], np.zeros(1, np.int64), servers, room)


def assert_mean(value_R, expected):
    """The mean of a series is as expected within four errors, told from batch means."""
    parts_G = value_R[len(value_R) // 20 :]
    parts_G = parts_G[: len(parts_G) // GROUPS * GROUPS].reshape(GROUPS, -1).mean(axis=1)
    error = parts_G.std(ddof=1) / np.sqrt(GROUPS)
    assert error < 0.1 * expected
    assert abs(parts_G.mean() - expected) < 4 * error


def erlang_b(servers, offered):
    terms = [offered**k / factorial(k) for k in range(servers + 1)]
    return terms[-1] / sum(terms)


def erlang_c(servers, offered):
    blocked = erlang_b(servers, offered)
    return blocked / (1 - offered / servers * (1 - blocked))


def exponential(n=N, seed=2):
    return np.random.default_rng(seed).exponential(1.0, n)


@pytest.mark.parametrize("load", [0.3, 0.8])
def test_one_server_with_exponential_times_keeps_people_waiting_as_m_m_1(load):
    wait_R, _, _ = lived(arrivals(load), exponential())
    assert_mean(wait_R, load / (1 - load))
    for long in (0.5, 4.0):  # P(W > t) = load exp(-(1 - load) t)
        assert_mean((wait_R > long).astype(float), load * exp(-(1 - load) * long))


@pytest.mark.parametrize("load", [0.3, 0.8])
def test_one_server_with_equal_times_keeps_people_waiting_as_m_d_1(load):
    wait_R, _, _ = lived(arrivals(load), np.ones(N))
    assert_mean(wait_R, load / (2 * (1 - load)))
    for long in (0.5, 2.3):
        assert_mean((wait_R <= long).astype(float), erlang_m_d_1(load, long))


def erlang_m_d_1(load, long):
    """P(W <= t) of M/D/1 with service time 1 (Erlang 1909)."""
    terms = [
        (load * (k - long)) ** k / factorial(k) * exp(-load * (k - long))
        for k in range(int(long) + 1)
    ]
    return (1 - load) * sum(terms)


def test_one_server_with_log_normal_times_keeps_people_waiting_as_pollaczek_and_khinchine_say():
    load, sigma = 0.8, 0.6
    mean, square = exp(sigma**2 / 2), exp(2 * sigma**2)
    factor_R = np.exp(sigma * np.random.default_rng(3).normal(size=N))
    wait_R, _, _ = lived(arrivals(load), factor_R, mean=1 / mean)
    assert_mean(wait_R, load * square / mean**2 / (2 * (1 - load)))


def test_several_servers_with_exponential_times_keep_people_waiting_as_m_m_c():
    servers, offered = 5, 4.2
    wait_R, _, _ = lived(arrivals(offered), exponential(), servers=servers)
    waits = erlang_c(servers, offered)
    assert_mean((wait_R > 0).astype(float), waits)
    assert_mean(wait_R, waits / (servers - offered))


@pytest.mark.parametrize("load", [0.9, 1.5])
def test_who_finds_no_room_is_turned_away_as_in_m_m_1_k_also_under_more_load_than_can_be(load):
    room = 6
    wait_R, _, step_R = lived(arrivals(load), exponential(), room=room)
    full = load ** (room + 1) * (1 - load) / (1 - load ** (room + 2))
    assert_mean((step_R == TURNED_AWAY).astype(float), full)
    assert (wait_R[step_R == TURNED_AWAY] == 0).all()


@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_without_room_to_wait_the_spread_of_service_times_does_not_matter(sigma):
    factor_R = np.exp(sigma * np.random.default_rng(4).normal(size=N) - sigma**2 / 2)
    _, _, step_R = lived(arrivals(6.0), factor_R, servers=8, room=0)
    assert_mean((step_R == TURNED_AWAY).astype(float), erlang_b(8, 6.0))


def simulated(at_R, median_LM, factor_LR, others_L, servers, room):
    """The same as events: servers ask for whoever waits, and sleep while nobody does."""
    env = simpy.Environment()
    line: list[int] = []
    asleep: list[simpy.Event] = []
    found = np.zeros(len(at_R)), np.ones(len(at_R), int), np.full(len(at_R), TURNED_AWAY)

    def server() -> Generator[simpy.Event]:
        while True:
            if not line:
                asleep.append(env.event())
                yield asleep[-1]
            step = int(np.flatnonzero(others_L <= len(line) - 1)[-1])
            taken = [line.pop(0) for _ in range(min(len(line), median_LM.shape[1]))]
            for r in taken:
                found[0][r], found[1][r], found[2][r] = env.now - at_R[r], len(taken), step
            yield env.timeout(median_LM[step, len(taken) - 1] * factor_LR[step, taken[0]])

    def traffic() -> Generator[simpy.Event]:
        for r, at in enumerate(at_R):
            yield env.timeout(at - env.now)
            if asleep:
                line.append(r)
                asleep.pop().succeed()
                yield env.timeout(0)
            elif len(line) < room:
                line.append(r)

    for _ in range(servers):
        env.process(server())
    env.process(traffic())
    env.run()
    return found


@pytest.mark.parametrize(("servers", "batch", "rate"), [(1, 1, 0.9), (2, 4, 5.0), (3, 8, 9.0)])
def test_servers_steps_batches_and_refusals_are_those_of_an_event_simulation(servers, batch, rate):
    n, room = 4_000, 12
    median_LM = np.array([[1.0], [0.7], [0.4]]) * (1 + 0.2 * np.arange(batch))
    factor_LR = np.exp(0.5 * np.random.default_rng(5).normal(size=(3, n)))
    asked = arrivals(rate, n), median_LM, factor_LR, np.array([0, 2, 7]), servers, room
    ours, theirs = served(*asked), simulated(*asked)
    np.testing.assert_allclose(ours[0], theirs[0], atol=1e-9)
    np.testing.assert_array_equal(ours[1], theirs[1])
    np.testing.assert_array_equal(ours[2], theirs[2])
    assert len(np.unique(ours[2])) >= 3
