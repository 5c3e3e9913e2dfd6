"""Beams that get narrower while many wait: what is searched, how long it takes, what is refused."""

import numpy as np
import pytest
from pydantic import ValidationError

from cqsid.settings import BusyBeams, CqsidSpec, ServingSpec
from recall.channel import Yielding
from recall.load.settings import ServersSpec
from recall.sampleshop import sample_requests
from simulator.errors import ConfigError
from tests.cqsid.shop import tiny_shop
from tests.cqsid.small import SMALL, fitted_channel, small_spec

LADDER = ServingSpec(
    beams=(4, 8, 20), by_load=(BusyBeams(others=2, beams=8), BusyBeams(others=9, beams=2))
)
SERVERS = ServersSpec(waiting=20)


def test_each_request_is_answered_with_the_beams_of_its_step():
    requests = sample_requests(tiny_shop()[0], 30)
    channel = fitted_channel()
    assert isinstance(channel, Yielding)
    channel.adjust(small_spec(serving=LADDER, servers=SERVERS))
    step_B = (np.arange(30) % 3).astype(np.int8)
    for _ in range(2):  # the second answers are remembered ones
        mixed = channel.recall_at(requests, 40, step_B)
        for step, beams in enumerate(((4, 8, 20), 8, 2)):
            alone = fitted_channel()
            alone.adjust(small_spec(serving=ServingSpec(beams=beams)))
            found = alone.recall(requests, 40)
            rows = step_B == step
            np.testing.assert_array_equal(mixed.items_BN[rows], found.items_BN[rows])
            np.testing.assert_array_equal(mixed.scores_BN[rows], found.scores_BN[rows])


def test_without_load_the_widest_beams_serve():
    requests = sample_requests(tiny_shop()[0], 10)
    channel, plain = fitted_channel(), fitted_channel()
    channel.adjust(small_spec(serving=LADDER, servers=SERVERS))
    plain.adjust(small_spec(serving=ServingSpec(beams=(4, 8, 20))))
    one, other = channel.recall(requests, 40), plain.recall(requests, 40)
    np.testing.assert_array_equal(one.items_BN, other.items_BN)


def test_a_step_takes_the_time_of_its_widest_beam_and_none_needs_a_training():
    spec = small_spec(serving=LADDER, servers=SERVERS)
    assert [step.others for step in spec.steps()] == [0, 2, 9]
    medians = [step.latency.base_s for step in spec.steps()]
    assert medians == pytest.approx([0.010 + beam * 0.00025 for beam in (20, 8, 2)])
    assert spec.service_time() == spec.steps()[0].latency
    assert spec.learned() == SMALL.learned()


@pytest.mark.parametrize(
    ("by_load", "message"),
    [
        ([(3, 30), (3, 20)], r"by_load\[1\].others == 3, must be > 3"),
        ([(3, 50)], r"by_load\[0\].beams == 50, must be narrower than 50"),
        ([(3, (8, 20, 50))], r"by_load\[0\].beams == \(8, 20, 50\), must be narrower than 50"),
        ([(0, 20)], "greater than 0"),
        ([(3, 0)], "greater than 0"),
    ],
)
def test_steps_that_lead_nowhere_are_refused(by_load, message):
    steps = [{"others": others, "beams": beams} for others, beams in by_load]
    with pytest.raises(ValidationError, match=message):
        ServingSpec(beams=50, by_load=steps)


def test_steps_that_no_queue_reaches_are_refused():
    with pytest.raises(ValidationError, match=r"by_load == 2 steps, must be empty without servers"):
        CqsidSpec(serving=LADDER)
    with pytest.raises(ValidationError, match=r"by_load\[1\].others == 9, must be < .*waiting \(9"):
        CqsidSpec(serving=LADDER, servers=ServersSpec(waiting=9))


def test_beams_of_a_step_for_another_number_of_levels_are_refused():
    wrong = ServingSpec(beams=50, by_load=(BusyBeams(others=1, beams=(5, 5)),))
    with pytest.raises(ConfigError, match=r"serving.by_load\[0\].beams == \(5, 5\), must be one"):
        fitted_channel().adjust(small_spec(serving=wrong, servers=SERVERS))
