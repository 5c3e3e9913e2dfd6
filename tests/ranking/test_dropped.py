"""Channels that raise or come too late: who is dropped, what is counted, when the page comes."""

from dataclasses import replace

import numpy as np
import pytest

from recall.latency import LatencySpec
from simulator.protocols import Fault, FaultReason
from simulator.randomness import Draws
from tests.ranking.funnels import QUICK, SPEC, assert_same


class Raising:
    name = "b"

    def fit(self, catalog, history, *, rng): ...

    def recall(self, requests, limit):
        raise RuntimeError("index not loaded")


def test_a_channel_that_raises_is_counted_and_the_page_served_without_it(
    funnel, channel, requests_
):
    broken = funnel(a=channel("a"), b=Raising())
    pages = broken.serve(requests_)
    broken.serve(requests_)
    assert_same(
        replace(pages, dropped_B=np.zeros_like(pages.dropped_B)),
        funnel(a=channel("a")).serve(requests_),
    )
    assert (pages.dropped_B == 2).all()
    line = Raising.recall.__code__.co_firstlineno + 1
    detail = f"RuntimeError: index not loaded (test_dropped.py, line {line})"
    assert broken.faults() == [
        Fault("treatment", "b", FaultReason.RAISED, 2 * len(requests_), detail)
    ]


def test_a_channel_that_misses_the_deadline_is_dropped_for_that_request(funnel, many):
    spec = SPEC.model_copy(update={"deadline_s": 0.012})
    late = funnel(spec, latencies={"b": QUICK})
    pages, on_time = late.serve(many), funnel(spec).serve(many)
    dropped_B = pages.dropped_B == 2
    assert 0.05 < dropped_B.mean() < 0.5
    assert set(np.unique(pages.sources_BK[dropped_B])) <= {0, 1}
    np.testing.assert_array_equal(pages.items_BK[~dropped_B], on_time.items_BK[~dropped_B])
    seconds_B = QUICK.seconds(Draws(11).normal("latency:b", request=many.id_B), 30)
    np.testing.assert_array_equal(dropped_B, seconds_B > 0.012)
    ranking_B = spec.ranking_base_s + spec.ranking_per_item_s * pages.ranked_B
    expected_B = np.minimum(seconds_B, 0.012) + ranking_B
    np.testing.assert_allclose(pages.latency_B, expected_B, rtol=1e-6)
    assert late.faults() == [
        Fault("treatment", "b", FaultReason.DEADLINE, int(dropped_B.sum()), "")
    ]


class SaysItIsLate:
    """A channel that could not answer every third shopper in time, as a service over a network."""

    name = "b"

    def __init__(self, channel):
        self._channel = channel

    def fit(self, catalog, history, *, rng): ...

    def recall(self, requests, limit):
        return replace(self._channel.recall(requests, limit), late_B=requests.shopper_B % 3 == 0)


@pytest.mark.parametrize("batch", [7, 512])
def test_a_channel_that_says_it_was_late_misses_the_deadline(funnel, channel, many, batch):
    late = funnel(batch=batch, a=channel("a", 1), b=SaysItIsLate(channel("b", 7)))
    pages = late.serve(many)
    late_B = many.shopper_B % 3 == 0
    assert (pages.dropped_B == np.where(late_B, 2, 0)).all()
    assert set(np.unique(pages.sources_BK[late_B])) <= {0, 1}
    assert late.faults() == [Fault("treatment", "b", FaultReason.DEADLINE, int(late_B.sum()), "")]
    deadline_s = late.spec.deadline_s
    assert (pages.latency_B[late_B] >= deadline_s).all()


def test_latency_is_that_of_the_slowest_channel(funnel, many):
    slow = LatencySpec(base_s=0.03, per_item_s=0, sigma=0)
    pages = funnel(latencies={"a": QUICK, "b": slow}).serve(many)
    ranking_B = SPEC.ranking_base_s + SPEC.ranking_per_item_s * pages.ranked_B
    np.testing.assert_allclose(pages.latency_B - ranking_B, 0.03, atol=1e-6)


def test_when_every_channel_is_dropped_the_page_is_empty(funnel, requests_):
    pages = funnel(b=Raising()).serve(requests_)
    assert (pages.items_BK == -1).all()
    assert not pages.ranked_B.any()
