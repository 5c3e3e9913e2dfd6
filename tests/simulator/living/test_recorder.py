from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from simulator.behaviour.behavior import Reactions
from simulator.living.recorder import record, seen
from simulator.log.codes import NextAction
from simulator.log.tables import OPTIONAL, table_schemas
from simulator.protocols import DAY, Contested, Requests, Traces
from tests.simulator.stubs import pages_of


class Rows:
    """A log that keeps its columns in memory."""

    channels = ("table",)

    def __init__(self):
        self.tables = {}

    def append(self, table, columns):
        self.tables[table] = {name: np.asarray(values).tolist() for name, values in columns.items()}


REQUESTS = Requests(
    id_B=np.array([100, 200]),
    shopper_B=np.array([7, 8]),
    text_B=np.array([3, 4], np.int32),
    at_B=np.array([10.0, DAY + 5.0]),
    history_BH=np.full((2, 1), -1, np.int32),
    device_B=np.array([0, 1], np.int8),
    gender_B=np.array([2, 0], np.int8),
    age_B=np.array([5, 1], np.int8),
    page_B=np.array([0, 2], np.int16),
    slots_B=np.array([2, 2], np.int16),
    traced_B=np.array([False, True]),
    earlier_BQ=np.full((2, 4), -1, np.int32),
    texts=(),
)
REACTIONS = Reactions(
    left_B=np.array([True, False]),
    examined_BK=np.array([[False, False], [True, True]]),
    clicked_BK=np.array([[False, False], [False, True]]),
    carted_BK=np.array([[False, False], [False, True]]),
    choices_BC=np.full((2, 1), -1, np.int32),
    slots_BC=np.zeros((2, 1), np.int16),
    worth_B=np.zeros(2, np.int16),
    joins_B=np.zeros(2, np.int16),
    quantity_B=np.ones(2, np.int16),
    delay_B=np.zeros(2),
    satisfied_B=np.array([False, True]),
    dwell_B=np.zeros(2),
)
PAGES = pages_of(np.array([[11, 12], [13, 14]], np.int32), latency=0.5)
SESSIONS = SimpleNamespace(
    id_N=np.array([1, 2]),
    intent_N=np.array([30, 31]),
    need_N=np.array([0, 1]),
    wording_N=np.array([2, 0]),
)
STEPS = SimpleNamespace(action_N=np.array([NextAction.LEAVE, NextAction.NEXT_NEED], np.int8))


@pytest.fixture
def tables():
    traces = Traces(
        row_R=np.array([1], np.int32),
        item_R=np.array([14], np.int32),
        sources_R=np.array([1], np.int32),
        ranks_RC=np.array([[6]], np.int16),
        scores_RC=np.array([[0.25]], np.float32),
        merged_R=np.array([4], np.int16),
        ranker_score_R=np.array([0.5], np.float32),
    )
    log = Rows()
    record(log, REQUESTS, SESSIONS, replace(PAGES, traces=traces), REACTIONS, STEPS)
    return log.tables


def test_a_page_that_came_too_late_was_seen_by_nobody():
    np.testing.assert_array_equal(seen(PAGES, REACTIONS), [[False, False], [True, True]])


def test_a_block_is_recorded_in_every_table_with_all_its_columns(tables):
    assert set(tables) == {"requests", "exposures", "latent", "candidates"}
    for name, columns in tables.items():
        assert set(columns) == set(table_schemas(("table",))[name].names)


def test_requests_are_recorded_whether_their_pages_were_seen_or_not(tables):
    requests = tables["requests"]
    assert requests["request"] == [100, 200]
    assert requests["session"] == [1, 2]
    assert requests["day"] == [0, 1]
    assert requests["shown"] == [2, 2]
    assert requests["latency"] == [0.5, 0.5]
    assert requests["next_action"] == [NextAction.LEAVE, NextAction.NEXT_NEED]


def test_exposures_count_positions_over_all_pages_of_a_query(tables):
    exposures = tables["exposures"]
    assert exposures["request"] == [200, 200]
    assert exposures["item"] == [13, 14]
    assert exposures["position"] == [4, 5]  # the third page of two slots
    assert exposures["clicked"] == [False, True]


def test_what_is_latent_is_recorded_apart_with_the_slots_looked_at_as_bits(tables):
    latent = tables["latent"]
    assert latent["examined"] == [0, 0b11]
    assert latent["left"] == [True, False]
    assert latent["intent"] == [30, 31]
    assert not {"intent", "examined", "need"} & set(tables["requests"])


def test_candidates_carry_rank_and_score_of_each_channel(tables):
    assert tables["candidates"] == {
        "request": [200],
        "item": [14],
        "sources": [1],
        "merged_rank": [4],
        "ranker_score": [0.5],
        "rank_table": [6],
        "score_table": [0.25],
    }


def test_what_pages_tell_of_arms_together_is_recorded_where_they_tell_it():
    log = Rows()
    contested = Contested(
        row_R=np.array([0, 1], np.int32),
        item_R=np.array([12, 15], np.int32),
        arm_R=np.array([1, 0], np.int8),
        on_page_R=np.array([True, False]),
    )
    mixed = replace(
        PAGES,
        slot_arms_BK=np.array([[0, 1], [1, 0]], np.int8),
        differs_B=np.array([True, False]),
        contested=contested,
    )
    record(log, REQUESTS, SESSIONS, mixed, REACTIONS, STEPS)
    assert log.tables["triggers"] == {"request": [100, 200], "differs": [True, False]}
    assert log.tables["contested"] == {
        "request": [100, 200],
        "item": [12, 15],
        "arm": [1, 0],
        "on_page": [True, False],
    }
    assert log.tables["exposures"]["arm"] == [1, 0]
    assert log.tables["requests"]["arm"] == [0, 0]
    schemas = table_schemas(("table",), OPTIONAL)
    assert all(set(log.tables[name]) == set(schemas[name].names) for name in OPTIONAL)
