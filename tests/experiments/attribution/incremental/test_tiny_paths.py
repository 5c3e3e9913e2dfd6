"""Needs of several pages: a replay tells each coalition's own chance of coming to the next one.

On the tiny market, where the values of every coalition are sums by hand, and against worlds.
"""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from experiments.attribution.incremental.games import Index
from experiments.attribution.incremental.replay import TABLES, Replay, _read
from simulator.living.settings import SessionSpec
from simulator.randomness import Draws
from tests.experiments.attribution.incremental.tiny_runs import job_of
from tests.experiments.tiny import market as tiny
from tests.experiments.tiny.market import CLICK_MODELS, OVERLAPPING, PBM
from tests.experiments.tiny.needs import Shop
from tests.experiments.tiny.runs import exact, followed, noted, visits_of
from tests.experiments.tiny.values import EVENTS, by_definition, coalitions

EXACT = 1e-9
COLUMNS = dict(zip(EVENTS, ("exposures", "clicks", "carts", "orders", "gmv"), strict=True))
BY_PAGE = SessionSpec(next_page=1.0, reformulate=0.0, retry_empty=0.0, pages=3)
BY_WORDS = SessionSpec(next_page=0.0, reformulate=1.0, retry_empty=0.0, pages=1)
MIXED = SessionSpec(next_page=0.5, reformulate=0.4, retry_empty=0.7, pages=3)


def shop(sessions, click_model=PBM, *, slow=False, lasting=False, **more):
    still = {"seconds_per_click": 0.0, "seconds_per_result": 0.0, "satisfaction": 2.5}
    behavior = tiny.behavior(click_model).model_copy(update=still | more)
    reworded = sessions.reformulate > 0
    return Shop(OVERLAPPING, behavior, sessions, slow=slow, reworded=reworded, lasting=lasting)


def replay(folder, found, *, shoppers=150, seed=5, patience=1.6, parts=1, tastes=2):
    """The replay of a world, and by coalition the exact totals of its very visits, by shopper."""
    kind_U = tiny.drawn_kinds(shoppers, np.random.default_rng(seed))
    people = tiny.population(kind_U, patience=patience, reworded=found.reworded)
    opened = tiny.open_world(
        folder / "log",
        people,
        found.channels,
        seed,
        found.behavior,
        slow=found.slow,
        sessions=found.sessions,
    )
    replays = [
        Replay(
            opened,
            job_of(folder / str(part), found.channels, part, parts),
            tastes=tastes if found.lasting else 0,
        )
        for part in range(parts)
    ]
    came = noted(replays[0].walk)
    for each in replays:
        each.walk.next_needs = 1.0
        opened.world.follow(each.walk)
    opened.run(lambda requests: None)
    for each in replays:
        each.job.stage.path.mkdir()
        each.save(each.job.stage.path / TABLES)
    told = _read([[each.job for each in replays]])
    visits = visits_of(came, kind_U, opened.world.sampler, Draws(seed))
    games = {
        coalition: exact(
            replace(found, channels=tuple(coalition), led_by=found.channels),
            [visits[shopper] for shopper in told.shopper_U],
        )
        for coalition in coalitions(found.channels)
    }
    nothing = {name: np.zeros(len(told.shopper_U)) for name in COLUMNS.values()}
    return told, games | {frozenset(): nothing}, visits


def game_of(games, event):
    return {coalition: totals[COLUMNS[event]] for coalition, totals in games.items()}


SHOPS = {
    f"{name}, {model}{', slow' * slow}": shop(sessions, click_model, slow=slow)
    for (name, sessions), (model, click_model), slow in product(
        {"by page": BY_PAGE, "by words": BY_WORDS, "mixed": MIXED}.items(),
        CLICK_MODELS.items(),
        [False, True],
    )
}


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(found, marks=pytest.mark.slow) if found.slow else found
        for found in SHOPS.values()
    ],
    ids=SHOPS,
)
def test_every_index_of_every_shopper_is_exact_where_pages_have_tastes_of_their_own(
    tmp_path, found
):
    told, games, _ = replay(tmp_path, found, parts=2)
    for index, event in product(told.worths.indices, EVENTS):
        wanted_U = by_definition(game_of(games, event), found.channels, index)
        found_U = told.worths.table(event, index)[0]
        np.testing.assert_allclose(found_U, wanted_U, rtol=EXACT, atol=EXACT, err_msg=str(index))
    assert np.abs(told.worths.table("gmv", Index("leave_one_out", 0))).sum() > 10


KEEN = {"outside": 1.0, "click_cost": 0.5, "satisfaction": 9.0}


@pytest.mark.parametrize("click_model", CLICK_MODELS.values(), ids=CLICK_MODELS)
def test_tastes_that_last_leave_no_bias_in_shapley_values_and_what_is_lost(tmp_path, click_model):
    found = shop(BY_WORDS, click_model, lasting=True, **KEEN)
    told, games, visits = replay(tmp_path, found, shoppers=500, patience=1.4)
    few = [all(visit.patience <= 3 for visit in visits[u]) for u in told.shopper_U]
    kinds = ("total", "leave_one_out", "shapley")
    for index, event in product(told.worths.indices, ("cart", "purchase", "gmv")):
        if index.kind in kinds:
            wanted_U = by_definition(game_of(games, event), found.channels, index)[few]
            gap_U = told.worths.table(event, index)[0][few] - wanted_U
            error = gap_U.std(ddof=1) / np.sqrt(len(gap_U))
            assert abs(gap_U.mean()) <= 3.5 * error + EXACT, (index, event)
            assert error < 1e-2 * np.abs(wanted_U).mean(), (index, event)


def test_replay_and_worlds_agree_where_a_channel_changes_no_path(tmp_path):
    """Nobody learns, nothing is gone, and what is asked next does not hang on the page."""
    found = shop(BY_WORDS)
    told, _, _ = replay(tmp_path / "replay", found)
    kind_U = tiny.drawn_kinds(150, np.random.default_rng(5))
    people = tiny.population(kind_U, patience=1.6, reworded=True)
    worlds = {}
    for coalition in coalitions(found.channels)[1:]:
        one = replace(found, channels=tuple(sorted(coalition, key=found.channels.index)))
        folder = tmp_path / "-".join(one.channels)
        worlds[coalition] = followed(folder, people, kind_U, one, 5, tastes=0).totals
    nothing = {name: np.zeros(len(kind_U)) for name in COLUMNS.values()}
    worlds[frozenset()] = nothing
    for index, event in product(told.worths.indices, EVENTS):
        wanted_U = by_definition(game_of(worlds, event), found.channels, index)[told.shopper_U]
        found_U = told.worths.table(event, index)[0]
        np.testing.assert_allclose(found_U, wanted_U, rtol=EXACT, atol=EXACT, err_msg=str(index))


def test_what_is_credited_is_part_of_all_purchases_and_what_is_kept_is_part_of_it(tmp_path):
    told, _, _ = replay(tmp_path, shop(MIXED))
    total = told.worths.table("purchase", Index("total")).sum()
    for c in range(len(OVERLAPPING)):
        credited, same, other = told.fates_SUCF[0, :, c].sum(axis=0)
        assert 0 < same + other <= credited <= total


def test_a_channel_that_found_everything_is_credited_with_all_purchases_of_all_pages(tmp_path):
    found = replace(shop(MIXED), channels=("vectors",))
    told, games, _ = replay(tmp_path, found)
    credited = told.fates_SUCF[0, :, 0, 0]
    np.testing.assert_allclose(credited, games[frozenset(["vectors"])]["orders"], rtol=EXACT)
