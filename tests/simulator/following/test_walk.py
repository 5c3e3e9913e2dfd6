"""What is expected of a world's sessions is the mean of what worlds really bring."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.behaviour.clickmodels import Cascade, DynamicBayesian, PositionBased, UserBrowsing
from simulator.behaviour.expectation import expected
from simulator.behaviour.settings import BehaviorSpec
from simulator.following.tally import EXPECTED, LOST
from simulator.following.walk import follow
from simulator.living.settings import SessionSpec, WorldSpec
from simulator.living.world import World
from simulator.log.eventlog import EventLog
from simulator.randomness import Draws
from tests.simulator.stubs import TableService
from tests.simulator.worlds import population, table_of

ARMS = ("all",)
LIVELY = BehaviorSpec(click_cost=4.0, outside=6.5, satisfaction=7.0, delayed=0.3, delay_days=0.5)


class Sums:
    """A log that keeps only what each shopper sums up to, by the names of the walk's columns."""

    channels = ("table",)

    def __init__(self, shoppers):
        self.totals = {name: np.zeros(shoppers) for name in EXPECTED}
        self.session = {}

    def append(self, table, columns):
        who = columns.get("shopper")
        if table == "requests":
            self._add("requests", who, 1.0)
            self._add("first_pages", who, columns["page"] == 0)
            self._add("zero_results", who, (columns["page"] == 0) & (columns["shown"] == 0))
            self._add("latency_sum", who, columns["latency"])
        elif table == "exposures":
            self._add("exposures", who, 1.0)
            self._add("clicks", who, columns["clicked"])
            self._add("carts", who, columns["carted"])
            clicked = columns["request"][columns["clicked"]] >> 8
            self.session |= dict.fromkeys(clicked.tolist(), True)
        elif table == "orders":
            self._add("orders", who, 1.0)
            _, first = np.unique(columns["request"], return_index=True)
            self._add("baskets", who[first], 1.0)
            self._add("gmv", who, columns["price"] * columns["quantity"])
        elif table == "sessions":
            self._add("sessions", who, 1.0)
            for session, shopper in zip(columns["session"].tolist(), who.tolist(), strict=True):
                self._add("clickless_sessions", [shopper], session not in self.session)

    def _add(self, name, who, value):
        np.add.at(self.totals[name], who, np.asarray(value, np.float64))

    def closed(self):
        self.totals["bought"] = (self.totals["orders"] > 0).astype(float)
        self.totals["clicked"] = (self.totals["clicks"] > 0).astype(float)
        return self.totals


def lived(people, spec, seed, *, service=None, days=2, **options):
    """What a world really brought, and what was expected of it, by shopper."""
    service = service or TableService(table_of(people))
    log = Sums(len(people.shoppers))
    world = World(spec, people, service, log, Draws(seed))
    walk = follow(world, service, **options)
    world.run(0, days)
    found = walk.totals()
    expected = {name: np.zeros(len(people.shoppers)) for name in found if name != "shopper"}
    for name, column in expected.items():
        column[found["shopper"]] = found[name]
    return log.closed(), expected


def spec_of(behavior=LIVELY, **more):
    return WorldSpec(history_days=1, days=2, behavior=behavior, **more)


@pytest.fixture(scope="module")
def people():
    return population(items=300, shoppers=250, intents=60)


@pytest.fixture(scope="module")
def plenty():
    """As many of each item as anybody could want."""
    return population(items=300, shoppers=250, intents=60, stock_days=1e6)


SEEDS, MANY = 16, 40


def compare(people, spec, names=EXPECTED, *, seeds=SEEDS, **options):
    """Means over lucks of realised minus expected, with their standard errors, by column."""
    rows = {name: [] for name in names}
    levels = {name: [] for name in names}
    for seed in range(seeds):
        real, expected = lived(people, spec, seed, **options)
        for name in names:
            rows[name].append(real[name].sum() - expected[name].sum())
            levels[name].append(real[name].sum())
    return {
        name: (np.mean(gaps), np.std(gaps, ddof=1) / np.sqrt(seeds), np.mean(levels[name]))
        for name, gaps in rows.items()
    }


def check(found, most):
    """No mean differs by more than 4 standard errors, and these are small enough to tell."""
    for name, (gap, error, level) in found.items():
        assert abs(gap) <= 4 * error + 1e-9 * level, (name, gap, error, level)
        assert error <= most * level + 1e-9, (name, error, level)


@pytest.mark.parametrize(
    ("model", "heed"),
    [  # on a market that can be enumerated, each is exact
        pytest.param(PositionBased(), 2.0, marks=pytest.mark.slow),
        pytest.param(UserBrowsing(), 0.0, marks=pytest.mark.slow),
        (Cascade(), 0.7),
        pytest.param(DynamicBayesian(), 0.0, marks=pytest.mark.slow),
    ],
    ids=["pbm", "ubm", "cascade", "dbn"],
)
def test_worlds_bring_on_average_what_is_expected_of_them(people, model, heed):
    """Also where much is sold out, much comes days later than it was decided, and shoppers reword
    by what they saw."""
    behavior = LIVELY.model_copy(update={"click_model": model})
    spec = spec_of(behavior, sessions=SessionSpec(heed=heed))
    found = compare(people, spec)
    check(found, most=0.1)
    _, brought = lived(people, spec, 0)
    assert brought["lost_orders"].sum() > 0.05 * brought["orders"].sum()


