"""On a market whose every outcome can be enumerated, everything equals the exact values."""

from dataclasses import fields
from itertools import product

import numpy as np
import pandas as pd
import pytest

from experiments.attribution.incremental.games import Index
from experiments.attribution.incremental.values import (
    coalition_rows,
    interaction_rows,
    value_rows,
)
from simulator.behaviour.behavior import Behavior
from simulator.behaviour.expectation import expected
from simulator.protocols import Requests
from simulator.randomness import Draws
from simulator.shoppers.needs import Needs
from tests.experiments.attribution.incremental.tiny_runs import (
    exact_worths,
    live,
    live_coalitions,
    replay_worlds,
    world_worths,
)
from tests.experiments.small_runs import table
from tests.experiments.tiny import market as tiny
from tests.experiments.tiny.market import (
    DEGENERATE,
    KINDS,
    OVERLAPPING,
    TEXTS,
    UNIVERSE,
)
from tests.experiments.tiny.values import (
    EVENTS,
    Model,
    by_definition,
    coalitions,
    interaction,
    place_chances,
    shapley,
    shown,
    utility,
)

MODELS = (Model(), Model("cascade"), Model(basket_cost=60.0), Model(slow=True))
NAMES = ("pbm", "cascade", "one item a basket", "slow")
COLUMNS = ("seen_BK", "clicks_BK", "carts_BK", "orders_BK", "gmv_BK")
EXACT = 1e-9
CELLS = list(product(range(len(KINDS)), range(len(TEXTS))))


def bits(channels):
    return sum(1 << UNIVERSE.index(name) for name in channels)


@pytest.fixture(scope="module")
def visits():
    """One visit of each type with each text: the population, needs and requests."""
    people = tiny.population(np.arange(len(KINDS)))
    kind_B, text_B = np.array(CELLS).T
    rows, zeros = len(CELLS), np.zeros(len(CELLS), np.int64)
    needs = Needs(
        shopper_B=kind_B,
        session_B=zeros,
        request_B=zeros,
        need_B=zeros,
        intent_B=text_B,
        at_B=np.zeros(rows),
        owned_BM=np.full((rows, 4), -1, np.int32),
    )
    asked = Requests.of_texts(TEXTS).rows(text_B)
    columns = {field.name: getattr(asked, field.name) for field in fields(Requests)}
    columns |= {"shopper_B": kind_B, "id_B": np.arange(rows)}
    columns |= {"slots_B": people.shoppers.slots_S[kind_B]}
    return people, needs, Requests(**columns)


def kernel(people, model, seed=0):
    supply = people.supply
    return Behavior(
        model.spec, supply.catalog, supply.truth, people.shoppers, people.intents, Draws(seed)
    )


def test_utilities_by_hand_are_those_of_the_simulator_to_the_bit(visits):
    people, needs, _ = visits
    items_BK = np.tile(np.arange(6, dtype=np.int32), (len(CELLS), 1))
    found = kernel(people, MODELS[0]).utility.of(needs, items_BK)
    by_hand = [
        [utility(MODELS[0].spec, KINDS[kind], text, item) for item in range(6)]
        for kind, text in CELLS
    ]
    np.testing.assert_array_equal(np.stack(found, axis=2), by_hand)


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("arm", [OVERLAPPING, DEGENERATE])
def test_pages_by_hand_are_those_of_the_funnel_for_every_coalition(visits, arm, slow):
    _, _, requests = visits
    funnel = tiny.funnel(arm, slow=slow)
    answers = funnel.ask(requests)
    for coalition in coalitions(arm):
        out_B = np.full(len(CELLS), bits(arm) - bits(coalition), np.int32)
        pages = funnel.pages(answers, out_B)
        for row, (kind, text) in enumerate(CELLS):
            items, seconds = shown(coalition, text, KINDS[kind].slots, slow=slow)
            assert pages.items_BK[row, : len(items)].tolist() == items
            assert (pages.items_BK[row, len(items) :] < 0).all()
            assert pages.latency_B[row] == seconds or not coalition


def test_orders_of_clocks_are_a_multinomial_logit_and_their_chances_are_whole():
    first, second = place_chances([1.0, 3.0], 4.0, 2.0)
    np.testing.assert_allclose(first, [1 / 8, 3 / 8], atol=1e-15)
    np.testing.assert_allclose(second, [3 / 10 * 1 / 3, 1 / 10 * 3 / 5], atol=1e-15)


def test_shapley_by_orders_of_a_glove_game():
    """Two left gloves and a right one: 1/6, 1/6 and 2/3 of a pair (Shapley 1953)."""
    players = ("left", "spare", "right")
    worths = {
        each: np.array(float("right" in each and len(each) > 1)) for each in coalitions(players)
    }
    found = [shapley(worths, players, player) for player in players]
    np.testing.assert_allclose(found, [1 / 6, 1 / 6, 2 / 3], atol=1e-15)
    assert interaction(worths, players, "left", "spare") == pytest.approx(-0.5)


