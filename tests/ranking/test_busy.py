"""Channels whose servers are busy: who waits, who is turned away, and what the page does then."""

import numpy as np
import pytest

from recall.latency import LatencySpec
from recall.load.queues import Queue
from recall.load.settings import ServersSpec, Step
from recall.load.traffic import Traffic
from simulator.living.settings import ArrivalSpec
from simulator.protocols import Fault, FaultReason
from simulator.randomness import Draws
from tests.ranking.funnels import SPEC

SLOW = LatencySpec(base_s=0.02, per_item_s=0, sigma=0.2)


def queue(waiting=2, steps=None, per_s=45.0):
    traffic = Traffic(ArrivalSpec(peak_to_trough=1, weekend=1), per_s)
    spec = ServersSpec(waiting=waiting)
    return Queue("b", spec, steps or (Step(0, SLOW),), 30, traffic, per_s)


@pytest.fixture
def busy(funnel):
    def make(queue_, **options):
        made = funnel(latencies={"b": SLOW}, **options)
        made.queues = {"b": queue_}
        return made

    return make


def test_who_is_turned_away_gets_the_page_without_the_channel_and_does_not_wait_for_it(
    busy, funnel, channel, many
):
    served, met = busy(queue()), queue().meet(many, Draws(11))
    pages = served.serve(many)
    seconds_B = queue().seconds(met, Draws(11).normal("latency:b", request=many.id_B))
    late_B = seconds_B > SPEC.deadline_s
    assert 0.05 < met.away_B.mean() < 0.5
    assert 0 < late_B.mean() < 0.5
    np.testing.assert_array_equal(pages.dropped_B, 2 * (met.away_B | late_B))
    without = funnel(a=channel("a", 1)).serve(many)
    np.testing.assert_array_equal(pages.items_BK[met.away_B], without.items_BK[met.away_B])
    np.testing.assert_allclose(pages.latency_B[met.away_B], without.latency_B[met.away_B])
    ranking_B = SPEC.ranking_base_s + SPEC.ranking_per_item_s * pages.ranked_B
    expected_B = np.minimum(seconds_B, SPEC.deadline_s) + ranking_B
    np.testing.assert_allclose(pages.latency_B, expected_B, rtol=1e-5)
    assert served.faults() == [
        Fault("treatment", "b", FaultReason.DEADLINE, int(late_B.sum()), ""),
        Fault("treatment", "b", FaultReason.BUSY, int(met.away_B.sum()), ""),
    ]


class Yields:
    """A channel that finds half as many at its second step, and nothing by itself."""

    name = "b"

    def __init__(self, channel):
        self._channel = channel

    def fit(self, catalog, history, *, rng): ...

    def recall(self, requests, limit):
        raise AssertionError("it must be told its step")

    def recall_at(self, requests, limit, step_B):
        assert step_B.min() >= 0
        found = self._channel.recall(requests, limit)
        found.items_BN[step_B == 1, limit // 2 :] = -1
        return found


@pytest.mark.parametrize("batch", [7, 512])
def test_a_channel_that_can_do_less_is_told_the_step_of_each_request(busy, channel, many, batch):
    steps = (Step(0, SLOW), Step(1, SLOW))
    answers = busy(queue(steps=steps), batch=batch, b=Yields(channel("b", 7))).ask(many)
    met = queue(steps=steps).meet(many, Draws(11))
    assert {-1, 0, 1} == set(np.unique(met.step_B))
    found_B = (answers.recalled.found["b"].items_BN >= 0).sum(axis=1)
    np.testing.assert_array_equal(found_B, np.array([30, 15, 0])[met.step_B])
    np.testing.assert_array_equal(answers.away_BC[:, 1], met.away_B)


def test_pages_without_a_busy_channel_are_those_of_an_arm_without_it(busy, funnel, channel, many):
    answers = busy(queue()).ask(many)
    left_out_B = np.full(len(many), 2)
    one = busy(queue()).pages(answers, left_out_B)
    other = funnel(a=channel("a", 1)).serve(many)
    np.testing.assert_array_equal(one.items_BK, other.items_BK)
    np.testing.assert_array_equal(one.latency_B, other.latency_B)
    assert not one.dropped_B.any()


def test_rows_of_answers_make_the_pages_that_all_of_them_make(busy, many):
    served = busy(queue())
    answers, rows = served.ask(many), np.arange(3, 150, 7)
    few, whole = served.pages(answers.rows(rows)), served.pages(answers)
    np.testing.assert_array_equal(few.items_BK, whole.items_BK[rows])
    np.testing.assert_array_equal(few.dropped_B, whole.dropped_B[rows])


def test_servers_that_nobody_keeps_busy_change_nothing(busy, funnel, many):
    idle, plain = busy(queue(per_s=1e-6)), funnel(latencies={"b": SLOW})
    one, other = idle.serve(many), plain.serve(many)
    np.testing.assert_array_equal(one.items_BK, other.items_BK)
    np.testing.assert_array_equal(one.latency_B, other.latency_B)
