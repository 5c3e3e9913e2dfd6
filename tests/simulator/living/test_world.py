from dataclasses import replace
from hashlib import blake2b

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from simulator.behaviour.settings import BehaviorSpec
from simulator.errors import ContractError
from simulator.living.settings import MarketSpec, WorldSpec
from simulator.living.world import World
from simulator.log.eventlog import EventLog
from simulator.log.history import load_history
from simulator.protocols import DAY
from simulator.randomness import Draws
from simulator.shoppers.settings import ShopperSpec
from tests.simulator.stubs import TableService
from tests.simulator.worlds import population, simulate, table_of

GOLDEN = "e4e415a85a358032df47962bd889158b"


EAGER = WorldSpec(days=4, behavior=BehaviorSpec(outside=7.0))  # many orders in little time


@pytest.fixture(scope="module")
def people():
    return population()


@pytest.fixture(scope="module")
def world(people, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    digest, state = simulate(folder, people, spec=EAGER, days=4)
    return folder, digest, state


@pytest.fixture(scope="module")
def log(world):
    tables = ("requests", "sessions", "exposures", "orders", "latent")
    return {name: pd.read_parquet(world[0] / name) for name in tables}


def test_the_same_seed_gives_the_same_log(people, world, tmp_path):
    assert simulate(tmp_path, people, spec=EAGER, days=4)[0] == world[1]


def test_another_seed_gives_another_log(people, world, tmp_path):
    assert simulate(tmp_path, people, spec=EAGER, days=4, seed=3)[0] != world[1]


def test_a_tiny_world_has_not_changed(log):
    """Every request, exposure, click and order; times are left out, because the last bit of an
    exponential differs between processors."""
    columns = {
        "requests": ["request", "text", "page", "shown", "next_action"],
        "exposures": ["request", "item", "position", "clicked", "carted"],
        "orders": ["request", "item", "quantity", "position"],
        "sessions": ["session", "requests"],
    }
    digest = blake2b(digest_size=16)
    for table, names in columns.items():
        rows = log[table].sort_values(names)[names]
        digest.update(np.ascontiguousarray(rows.to_numpy(np.int64)))
    assert digest.hexdigest() == GOLDEN


def test_nothing_is_carted_unclicked_or_bought_uncarted_but_in_place_of_what_was_carted(log):
    exposures = log["exposures"]
    assert (exposures.clicked | ~exposures.carted).all()
    carted = exposures[exposures.carted].set_index(["request", "item"]).index
    bought = log["orders"].set_index(["request", "item"]).index
    left_in_the_cart = carted[~carted.isin(bought)].get_level_values("request")
    in_place = bought[~bought.isin(carted)].get_level_values("request")
    assert len(in_place) < len(bought) / 10
    assert in_place.isin(left_in_the_cart).all()


def test_about_how_many_requests_a_visit_has_is_foretold(log):
    foretold = EAGER.sessions.requests_per_visit(ShopperSpec().patience)
    found = len(log["requests"]) / len(log["sessions"])
    assert 0.75 < found / foretold < 1.25


def test_examined_is_latent_and_covers_every_click(log):
    slots = log["exposures"].merge(log["requests"][["request", "page", "device"]], on="request")
    slot = slots.position - slots.page * np.where(slots.device == 0, 10, 20)
    examined = slots.merge(log["latent"], on="request").examined.to_numpy()
    seen = (examined >> slot.to_numpy()) & 1
    assert seen[slots.clicked].all()
    assert "examined" not in log["exposures"]


def test_every_session_ends_once_and_owns_its_requests(log):
    sessions, requests = log["sessions"], log["requests"]
    assert sessions.session.is_unique
    made = requests.groupby("session").size()
    assert made.to_dict() == sessions.set_index("session").requests.to_dict()


def test_sessions_that_bought_have_orders_and_sold_out_ones_have_none_but_later_ones(log):
    sessions = log["sessions"].set_index("session")
    reasons, orders = sessions.end_reason, log["orders"]
    buyers = set(orders.session[(orders["at"] <= orders.session.map(sessions.end)).to_numpy()])
    assert set(reasons[reasons == "bought"].index) <= buyers
    assert not set(reasons[reasons == "sold_out"].index) & buyers


def test_a_session_follows_time(log):
    requests = log["requests"].sort_values("request")
    gaps = requests.groupby("session")["at"].diff().dropna()
    assert (gaps > 0).all()


def test_stock_is_conserved_and_never_negative(people, world, log):
    state = world[2]
    sold = np.bincount(log["orders"]["item"], log["orders"].quantity, len(state["stock_I"]))
    full = people.supply.stock_I
    assert (state["stock_I"] >= 0).all()
    position = state["stock_I"] + state["on_order_I"]
    np.testing.assert_array_equal(position[sold == 0], full[sold == 0])
    assert (position > MarketSpec().restock_at * full).all()  # else more would be on order


def test_prices_paid_are_prices_of_the_market(log):
    assert (log["orders"].price > 0).all()
    assert (log["orders"].quantity >= 1).all()


def test_a_second_half_continues_from_the_state_of_the_first(people, tmp_path):
    """One world of four days equals two of two days, up to sessions cut at the seam."""
    _, state = simulate(tmp_path / "first", people, days=2)
    assert state["clicked_SH"].max() >= 0
    digest, later = simulate(tmp_path / "second", people, days=2, state=state)
    assert later["orders_AI"].sum() > 0
    assert digest != simulate(tmp_path / "fresh", people, days=2)[0]


def test_identical_arms_have_no_effect_at_all(people, tmp_path):
    """The same funnel for everybody, whatever its arm is called: the paired worlds agree."""
    table = table_of(people)
    first = simulate(tmp_path / "a", people, service=TableService(table))
    second = simulate(tmp_path / "b", people, service=TableService(table.copy()))
    assert first[0] == second[0]


def test_statistics_can_be_kept_apart_by_arm(people, tmp_path):
    arm_S = (np.arange(len(people.shoppers)) % 2).astype(np.int8)
    service = TableService(table_of(people), arm_S=arm_S)
    options = {"service": service, "arms": ("control", "treatment")}
    shared = simulate(tmp_path / "1", people, spec=WorldSpec(days=2), **options)[1]
    apart = simulate(
        tmp_path / "2", people, spec=WorldSpec(days=2, statistics="per_arm"), **options
    )[1]
    assert shared["clicks_AI"].shape[0] == 1
    assert apart["clicks_AI"].shape[0] == 2
    np.testing.assert_allclose(apart["clicks_AI"].sum(axis=0), shared["clicks_AI"][0])


def test_slow_pages_make_shoppers_leave(people, tmp_path):
    service = TableService(table_of(people), latency=20.0)
    simulate(tmp_path, people, service=service)
    reasons = pd.read_parquet(tmp_path / "sessions").end_reason.value_counts(normalize=True)
    assert reasons["page_too_slow"] > 0.5


def test_empty_pages_are_rephrased_or_left_as_nothing_found(people, tmp_path):
    nothing = np.full((len(people.intents.texts), 5), -1, np.int32)
    simulate(tmp_path, people, service=TableService(nothing))
    reasons = set(pd.read_parquet(tmp_path / "sessions").end_reason)
    assert "nothing_found" in reasons
    assert not reasons & {"satisfied", "bought", "frustrated"}
    assert (pd.read_parquet(tmp_path / "requests").next_action == 2).any()


def test_better_pages_sell_more(people, tmp_path):
    table = table_of(people)
    worse = np.random.default_rng(1).permuted(table, axis=1)[:, ::-1] * 0 + table[::-1]
    good = simulate(tmp_path / "good", people, days=6)[1]["orders_AI"].sum()
    bad = simulate(tmp_path / "bad", people, service=TableService(worse), days=6)[1]
    assert good > 2 * bad["orders_AI"].sum()


def test_models_read_the_public_log_only(world, log):
    history = load_history(world[0])
    assert not {"examined", "intent", "need"} & set(history.__dataclass_fields__)
    assert len(history.request_R) == len(log["requests"])
    assert history.clicked_X.sum() == log["exposures"].clicked.sum()
    assert (np.diff(history.row_X) >= 0).all()


def test_replayed_requests_carry_the_clicks_before_them(world):
    history = load_history(world[0])
    clicks = [
        (history.shopper_R[row], history.at_R[row], item)
        for row, item in zip(
            history.row_X[history.clicked_X], history.item_X[history.clicked_X], strict=True
        )
    ]
    rows = np.arange(0, len(history.request_R), 7)
    rebuilt = history.requests(rows, depth=3)
    for row, found in zip(rows, rebuilt.history_BH, strict=True):
        shopper, at = history.shopper_R[row], history.at_R[row]
        before = {item for who, when, item in clicks if who == shopper and when < at}
        assert set(found[found >= 0]) <= before
        assert (found >= 0).sum() == min(
            3, sum(who == shopper and when < at for who, when, _ in clicks)
        )


def test_a_witness_sees_what_the_log_holds_and_changes_nothing(people, tmp_path):
    blocks = []

    def witness(requests, needs, pages, reactions):
        first_B = requests.page_B.astype(int) * requests.slots_B
        rows, slots = np.nonzero((pages.items_BK >= 0) & ~reactions.left_B[:, None])
        blocks.append((requests.id_B[rows], first_B[rows] + slots, pages.items_BK[rows, slots]))

    unseen = simulate(tmp_path / "unseen", people, spec=WorldSpec(days=2))[0]
    log = EventLog(tmp_path / "seen", channels=("table",), arms=("all",))
    service = TableService(table_of(people))
    seen = World(WorldSpec(days=2), people, service, log, Draws(2))
    seen.watch(witness)
    seen.run(0, 2)
    assert log.close([], {"days": 2}) == unseen
    shown = pd.read_parquet(tmp_path / "seen" / "exposures")
    for number, column in enumerate(("request", "position", "item")):
        found = np.concatenate([block[number] for block in blocks])
        np.testing.assert_array_equal(found, shown[column])


def test_a_service_that_shows_more_than_fits_is_refused(people, tmp_path):
    service = TableService(table_of(people))
    serve = service.serve
    service.serve = lambda requests: serve(replace(requests, slots_B=requests.slots_B + 1))
    with pytest.raises(ContractError, match=r"items_BK\[\d+\] == \d+ items, must be <= [12]0"):
        simulate(tmp_path, people, service=service)


def test_days_beyond_what_session_ids_can_number_are_refused():
    with pytest.raises(ValidationError, match="must be <= 16384"):
        WorldSpec(history_days=16_000, days=1_000)


def test_who_is_called_at_midnight_is_called_as_each_day_begins_and_changes_nothing(
    people, tmp_path
):
    plain = simulate(tmp_path / "plain", people, spec=WorldSpec(days=2))[0]
    log = EventLog(tmp_path / "called", channels=("table",), arms=("all",))
    world = World(WorldSpec(days=2), people, TableService(table_of(people)), log, Draws(2))
    called = []
    world.at_midnight(lambda day: called.append((day, world.env.now)))
    world.run(0, 2)
    assert called == [(0, 0.0), (1, DAY)]
    assert log.close([], {"days": 2}) == plain


def test_an_update_that_would_never_come_is_refused():
    with pytest.raises(ValidationError, match=r"every_days == 3, must be < world.days \(3\)"):
        WorldSpec(days=3, updates={"every_days": 3})
    assert WorldSpec(days=7, updates={"every_days": 3}).updates.days(14, 7) == (17, 20)
    assert WorldSpec(days=7).updates.days(14, 7) == ()
