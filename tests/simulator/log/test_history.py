import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simulator.behaviour.settings import BehaviorSpec
from simulator.errors import DataError
from simulator.living.settings import WorldSpec
from simulator.living.world import World
from simulator.log import history as module
from simulator.log.eventlog import EventLog
from simulator.log.history import History, load_arm, load_history
from simulator.protocols import DAY
from simulator.randomness import Draws
from tests.simulator.stubs import TableService
from tests.simulator.worlds import population, simulate, table_of


class Explorer(TableService):
    """A service that says of every item how likely it was to put it there."""

    def serve(self, requests):
        pages = super().serve(requests)
        return replace(pages, propensity_BK=propensity(pages.items_BK))


def propensity(items):
    return (1 / (2 + items.astype(np.float32))).astype(np.float32)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    people, folder = population(shoppers=300), tmp_path_factory.mktemp("log")
    spec = WorldSpec(days=2, behavior=BehaviorSpec(outside=7.0))  # there are orders
    simulate(folder, people, spec=spec, service=Explorer(table_of(people)))
    return folder


@pytest.fixture(scope="module")
def history(log):
    return load_history(log)


def test_every_exposure_keeps_the_propensity_that_the_service_gave_it(history):
    assert history.propensity_X.dtype == np.float32
    assert len(history.propensity_X) == len(history.item_X) > 1_000
    assert np.array_equal(history.propensity_X, propensity(history.item_X))


def test_the_part_before_a_moment_keeps_every_column_in_line(history):
    part = history.before(DAY)
    assert 0 < len(part.item_X) < len(history.item_X)
    assert np.array_equal(part.propensity_X, propensity(part.item_X))
    kept_X = history.at_R[history.row_X] < DAY
    assert np.array_equal(part.item_X, history.item_X[kept_X])
    assert np.array_equal(part.request_R[part.row_X], history.request_R[history.row_X[kept_X]])


def test_a_shop_that_has_not_opened_has_no_propensities():
    assert History.empty().propensity_X.dtype == np.float32
    assert len(History.empty().propensity_X) == 0
    assert len(History.empty().before(1.0).propensity_X) == 0


def test_an_empty_log_and_a_loaded_one_have_columns_of_the_same_types(history):
    for name in History.__dataclass_fields__:
        if name not in ("texts", "channels"):
            empty, loaded = getattr(History.empty(), name), getattr(history, name)
            assert empty.dtype == loaded.dtype, name


@pytest.mark.parametrize("table", ["exposures", "orders"])
def test_a_row_of_a_request_that_is_not_there_is_refused(log, tmp_path, table):
    spoiled = shutil.copytree(log, tmp_path / "log")
    (path,) = (spoiled / table).glob("*.parquet")
    rows = pq.read_table(path)
    assert len(rows)
    wrong = pa.array(np.full(len(rows), 7, np.int64))
    at = rows.column_names.index("request")
    pq.write_table(rows.set_column(at, "request", wrong), path)
    with pytest.raises(DataError, match=f"{table}.request == 7, must be one of the requests"):
        load_history(spoiled)


def test_columns_of_different_lengths_are_refused(log, monkeypatch):
    """As a flipped bit in a file's footer makes them."""
    whole = module._table

    def shorter(folder, table, name):
        found = whole(folder, table, name)
        return found.slice(0, 5) if (table, name) == ("exposures", "position") else found

    monkeypatch.setattr(module, "_table", shorter)
    with pytest.raises(DataError, match=r"exposures.position: 5 rows, must be \d+ as in other"):
        load_history(log)


def split(history):
    """The requests of the first day with all that came of them, and the others."""
    early_R = history.at_R < DAY
    return [history._kept(kept_R, kept_R[history.order_row_O]) for kept_R in (early_R, ~early_R)]


def test_two_parts_of_a_log_are_the_whole_log_again(history):
    one, other = split(history)
    whole = one.joined(other)
    for name in History.__dataclass_fields__:
        found, wanted = getattr(whole, name), getattr(history, name)
        if name.endswith("_O"):
            orders = [
                np.lexsort((each.order_item_O, each.order_row_O)) for each in (whole, history)
            ]
            found, wanted = found[orders[0]], wanted[orders[1]]
        np.testing.assert_array_equal(found, wanted, err_msg=name)


def test_joined_logs_know_their_channels_by_name(history):
    one, other = split(history)
    one = replace(
        one, channels=("old", "table"), sources_X=np.where(one.item_X % 2, 1, 2).astype("i4")
    )
    other = replace(other, channels=("new", "table"), sources_X=np.ones_like(other.sources_X))
    whole = one.joined(other)
    assert whole.channels == ("new", "table", "old")
    early_X = whole.at_R[whole.row_X] < DAY
    assert set(whole.sources_X[~early_X]) == {1}
    odd_X = whole.item_X % 2 == 1
    assert set(whole.sources_X[early_X & odd_X]) == {4}
    assert set(whole.sources_X[early_X & ~odd_X]) == {2}


def test_logs_of_two_shops_are_not_joined(history):
    with pytest.raises(DataError, match=r"texts == .*, must be the same in both logs"):
        history.joined(replace(history, texts=("another", "shop")))


def test_a_log_that_is_still_written_is_read_up_to_now_and_by_arm(tmp_path):
    people = population(shoppers=200)
    arm_S = (np.arange(200) % 2).astype(np.int8)
    service = TableService(table_of(people), arm_S=arm_S)
    log = EventLog(tmp_path, channels=service.channels, arms=("one", "two"))
    texts = people.intents.texts
    text_T = np.arange(len(texts))
    strings = np.array(texts, dtype=object)
    log.append("texts", {"text": text_T, "string": strings, "cluster": text_T})
    spec = WorldSpec(days=3, behavior=BehaviorSpec(outside=6.0))
    world, read = World(spec, people, service, log, Draws(2), arms=2), []

    def midnight(day):
        log.flush()
        read.append([load_arm(tmp_path, log.channels, arm) for arm in (None, 0, 1)])

    world.at_midnight(midnight)
    world.run(0, 3)
    log.close([], {})
    whole = load_history(tmp_path)
    assert len(read[0][0].at_R) == 0
    assert len(read[-1][0].order_at_O) > 9
    for day, (both, one, two) in enumerate(read):
        before = whole.before(day * DAY)
        np.testing.assert_array_equal(both.request_R, before.request_R)
        np.testing.assert_array_equal(np.sort(both.order_at_O), np.sort(before.order_at_O))
        for arm, part in enumerate((one, two)):
            mine_R = both.shopper_R % 2 == arm
            np.testing.assert_array_equal(part.request_R, both.request_R[mine_R])
            np.testing.assert_array_equal(part.item_X, both.item_X[mine_R[both.row_X]])
