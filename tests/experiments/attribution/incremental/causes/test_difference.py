import json
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from experiments.attribution.incremental.causes import difference, watching as differencejob
from experiments.attribution.incremental.causes.difference import (
    channel_steps,
    difference_rows,
    request_sums,
    watch_worlds,
)
from experiments.attribution.incremental.causes.watching import WatchJob, watch
from experiments.attribution.incremental.coalitions import (
    live_coalitions,
    open_totals,
    world_worths,
)
from experiments.attribution.incremental.replay import make_replays
from experiments.attribution.incremental.values import value_rows
from experiments.config.attribution import AttributionSpec
from experiments.inference.logs import EngineSpec, engine
from experiments.records.attribution import CAUSES
from experiments.running.models import LOG
from experiments.running.worlds import open_world
from simulator.errors import DataError
from tests.experiments.attribution.incremental.replay_runs import replayed, small_arm

STILL = (
    *("world.days=2", "ranker.type=merge_order", "funnel.preranker.popularity_weight=0"),
    *(f"world.sessions.{name}=0" for name in ("next_page", "reformulate", "retry_empty")),
    "world.behavior.seconds_per_click=1e6",  # who clicks is never heard of again
    "catalog.stock_days=1e6",
)
"""One request a session, endless stock, and nothing but a channel could read statistics."""


def spec(seeds=2):
    return AttributionSpec(seeds=seeds)


def table(rows):
    return {(row.channel, row.event, row.cause): row for row in rows}