@pytest.mark.slow  # on a market that can be enumerated it is exact
def test_a_taste_that_lasts_through_a_need_is_counted_once(plenty):
    """Everybody who is not satisfied asks again and sees the very same page."""

    class Same(TableService):
        def serve(self, requests):
            return super().serve(replace(requests, page_B=np.zeros_like(requests.page_B)))

    strong = BehaviorSpec(click_cost=2.0, outside=6.0, satisfaction=99.0, delayed=0.0)
    spec = spec_of(strong, sessions=SessionSpec(next_page=1.0, reformulate=0.0))
    service = Same(table_of(plenty))
    names = ("orders", "bought", "requests")
    check(compare(plenty, spec, names, seeds=MANY, service=service), most=0.05)
    forgetful = compare(plenty, spec, names, seeds=MANY, service=service, tastes=0)
    gap, error, _ = forgetful["orders"]
    assert gap < -4 * error, "without tastes the same purchase would be counted twice"


def test_following_a_world_changes_nothing_in_it(people, tmp_path):
    digests = []
    for followed in (False, True):
        service = TableService(table_of(people))
        log = EventLog(tmp_path / str(followed), channels=service.channels, arms=ARMS)
        world = World(spec_of(), people, service, log, Draws(3))
        if followed:
            follow(world, service)
        world.run(0, 2)
        digests.append(log.close([], {}))
    assert digests[0] == digests[1]


class Counting(TableService):
    def __init__(self, items_TN):
        super().__init__(items_TN)
        self.asked = 0

    def serve(self, requests):
        self.asked += len(requests)
        return super().serve(requests)


def test_pages_that_the_world_has_served_are_not_made_again(people):
    world_service = Counting(table_of(people))
    _, reused = lived(people, spec_of(), 5, service=world_service)
    alone = Counting(table_of(people))
    World(spec_of(), people, alone, Sums(len(people.shoppers)), Draws(5)).run(0, 2)
    log, afresh = Sums(len(people.shoppers)), Counting(table_of(people))
    world = World(spec_of(), people, TableService(table_of(people)), log, Draws(5))
    walk = follow(world, afresh, own=False)
    world.run(0, 2)
    further = world_service.asked - alone.asked
    assert further <= afresh.asked - log.totals["sessions"].sum()
    for name in EXPECTED:
        np.testing.assert_allclose(
            walk.totals()[name].sum(), reused[name].sum(), rtol=1e-9, err_msg=name
        )


def test_a_shopper_brings_the_same_whoever_else_is_followed(plenty):
    _, everybody = lived(plenty, spec_of(), 7)
    _, some = lived(plenty, spec_of(), 7, share=0.3)
    followed = some["requests"] > 0
    assert 0.15 < followed.mean() / (everybody["requests"] > 0).mean() < 0.45
    for name in EXPECTED:
        np.testing.assert_allclose(
            some[name][followed], everybody[name][followed], rtol=1e-9, atol=1e-12, err_msg=name
        )


def test_one_page_needs_bring_their_page_and_nothing_is_left_to_luck(plenty):
    """With a single page a need there is no path: expected is `expected`, to rounding."""
    once = spec_of(sessions=SessionSpec(next_page=0, reformulate=0, retry_empty=0))
    sure = once.model_copy(update={"behavior": LIVELY.model_copy(update={"delayed": 0.0})})
    service, log = TableService(table_of(plenty)), Sums(len(plenty.shoppers))
    world = World(sure, plenty, service, log, Draws(11))
    totals = np.zeros(len(plenty.shoppers))

    def witness(requests, needs, pages, reactions):
        first = needs.need_B == 0
        found = expected(world.behavior, needs, pages, world.market.price_I)
        np.add.at(totals, requests.shopper_B[first], found.orders_BK.sum(axis=1)[first])

    world.watch(witness)
    walk = follow(world, service)
    walk.next_needs = 1e-12  # nobody's next need is followed
    world.run(0, 2)
    found = walk.totals()
    meant = np.zeros(len(plenty.shoppers))
    meant[found["shopper"]] = found["orders"] + found["lost_orders"]
    np.testing.assert_allclose(meant, totals, atol=1e-12)


def test_what_is_lost_is_told_apart(people):
    _, brought = lived(people, spec_of(), 1)
    for name in LOST:
        assert brought[f"lost_{name}"].sum() > 0
        assert brought[name].sum() > 0


def test_categories_add_up_to_what_shoppers_do(people):
    service = TableService(table_of(people))
    world = World(spec_of(), people, service, Sums(len(people.shoppers)), Draws(1))
    walk = follow(world, service)
    world.run(0, 2)
    found, by_category = walk.totals(), walk.by_category()
    assert len(by_category["orders"]) == people.intents.category_Q.max() + 2
    for name in (*EXPECTED, *(f"lost_{name}" for name in LOST)):
        np.testing.assert_allclose(by_category[name].sum(), found[name].sum(), err_msg=name)
    assert (by_category["orders"] > 0).sum() > 5


def test_a_category_has_what_is_wanted_of_it(people):
    """With needs of one category alone all is there, and in the last row what nothing serves."""
    for category in (3, -1):
        wanted_Q = np.full_like(people.intents.category_Q, category)
        shop = replace(people, intents=replace(people.intents, category_Q=wanted_Q))
        service = TableService(table_of(people))
        world = World(spec_of(), shop, service, Sums(len(people.shoppers)), Draws(1))
        walk = follow(world, service)
        world.run(0, 1)
        found = walk.by_category()
        for name in ("requests", "sessions"):
            assert found[name].sum() > 0
            np.testing.assert_allclose(found[name][category], found[name].sum())


def test_a_world_in_which_nobody_is_followed_expects_nothing(people):
    service = TableService(table_of(people))
    world = World(spec_of(), people, service, Sums(len(people.shoppers)), Draws(1))
    walk = follow(world, service, share=0.0)
    world.run(0, 2)
    assert all(len(column) == 0 for column in walk.totals().values())
