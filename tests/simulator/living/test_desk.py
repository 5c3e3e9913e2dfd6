from dataclasses import replace

import numpy as np
import pytest

from simulator.behaviour.behavior import Behavior
from simulator.behaviour.settings import BehaviorSpec
from simulator.errors import ContractError
from simulator.living.arrivals import Arrivals
from simulator.living.desk import Desk
from simulator.living.market import Market
from simulator.living.scene import Scene
from simulator.living.sessions import open_sessions
from simulator.living.settings import MarketSpec, SessionSpec
from simulator.protocols import DAY
from simulator.randomness import Draws
from simulator.shoppers.memory import Memory
from simulator.shoppers.needs import NeedSampler
from tests.simulator.stubs import TableService
from tests.simulator.worlds import population, table_of


class Rows:
    """A log that keeps its columns in memory, block by block."""

    channels = ("table",)

    def __init__(self):
        self.blocks = []

    def append(self, table, columns):
        self.blocks.append((table, columns))

    def column(self, table, name):
        return np.concatenate([columns[name] for kind, columns in self.blocks if kind == table])


class Asked(TableService):
    """A service that remembers how many requests came at once."""

    def __init__(self, items_TN):
        super().__init__(items_TN)
        self.sizes = []

    def serve(self, requests):
        self.sizes.append(len(requests))
        return super().serve(requests)


@pytest.fixture(scope="module")
def people():
    return population(items=120, shoppers=60, intents=40)


@pytest.fixture
def scene(people):
    draws, supply = Draws(3), people.supply
    easy = BehaviorSpec(click_cost=4.0, outside=6.0)  # much is clicked, some is bought
    return Scene(
        service=Asked(table_of(people)),
        behavior=Behavior(
            easy, supply.catalog, supply.truth, people.shoppers, people.intents, draws
        ),
        sampler=NeedSampler(people.intents, people.shoppers, draws),
        market=Market.opening(supply, MarketSpec()),
        memory=Memory(len(people.shoppers)),
        log=Rows(),
    )


@pytest.fixture
def visits(scene):
    """Everybody comes once, a second after each other."""
    shopper_V = np.arange(60)
    return open_sessions(
        Arrivals(shopper_V, np.zeros(60, np.int64), shopper_V.astype(float)), scene.sampler
    )


def desk_of(scene, trace_rate=0.0):
    return Desk(scene, SessionSpec(), trace_rate=trace_rate)


def test_a_plan_serves_every_request_that_is_due_and_keeps_the_others_waiting(scene, visits):
    plan = desk_of(scene).plan(visits, until=30.0)
    at_N = scene.log.column("requests", "at")
    assert plan.requests == len(at_N)
    assert at_N.max() < 30.0 <= plan.waiting.due_N.min()
    started = scene.log.column("requests", "session")
    np.testing.assert_array_equal(np.unique(started), visits.id_N[:30])
    ended = scene.log.column("sessions", "session")
    later = set(plan.waiting.id_N) | {n for ends in plan.buyers_ends for n in ends.session_N}
    assert set(ended) | later == set(visits.id_N)
    assert not set(ended) & later


def test_waiting_sessions_go_on_in_the_next_plan(scene, visits):
    desk = desk_of(scene)
    first = desk.plan(visits, until=30.0)
    second = desk.plan(first.waiting, until=DAY)
    request_N = scene.log.column("requests", "request")
    assert first.requests + second.requests == len(request_N) == len(set(request_N))


def test_the_ends_of_sessions_that_try_to_buy_are_left_to_life(scene, visits):
    plan = desk_of(scene).plan(visits, until=DAY)
    trying = {n for each in plan.purchases for n in each.session_P[each.at_once_P]}
    assert trying
    assert {n for ends in plan.buyers_ends for n in ends.session_N} == trying
    assert not trying & set(scene.log.column("sessions", "session"))


def test_a_service_is_asked_for_at_most_a_block_at_once(scene, visits, monkeypatch):
    monkeypatch.setattr("simulator.living.desk.BLOCK", 25)
    desk_of(scene).plan(visits, until=DAY)
    assert scene.service.sizes[:3] == [25, 25, 10]
    assert max(scene.service.sizes) == 25


def test_what_is_seen_is_counted_and_what_is_clicked_is_remembered(scene, visits):
    desk_of(scene).plan(visits, until=DAY)
    item_X = scene.log.column("exposures", "item")
    clicked_X = scene.log.column("exposures", "clicked")
    counted_I = scene.market.exposures_AI[0]
    np.testing.assert_array_equal(counted_I, np.bincount(item_X, minlength=120))
    np.testing.assert_array_equal(
        scene.market.clicks_AI[0], np.bincount(item_X[clicked_X], minlength=120)
    )
    clickers = set(scene.log.column("exposures", "shopper")[clicked_X])
    assert set(np.flatnonzero((scene.memory.clicked_SH >= 0).any(axis=1))) == clickers


def test_the_share_of_traced_requests_is_as_asked_for(scene, visits):
    told = []
    desk = desk_of(scene, trace_rate=0.5)
    desk.witnesses.append(lambda requests, needs, pages, reactions: told.append(requests.traced_B))
    desk.plan(visits, until=DAY)
    traced_B = np.concatenate(told)
    assert abs(traced_B.mean() - 0.5) < 4 * 0.5 / np.sqrt(len(traced_B))


def test_a_witness_is_told_who_stands_behind_each_request(scene, visits):
    told = []
    desk = desk_of(scene)
    desk.witnesses.append(lambda requests, needs, pages, reactions: told.append((requests, needs)))
    desk.plan(visits, until=DAY)
    for requests, needs in told:
        np.testing.assert_array_equal(requests.shopper_B, needs.shopper_B)
        np.testing.assert_array_equal(requests.at_B, needs.at_B)
    intent_N = np.concatenate([needs.intent_B for _, needs in told])
    np.testing.assert_array_equal(intent_N, scene.log.column("latent", "intent"))


@pytest.mark.parametrize(
    ("spoil", "wanted"),
    [
        (lambda pages: replace(pages, items_BK=pages.items_BK[:1]), r"shape == \(1, 20\), must be"),
        (
            lambda pages: replace(pages, items_BK=np.tile(pages.items_BK, 4)),
            r"must be \(60, <= 63\)",
        ),
    ],
)
def test_pages_of_another_shape_are_refused(scene, visits, spoil, wanted):
    serve = scene.service.serve
    scene.service.serve = lambda requests: spoil(serve(requests))
    with pytest.raises(ContractError, match=wanted):
        desk_of(scene).plan(visits, until=DAY)