def steps_of(arm, seeds=1):
    """By channel name and event, the tables of its steps."""
    watched, found = watch_worlds(arm, spec(seeds)), make_replays(arm, spec(seeds))
    with open_totals(watched.worlds) as totals, engine(EngineSpec()) as connection:
        return {
            (name, event): steps
            for number, name in enumerate(watched.worlds.channels)
            for event, steps in channel_steps(connection, totals, watched, found, number).items()
        }


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A market in which everything moves."""
    folder = tmp_path_factory.mktemp("moving")
    overrides = ("world.days=2", "catalog.stock_days=5")
    with small_arm(folder, "lexical", "popular", overrides=overrides) as arm:
        rows = difference_rows(arm, spec(), confidence=0.9)
        yield SimpleNamespace(arm=arm, rows=table(rows), listed=rows, steps=steps_of(arm, 2))


def test_the_steps_lead_exactly_from_the_replay_to_the_worlds(shop):
    assert len(shop.steps) == 4
    for steps in shop.steps.values():
        way = steps["replay"] + sum(steps[cause] for cause in CAUSES)
        np.testing.assert_allclose(way, steps["worlds"], rtol=1e-12, atol=1e-12)
        assert np.abs(steps["worlds"]).sum() > 0
    for channel, event, cause in shop.rows:
        if cause == "worlds":
            way = [shop.rows[channel, event, one].value.estimate for one in ("replay", *CAUSES)]
            assert math.isclose(
                sum(way), shop.rows[channel, event, cause].value.estimate, abs_tol=1e-12
            )


def test_every_cause_moves_something_where_everything_moves(shop):
    for cause in ("replay", *CAUSES, "worlds"):
        assert any(np.abs(steps[cause]).sum() > 1e-6 for steps in shop.steps.values()), cause


def test_the_ends_are_those_of_the_replay_and_of_the_worlds(shop):
    found = {"replay": replayed(shop.arm, seeds=2).worths}
    worlds = live_coalitions(shop.arm, spec())
    with open_totals(worlds) as totals:
        found["worlds"] = world_worths(worlds, totals)
    for method, worths in found.items():
        rows = value_rows(method, "all", worths, confidence=0.9)
        for row in (one for one in rows if one.index == "leave_one_out"):
            if row.event in ("purchase", "gmv"):
                end = shop.rows[row.channel, row.event, method]
                np.testing.assert_allclose(end.value.numbers, row.value.numbers, atol=1e-9)


def test_rows_come_in_the_order_of_the_way(shop):
    assert [row.cause for row in shop.listed[:7]] == ["replay", *CAUSES, "worlds"]
    assert {row.arm for row in shop.listed} == {"all"}
    assert len(shop.listed) == 2 * 2 * 7


def test_a_second_look_finds_every_world_and_every_watch_in_the_store(shop):
    before = len(shop.arm.maker.records)
    again = difference_rows(shop.arm, spec(), confidence=0.9)
    assert again == shop.listed
    made = shop.arm.maker.records[before:]
    assert {record.name.split("-")[0] for record in made} == {
        *("truth", "only", "watched", "replay")
    }
    assert all(record.cached for record in made)


def test_no_log_is_left_by_a_watch(shop):
    watched = watch_worlds(shop.arm, spec())
    folders = [*watched.full, *(path for each in watched.without for path in each)]
    assert len(set(folders)) == 2 + 4
    assert not [path for path in folders if (path / LOG).exists()]


@pytest.mark.parametrize(
    ("moves", "names", "overrides"),
    [
        pytest.param({"memory"}, ("lexical", "itemcf"), (), marks=pytest.mark.slow),
        ({"memory", "learning"}, ("lexical", "popular"), ()),
        ({"memory", "stock"}, ("lexical", "itemcf"), ("catalog.stock_days=5",)),
        pytest.param(
            {"memory", "sessions"},
            ("lexical", "itemcf"),
            ("world.sessions.reformulate=0.6",),
            marks=pytest.mark.slow,
        ),
    ],
    ids=lambda value: "-".join(sorted(value)) if isinstance(value, set) else None,
)
def test_only_what_can_move_is_a_cause(tmp_path, moves, names, overrides):
    with small_arm(tmp_path, *names, overrides=(*STILL, *overrides)) as arm:
        steps, rows = steps_of(arm), table(difference_rows(arm, spec(1), confidence=0.95))
    moved = {
        cause
        for cause in CAUSES
        for tables in steps.values()
        if np.abs(tables[cause]).sum() > 0 and cause != "luck"
    }
    assert moved == moves
    assert np.abs(steps["lexical", "gmv"]["luck"]).sum() > 0
    for cause in {"sessions", "stock", "learning"} - moves:
        row = rows["lexical", "gmv", cause]
        assert row.value.numbers == (0.0, 0.0, 0.0)


def test_an_only_channel_has_no_twin_and_nothing_but_luck(tmp_path):
    with small_arm(tmp_path, "lexical", overrides=("world.days=1",)) as arm:
        watched = watch_worlds(arm, spec(1))
        assert watched.without == ((None,),)
        steps = steps_of(arm)["lexical", "purchase"]
    for cause in ("sessions", "memory", "stock", "learning"):
        assert not steps[cause].any()
    assert steps["replay"].sum() > 0
    way = steps["replay"] + steps["luck"]
    np.testing.assert_allclose(way, steps["worlds"], rtol=1e-12, atol=1e-12)


def test_a_world_whose_log_is_of_another_version_is_refused(tmp_path):
    with small_arm(tmp_path, "lexical", overrides=("world.days=1",)) as arm:
        world = arm.world(0)
        arm.live("worlds", [world])
        manifest = world.stage.path / LOG / "manifest.json"
        old = json.loads(manifest.read_text()) | {"digest": "of an older version"}
        manifest.write_text(json.dumps(old))
        job = WatchJob(world, arm.maker.stage("watched", [], inputs=[], task=watch), ("lexical",))
        with pytest.raises(DataError, match="digest == of an older version, must be"):
            watch(job, advance=lambda requests: None)
        assert not job.stage.finished


def test_a_twin_hears_of_every_refresh_even_if_its_pages_cannot_change(shop, tmp_path, monkeypatch):
    """A channel may take its items from the first snapshot of a day and its stock from the next."""
    heard = []

    def listening(job, folder):
        opened, moments = open_world(job, folder), []
        refresh = opened.service.refresh
        opened.service.refresh = lambda index: (moments.append(index.at), refresh(index))
        heard.append(moments)
        return opened

    monkeypatch.setattr(differencejob, "open_world", listening)
    full, world = watch_worlds(shop.arm, spec()).full[0], shop.arm.world(0, ["lexical"])
    stage = shop.arm.maker.stage("heard", [], inputs=[], task=watch)
    watch(WatchJob(world, stage, full=full), advance=lambda requests: None)
    twin, own = heard
    assert twin == np.repeat(own, 2).tolist()
    assert len(own) == 2 * 4


KEYS = ["request", "shopper", "text", "page", "intent", "refresh"]


def write_watched(folder, rows, names, weights=()):
    """A watched world by hand; money is ten times the purchases."""
    folder.mkdir()
    table = pd.DataFrame(rows, columns=[*KEYS, *names, *weights]).astype(
        dict.fromkeys(KEYS, np.int64)
    )
    columns = {key: table[key] for key in (*KEYS, *weights)}
    for name in names:
        columns |= {f"purchase_{name}": table[name], f"gmv_{name}": 10 * table[name]}
    pd.DataFrame(columns).to_parquet(folder / "requests.parquet")
    return folder


def by_shopper(full, twin, channel):
    with engine(EngineSpec()) as connection:
        found = connection.execute(request_sums(full, twin, channel)).df()
    return found.set_index("shopper").sort_index()


def test_requests_are_the_same_if_all_that_is_known_of_them_is(tmp_path):
    full = write_watched(
        tmp_path / "full",
        [
            (1, 7, 3, 0, 5, 0, 0.5, 9, 0.25, 1.0),  # in both
            (2, 7, 3, 1, 5, 0, 0.5, 9, 0.125, 2.0),  # another text in the twin
            (3, 8, 3, 0, 5, 1, 1.0, 9, 0.5, 1.0),  # at another refresh
            (4, 9, 3, 0, 5, 1, 2.0, 9, 1.0, 0.5),  # in the full world alone
        ],
        ["own", "without_0", "without_1"],
        weights=["weight_1"],
    )
    twin = write_watched(
        tmp_path / "twin",
        [
            (1, 7, 3, 0, 5, 0, 0.5, 1.0, 0.75),
            (2, 7, 4, 1, 5, 0, 2.0, 3.0, 4.0),
            (3, 8, 3, 0, 5, 0, 0.25, 3.0, 4.0),
            (5, 6, 3, 0, 5, 0, 0.125, 3.0, 4.0),  # in the twin alone
        ],
        ["own", "taught", "stocked"],
    )
    found = by_shopper(full, twin, 1)
    assert found.index.tolist() == [6, 7, 8, 9]
    assert found["left_purchase"].tolist() == [0.0, 0.5, 0.5, 0.5]
    assert found["twin_purchase"].tolist() == [0.125, 2.5, 0.25, 0.0]
    assert found["same_left_purchase"].tolist() == [0.0, 0.25, 0.0, 0.0]
    assert found["same_stocked_purchase"].tolist() == [0.0, 0.75, 0.0, 0.0]
    assert found["same_taught_purchase"].tolist() == [0.0, 1.0, 0.0, 0.0]
    assert found["same_twin_gmv"].tolist() == [0.0, 5.0, 0.0, 0.0]


def test_causes_of_a_hand_made_shopper():
    sums = {
        "left": 5.0, "twin": 6.0,
        "same_left": 4.0, "same_stocked": 3.5, "same_taught": 3.0, "same_twin": 2.0,
    }  # fmt: skip
    tables = {name: np.array([[value]]) for name, value in sums.items()}
    found = difference._steps(tables, np.array([[3.0]]), np.array([[1.0]]))
    assert {name: float(value[0, 0]) for name, value in found.items()} == {
        "replay": 3.0,
        "sessions": (5.0 - 4.0) - (6.0 - 2.0),
        "memory": 0.5,
        "stock": 0.5,
        "learning": 1.0,
        "luck": 1.0 - 3.0 - (-3.0 + 0.5 + 0.5 + 1.0),
        "worlds": 1.0,
    }


@pytest.mark.slow
def test_processes_do_not_change_a_row(shop, tmp_path):
    overrides = ("world.days=2", "catalog.stock_days=5", "execution.processes=2")
    with small_arm(tmp_path, "lexical", "popular", overrides=overrides) as arm:
        assert difference_rows(arm, spec(), confidence=0.9) == shop.listed