@pytest.mark.parametrize("arm", [OVERLAPPING, DEGENERATE])
@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_expectations_are_the_enumeration_for_every_page_of_every_coalition(visits, model, arm):
    people, needs, requests = visits
    funnel = tiny.funnel(arm, slow=model.slow)
    answers = funnel.ask(requests)
    for coalition in coalitions(arm):
        pages = funnel.pages(answers, np.full(len(CELLS), bits(arm) - bits(coalition), np.int32))
        found = expected(kernel(people, model), needs, pages, tiny.PRICE_I)
        found_BEK = np.stack([getattr(found, column) for column in COLUMNS], axis=1)
        for row, (kind, text) in enumerate(CELLS):
            exact_EK = model.page(kind, text, coalition)
            slots = exact_EK.shape[1]
            np.testing.assert_allclose(found_BEK[row, :, :slots], exact_EK, rtol=0, atol=EXACT)
            assert not found_BEK[row, :, slots:].any()


REPLAYS = [
    (MODELS[0], OVERLAPPING, 1),
    (MODELS[1], OVERLAPPING, 1),
    (MODELS[2], OVERLAPPING, 2),
    (MODELS[3], OVERLAPPING, 1),
    (MODELS[0], DEGENERATE, 1),
    (MODELS[3], DEGENERATE, 4),
]


@pytest.fixture(
    scope="module",
    params=REPLAYS,
    ids=[f"{NAMES[MODELS.index(model)]}, {len(arm)} channels" for model, arm, _ in REPLAYS],
)
def replayed(request, tmp_path_factory):
    """A replay of two worlds, and by world the exact worths of their very requests."""
    model, arm, parts = request.param
    folder = tmp_path_factory.mktemp("replay")
    kind_U = tiny.drawn_kinds(150, np.random.default_rng(3))
    found = replay_worlds(folder, tiny.population(kind_U), arm, (5, 6), model, parts)
    exact = [
        exact_worths(folder / str(number), found.shopper_U, kind_U[found.shopper_U], arm, model)
        for number in range(2)
    ]
    return found, exact, arm


def test_replay_tells_the_exact_worth_of_every_coalition(replayed):
    found, exact, arm = replayed
    for e, event in enumerate(EVENTS):
        for m, coalition in enumerate(coalitions(arm)):
            wanted_S = [worths[coalition][e].sum() for worths in exact]
            np.testing.assert_allclose(found.worths.worths[event][:, m], wanted_S, rtol=EXACT)
        assert (found.worths.worths[event][:, 0] == 0).all()
    np.testing.assert_array_equal(found.worths.coalitions_M, range(2 ** len(arm)))


def test_replay_tells_every_index_of_every_shopper_exactly(replayed):
    found, exact, arm = replayed
    kinds = {index.kind for index in found.worths.indices}
    assert kinds == {"total", "leave_one_out", "alone", "shapley", "interaction"}
    for index in found.worths.indices:
        for world, worths in enumerate(exact):
            wanted_EU = by_definition(worths, arm, index)
            for e, event in enumerate(EVENTS):
                found_U = found.worths.table(event, index)[world]
                np.testing.assert_allclose(found_U, wanted_EU[e], rtol=EXACT, atol=EXACT)


def test_rows_of_replay_are_the_exact_values_per_exposed_shopper(replayed):
    found, exact, arm = replayed
    exposed = found.worths.exposed_SU.sum()
    games = {each: sum(worths[each].sum(axis=1) for worths in exact) for each in exact[0]}
    total_E = games[frozenset(arm)]
    rows = value_rows("replay", "arm", found.worths, confidence=0.9)
    assert len(rows) == len(EVENTS) * len(arm) * 3
    for row in rows:
        index = Index(row.index, arm.index(row.channel))
        e = EVENTS.index(row.event)
        wanted = by_definition(games, arm, index)[e]
        near = pytest.approx(wanted / exposed, rel=EXACT, abs=EXACT)
        assert row.value.estimate == near
        assert row.share.estimate == pytest.approx(wanted / total_E[e], rel=EXACT, abs=EXACT)
        if row.index == "leave_one_out":
            without = total_E[e] - wanted
            assert row.relative.estimate == pytest.approx(
                total_E[e] / without - 1, rel=EXACT, abs=EXACT
            )
    for pair in interaction_rows("replay", "arm", found.worths, confidence=0.9):
        index = Index("interaction", arm.index(pair.channel), arm.index(pair.other))
        wanted = by_definition(games, arm, index)[EVENTS.index(pair.event)]
        assert pair.value.estimate == pytest.approx(wanted / exposed, rel=EXACT, abs=EXACT)
    for each in coalition_rows("replay", "arm", found.worths):
        wanted = games[frozenset(each.channels)][EVENTS.index(each.event)]
        assert each.value == pytest.approx(wanted / exposed, rel=EXACT, abs=EXACT)


