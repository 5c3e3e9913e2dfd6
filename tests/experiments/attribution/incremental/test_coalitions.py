from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from experiments.attribution.incremental.coalitions import (
    CoalitionWorlds,
    coalitions_of,
    event_totals,
    live_coalitions,
    lonely_shoppers,
    open_totals,
    world_worths,
)
from experiments.attribution.incremental.games import Index
from experiments.attribution.incremental.values import coalition_rows, value_rows
from experiments.config.attribution import EXACT_CHANNELS, AttributionSpec
from experiments.records.attribution import EVENTS
from simulator.errors import ConfigError, DataError
from tests.experiments.attribution.incremental.replay_runs import small_arm
from tests.experiments.inference.logs import write_log
from tests.experiments.inference.parity import sums
from tests.experiments.small_runs import table

COLUMNS = dict(zip(EVENTS, ("exposures", "clicks", "carts", "orders", "gmv"), strict=True))


def spec(**options):
    return AttributionSpec(**({"seeds": 1} | options))


@given(st.integers(1, 20))
def test_all_channels_come_first_and_then_all_but_each(channels):
    found = coalitions_of(channels, spec())
    full = (1 << channels) - 1
    assert found[0] == full
    assert found[1:] == tuple(full - (1 << c) for c in range(channels) if channels > 1)


@given(st.integers(1, EXACT_CHANNELS))
def test_shapley_values_take_every_coalition_but_the_empty_one(channels):
    found = coalitions_of(channels, spec(shapley_worlds=True))
    assert sorted(found) == list(range(1, 1 << channels))
    assert found[0] == (1 << channels) - 1


def test_too_many_channels_for_shapley_worlds_are_sent_to_the_replay():
    with pytest.raises(ConfigError, match=r"shapley_worlds == true with 9 channels.*replay"):
        coalitions_of(9, spec(shapley_worlds=True))


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    """Logs of three channels' worlds of two seeds; coalitions differ in clicks and slots."""
    folder = tmp_path_factory.mktemp("synthetic")
    coalitions = (7, 6, 5, 3)
    logs = tuple(
        tuple(
            write_log(
                folder / f"{seed}-{coalition}", shoppers=300, arms=("all",), shares=(1.0,),
                luck=seed, clicks=0.01 * coalition, orders=0.5, slots=coalition,
            )
            for coalition in coalitions
        )
        for seed in (1, 2)
    )  # fmt: skip
    return CoalitionWorlds("all", ("a", "b", "c"), (0, 2, 3), coalitions, logs)


@pytest.mark.parametrize("event", EVENTS)
def test_totals_are_those_of_a_plain_table_of_shoppers(synthetic, event):
    with open_totals(synthetic) as totals:
        found_SUM, exposed_SU, shopper_U = (
            event_totals(totals, event),
            totals.exposed_SU,
            totals.shopper_U,
        )
    for seed, logs in enumerate(synthetic.logs):
        wanted = [sums(log, ["shopper"])[COLUMNS[event]] for log in logs]
        assert (
            np.flatnonzero(exposed_SU[seed]).tolist()
            == np.flatnonzero(
                np.isin(shopper_U, np.concatenate([each.index for each in wanted]))
            ).tolist()
        )
        for column, each in enumerate(wanted):
            plain_U = each.reindex(shopper_U).fillna(0.0)
            np.testing.assert_allclose(found_SUM[seed, :, column], plain_U, rtol=1e-12)
            assert each.sum() > 0


def test_without_all_coalitions_there_is_no_shapley_value(synthetic):
    with open_totals(synthetic) as totals:
        worths, gmv_SUM = world_worths(synthetic, totals), event_totals(totals, "gmv")
    kinds = [index.kind for index in worths.indices]
    assert kinds == ["total", *3 * ["leave_one_out"]]
    lost = worths.table("gmv", Index("leave_one_out", 1))
    np.testing.assert_array_equal(lost, gmv_SUM[:, :, 0] - gmv_SUM[:, :, 2])
    assert worths.coalitions_M.tolist() == [0, 3, 5, 6, 7]
    np.testing.assert_array_equal(worths.worths["gmv"][:, 0], [0.0, 0.0])
    np.testing.assert_allclose(worths.worths["gmv"][:, [4, 3]], gmv_SUM.sum(axis=1)[:, :2])


