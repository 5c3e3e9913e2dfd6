"""What pages would bring, came they as late as those of another service."""

import numpy as np
import pytest

from simulator.following.tally import EXPECTED
from simulator.following.walk import PACED, follow
from simulator.living.settings import SessionSpec
from simulator.living.world import World
from simulator.randomness import Draws
from tests.simulator.following.test_walk import LIVELY, Sums, spec_of
from tests.simulator.stubs import TableService
from tests.simulator.worlds import population, table_of

SOON, LATE = 0.1, 1.5


@pytest.fixture(scope="module")
def people():
    return population(items=200, shoppers=400)


def totals_of(people, *, world_waits, other_waits):
    """What a world brings, and what the same pages would at another service's latency."""
    at_once = LIVELY.model_copy(update={"delayed": 0.0})
    several = SessionSpec(next_page=0.6, reformulate=0.2)
    spec = spec_of(behavior=at_once, sessions=several)
    service = TableService(table_of(people), latency=world_waits)
    world = World(spec, people, service, Sums(len(people.shoppers)), Draws(4))
    own = follow(world, service)
    beside = TableService(table_of(people), latency=other_waits)
    other = follow(world, beside, own=False, paced_by=own)
    world.run(0, 2)
    return own.totals(), other.totals()


def whole(totals, name, prefix=""):
    """The sum over shoppers, with nothing taken off."""
    lost = 0.0 if prefix else totals.get(f"lost_{name}", np.zeros(1)).sum()
    return totals[prefix + name].sum() + lost


def test_at_its_own_pace_a_walk_brings_what_it_brings(people):
    own, other = totals_of(people, world_waits=SOON, other_waits=SOON)
    for name in EXPECTED:
        assert whole(other, name, PACED) == pytest.approx(whole(own, name), rel=1e-9), name


def test_the_same_pages_at_anothers_pace_bring_what_the_other_brings(people):
    own, other = totals_of(people, world_waits=LATE, other_waits=SOON)
    for name in EXPECTED:
        theirs = whole(own, name)
        # Later pages come at other moments, so a few stand in another interval, at other prices.
        assert whole(other, name, PACED) == pytest.approx(theirs, rel=5e-3), name
    for name in ("clicks", "orders", "gmv", "exposures"):
        assert whole(other, name) > 1.1 * whole(own, name), name
