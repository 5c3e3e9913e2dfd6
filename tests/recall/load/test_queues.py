"""What simulated requests meet at busy servers: whose luck it is, and how traffic decides."""

import numpy as np
import pytest

from recall.latency import LatencySpec
from recall.load.queues import LEVELS, Queue
from recall.load.settings import ServersSpec, Step
from recall.load.traffic import Traffic
from simulator.living.settings import ArrivalSpec, Promotion
from simulator.protocols import DAY
from simulator.randomness import Draws

LATENCY = LatencySpec(base_s=0.02, per_item_s=0.0, sigma=0.3)
STEPS = (Step(0, LATENCY), Step(3, LATENCY.model_copy(update={"base_s": 0.01})))
ARRIVALS = ArrivalSpec(weekend=1.0)
PEAK = 20 * 3600.0


def queue(share=1.0, peak=60.0, servers=None, steps=STEPS, arrivals=ARRIVALS):
    traffic = Traffic(arrivals, peak, share)
    spec = servers or ServersSpec(count=1, waiting=20)
    return Queue("x", spec, steps, 100, traffic, traffic.busiest(range(7)))


def met(queue_, at, n=20_000, first=0):
    ids = np.arange(first, first + n)
    return queue_.met(np.full(n, at), ids, Draws(7))


def test_the_busiest_hour_has_the_longest_waits_and_the_quietest_the_shortest():
    waits = [met(queue(), hour * 3600.0).wait_B.mean() for hour in (8, 12, 16, 20)]
    assert waits == sorted(waits)
    assert waits[0] < 0.2 * waits[-1]


def test_what_a_request_meets_is_its_own_whoever_else_is_asked_with_it():
    at_B = np.linspace(0, DAY, 500)
    together = queue().met(at_B, np.arange(500), Draws(7))
    for row in (0, 17, 321):
        alone = queue().met(at_B[row : row + 1], np.array([row]), Draws(7))
        assert alone.wait_B[0] == together.wait_B[row]
        assert alone.step_B[0] == together.step_B[row]


def test_half_the_traffic_keeps_no_request_waiting_longer():
    half, whole = (met(queue(share), PEAK) for share in (0.5, 1.0))
    stayed_B = ~whole.away_B
    assert (half.away_B <= whole.away_B).all()
    assert (half.wait_B <= whole.wait_B)[stayed_B].mean() > 0.999
    assert half.wait_B.mean() < 0.5 * whole.wait_B.mean()


def test_traffic_between_two_known_ones_is_met_in_proportion():
    queue_ = queue(steps=(Step(0, LATENCY),), servers=ServersSpec(waiting=0))
    spacing = queue_.busiest / LEVELS
    ends = [queue_.law(level * spacing).away_B.mean() for level in (30, 31)]
    queue_.traffic = Traffic(ArrivalSpec(weekend=1.0), 30.25 * spacing)
    n = 200_000
    found = met(queue_, PEAK, n).away_B.mean()
    expected = 0.75 * ends[0] + 0.25 * ends[1]
    assert abs(found - expected) < 4 * np.sqrt(expected * (1 - expected) / n)


def test_who_is_turned_away_follows_erlang_loss_and_takes_no_time():
    # One server without room: a share of a / (1 + a) finds it busy, whatever the spread of times.
    queue_ = queue(steps=(Step(0, LATENCY),), servers=ServersSpec(waiting=0))
    offered = 60 * 0.02 * np.exp(0.3**2 / 2)
    found = met(queue_, PEAK, 100_000)
    assert found.away_B.mean() == pytest.approx(offered / (1 + offered), abs=0.006)
    seconds_B = queue_.seconds(found, np.zeros(100_000))
    assert (seconds_B[found.away_B] == 0).all()
    assert seconds_B[~found.away_B] == pytest.approx(0.02)


def test_a_long_room_is_full_as_often_as_in_the_long_run():
    # Three servers' worth of requests for two: in the long run a third is turned away.
    servers = ServersSpec(count=1, waiting=1_000)
    queue_ = queue(steps=(Step(0, LATENCY),), servers=servers)
    mean = 0.02 * np.exp(0.3**2 / 2)
    law = queue(peak=1.5 / mean, steps=queue_.steps, servers=servers)
    assert met(law, PEAK, 100_000).away_B.mean() == pytest.approx(1 / 3, abs=0.02)


def test_less_is_done_while_many_wait_and_a_batch_takes_longer_together():
    servers = ServersSpec(count=1, batch=4, batch_cost=0.25, waiting=20)
    queue_ = queue(peak=120.0, servers=servers)
    found = met(queue_, PEAK)
    assert {0, 1} <= set(np.unique(found.step_B))
    assert set(np.unique(found.size_B)) == {1, 2, 3, 4}
    median_B = np.where(found.step_B == 1, 0.01, 0.02) * (1 + 0.25 * (found.size_B - 1))
    service_B = queue_.seconds(found, np.zeros(len(median_B))) - found.wait_B
    assert service_B[~found.away_B] == pytest.approx(median_B[~found.away_B])


def test_more_servers_keep_fewer_waiting():
    shares = [
        (met(queue(servers=ServersSpec(count=count)), PEAK).wait_B > 0).mean()
        for count in (1, 2, 4)
    ]
    assert shares[0] > 2 * shares[1] > 4 * shares[2] > 0


def test_traffic_follows_the_day_the_week_and_promotions():
    arrivals = ArrivalSpec(
        peak_hour=20, peak_to_trough=3, weekend=1.5, promotions=(Promotion(day=1, factor=4),)
    )
    traffic = Traffic(arrivals, 90.0, share=0.5)
    at = np.array([PEAK, 8 * 3600.0, 14 * 3600.0, PEAK + DAY, PEAK + 5 * DAY])
    assert traffic.per_s(at) == pytest.approx([45.0, 15.0, 30.0, 180.0, 67.5])
    assert traffic.busiest(range(7)) == pytest.approx(180.0)
    assert traffic.busiest(range(2, 7)) == pytest.approx(67.5)