def test_shoppers_of_some_worlds_alone_count_as_zeros_and_are_told(synthetic, tmp_path):
    smaller = write_log(tmp_path / "log", shoppers=290, arms=("all",), shares=(1.0,), luck=1)
    logs = ((synthetic.logs[0][0], smaller, *synthetic.logs[0][2:]), synthetic.logs[1])
    with open_totals(replace(synthetic, logs=logs)) as totals:
        gone = totals.shopper_U >= 290
        assert not event_totals(totals, "exposure")[0, gone, 1].any()
        assert totals.exposed_SU[0, gone].all()
        assert totals.lonely == gone.sum() == 10
        assert lonely_shoppers(totals)[0].startswith(
            "10 shoppers appear in some of the paired worlds"
        )


def test_paired_worlds_have_nothing_to_warn_of(synthetic):
    with open_totals(synthetic) as totals:
        assert (totals.lonely, lonely_shoppers(totals)) == (0, [])


def test_a_log_that_is_gone_is_told(synthetic, tmp_path):
    logs = (synthetic.logs[0], (tmp_path / "nowhere", *synthetic.logs[1][1:]))
    with pytest.raises(DataError, match="unreadable"), open_totals(replace(synthetic, logs=logs)):
        pass


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """An arm of three channels and all its worlds."""
    with small_arm(tmp_path_factory.mktemp("shop"), "lexical", "popular", "nothing") as arm:
        every = live_coalitions(arm, spec(shapley_worlds=True))
        with open_totals(every) as totals:
            yield SimpleNamespace(
                arm=arm, worlds=every, worths=world_worths(every, totals), totals=totals
            )


def test_one_world_for_each_coalition_is_lived_on_the_same_luck(shop):
    assert shop.worlds.coalition_M == (7, 6, 5, 4, 3, 2, 1)
    assert len({path for logs in shop.worlds.logs for path in logs}) == 7
    assert shop.totals.lonely == 0
    assert shop.worlds.full[0].parent.name.startswith("truth-all-0-")
    starts = [
        set(table(log, "sessions")[["session", "start"]].itertuples(index=False, name=None))
        for log in shop.worlds.logs[0]
    ]
    assert all(each == starts[0] for each in starts)


def test_a_coalitions_items_were_found_by_its_channels(shop):
    for coalition, log in zip(shop.worlds.coalition_M, shop.worlds.logs[0], strict=True):
        assert not (table(log, "exposures")["sources"] & ~coalition).any()


def test_worlds_are_shared_with_those_of_a_smaller_question(shop):
    before = len(shop.arm.maker.records)
    few = live_coalitions(shop.arm, spec())
    assert all(record.cached for record in shop.arm.maker.records[before:])
    assert few.without(0) == (shop.worlds.logs[0][1],) == shop.worlds.without(0)
    with open_totals(few) as totals:
        found = world_worths(few, totals)
    for event in EVENTS:
        for channel in range(3):
            index = Index("leave_one_out", channel)
            wanted = shop.worths.table(event, index)
            np.testing.assert_array_equal(found.table(event, index), wanted)


@pytest.mark.parametrize("event", EVENTS)
def test_shapley_values_share_the_total_out(shop, event):
    parts = sum(shop.worths.table(event, Index("shapley", c)) for c in range(3))
    total_SU = shop.worths.table(event, Index("total"))
    np.testing.assert_allclose(parts, total_SU, atol=1e-9)
    assert total_SU.sum() > 0


def test_a_channel_that_finds_nothing_is_worth_nothing(shop):
    rows = value_rows("worlds", "all", shop.worths, confidence=0.95)
    of = {(row.channel, row.index): row for row in rows if row.event == "gmv"}
    for index in ("leave_one_out", "shapley"):
        row = of["nothing", index]
        assert (*row.value.numbers, row.p_value) == (0.0, 0.0, 0.0, 1.0)
        assert of["lexical", index].value.estimate != 0
    assert of["nothing", "alone"].value.estimate == 0


def test_a_coalition_is_told_by_the_names_of_its_channels(shop):
    rows = coalition_rows("worlds", "all", shop.worths)
    shown = {row.channels: row.value for row in rows if row.event == "exposure"}
    assert len(shown) == 8
    assert shown[()] == shown["nothing",] == 0
    assert shown["lexical", "popular"] == shown["lexical", "popular", "nothing"]


def test_without_its_only_channel_an_arm_has_no_world(tmp_path):
    with small_arm(tmp_path, "lexical") as arm:
        worlds = live_coalitions(arm, spec())
    assert (worlds.coalition_M, worlds.without(0)) == ((1,), None)
    with open_totals(worlds) as totals:
        worths = world_worths(worlds, totals)
    for kind in ("leave_one_out", "alone", "shapley"):
        np.testing.assert_array_equal(
            worths.table("gmv", Index(kind, 0)), worths.table("gmv", Index("total"))
        )