def test_shapley_shares_of_a_replay_add_up_to_the_whole(replayed):
    rows = value_rows("replay", "arm", replayed[0].worths, confidence=0.9)
    for event in EVENTS:
        shares = [
            row.share.estimate for row in rows if (row.index, row.event) == ("shapley", event)
        ]
        assert sum(shares) == pytest.approx(1, abs=1e-12)


def check_worlds(folder, model, arm, shoppers, seeds, precision):
    """Paired worlds of all coalitions against the exact values of shoppers of these types."""
    kind_U = tiny.drawn_kinds(shoppers, np.random.default_rng(8))
    worlds = live_coalitions(folder, tiny.population(kind_U), arm, seeds, model)
    found, shopper_U = world_worths(worlds)
    games = {each: model.shopper(each)[:, kind_U] for each in coalitions(arm)}
    for index, (e, event) in product(found.indices, enumerate(EVENTS)):
        exact_U = by_definition(games, arm, index)[e]
        table_SU = np.zeros((len(seeds), shoppers))
        table_SU[:, shopper_U] = found.table(event, index)
        gap_SU = table_SU - exact_U
        error = gap_SU.std() / np.sqrt(gap_SU.size)
        assert abs(gap_SU.mean()) <= 4 * error + 1e-12, (index, event)
        if index.kind == "total":
            assert error < precision * exact_U.mean(), event


def test_paired_worlds_tell_the_exact_values(tmp_path):
    check_worlds(tmp_path, MODELS[0], OVERLAPPING, 2_000, (1, 2), precision=0.04)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "arm"),
    [*((model, OVERLAPPING) for model in MODELS), (MODELS[3], DEGENERATE)],
    ids=[*NAMES, "slow, with spare channels"],
)
def test_paired_worlds_tell_the_exact_values_of_every_shop(tmp_path, model, arm):
    check_worlds(tmp_path, model, arm, 5_000, (1, 2, 3), precision=0.02)


@pytest.fixture(scope="module")
def degenerate(tmp_path_factory):
    """Paired worlds of channels one of which is a copy, and one of which finds nothing."""
    people = tiny.population(tiny.drawn_kinds(400, np.random.default_rng(9)))
    folder = tmp_path_factory.mktemp("degenerate")
    return live_coalitions(folder, people, DEGENERATE, (3, 4), MODELS[0], every=False)


@pytest.mark.parametrize("spare", ["clicks", "copy", "silent"])
def test_the_world_without_a_spare_channel_is_the_same_to_the_bit(degenerate, spare):
    without = degenerate.without(DEGENERATE.index(spare))
    for log, full in zip(without, degenerate.full, strict=True):
        for name in ("requests", "exposures", "orders", "sessions", "latent"):
            one, other = table(log, name), table(full, name)
            changed = ["sources", "best_ranked"]  # of what the channel had found, too
            pd.testing.assert_frame_equal(
                one.drop(columns=changed, errors="ignore"),
                other.drop(columns=changed, errors="ignore"),
            )


def test_spare_channels_are_worth_exactly_nothing_left_out(degenerate):
    found, _ = world_worths(degenerate)
    rows = value_rows("worlds", "arm", found, confidence=0.9)
    for row in rows:
        if row.channel == "words":
            assert row.value.estimate
        else:
            assert (*row.value.numbers, row.share.estimate, row.p_value) == (0, 0, 0, 0, 1)
            assert row.relative.numbers == (0, 0, 0)


def test_spare_channels_are_worth_exactly_nothing_left_out_of_a_replay(tmp_path):
    people = tiny.population(tiny.drawn_kinds(100, np.random.default_rng(9)))
    found = replay_worlds(tmp_path, people, DEGENERATE, (3,), MODELS[0]).worths
    for event, (c, name) in product(EVENTS, enumerate(DEGENERATE)):
        spare = name != "words"
        assert (found.table(event, Index("leave_one_out", c)) == 0).all() == spare
        silent = name == "silent"
        assert (found.table(event, Index("shapley", c)) == 0).all() == silent
        assert (found.table(event, Index("alone", c)) == 0).all() == silent
    one, copy = DEGENERATE.index("clicks"), DEGENERATE.index("copy")
    for event in EVENTS:
        np.testing.assert_allclose(
            found.table(event, Index("shapley", one)),
            found.table(event, Index("shapley", copy)),
            atol=1e-12,
        )


def test_a_world_in_which_nothing_is_found_brings_exactly_nothing(tmp_path):
    people = tiny.population(tiny.drawn_kinds(100, np.random.default_rng(9)))
    log = live(tmp_path / "log", people, ("silent",), 3, MODELS[0])
    assert len(table(log, "requests")) > 0
    assert not len(table(log, "exposures"))
    assert not len(table(log, "orders"))
