from dataclasses import replace

import numpy as np
import pytest

from cqsid.rewards.logged import Logged
from recall.sampleshop import sample_catalog, sample_history
from simulator.log.history import History

CATALOG = sample_catalog()


@pytest.fixture(scope="module")
def history() -> History:
    """A log with few items, so that requests see some twice, with shuffled positions, distinct
    propensities, several units of a purchase and purchases without a click."""
    rng = np.random.default_rng(3)
    log = sample_history(CATALOG)
    shown, orders = len(log.row_X), len(log.order_row_O)
    return replace(
        log,
        item_X=rng.integers(0, 5, shown).astype(np.int32),
        position_X=np.concatenate([rng.permutation(4) for _ in range(shown // 4)]).astype(np.int16),
        propensity_X=rng.random(shown, dtype=np.float32),
        order_item_O=rng.integers(0, 5, orders).astype(np.int32),
        order_quantity_O=rng.integers(1, 4, orders).astype(np.int16),
    )


def brute_force(history: History, row: int) -> dict:
    """What `Logged` should hold of one request, event by event."""
    shown = sorted(np.flatnonzero(history.row_X == row), key=lambda x: history.position_X[x])
    first = {}
    for x in shown:
        first.setdefault(int(history.item_X[x]), x)
    orders = np.flatnonzero(history.order_row_O == row)
    bought = list(dict.fromkeys(history.order_item_O[orders].tolist()))
    clicks = [int(history.item_X[x]) for x in shown if history.clicked_X[x]]
    return {
        "exposed": list(first),
        "propensity": [history.propensity_X[x] for x in first.values()],
        "clicked": list(dict.fromkeys([*clicks, *history.order_item_O[orders].tolist()])),
        "bought": bought,
        "spent": sum(history.order_price_O[o] * history.order_quantity_O[o] for o in orders),
    }


def held(logged: Logged, place: int) -> dict:
    def part(values, pointer):
        return values[pointer[place] : pointer[place + 1]].tolist()

    lists = {name: getattr(logged, name) for name in ("exposed", "clicked", "bought")}
    return {name: part(ragged.values, ragged.pointer) for name, ragged in lists.items()} | {
        "propensity": part(logged.propensity, logged.exposed.pointer),
        "spent": logged.spent_B[place],
    }


def test_every_request_holds_what_counting_event_by_event_finds(history):
    row_B = np.random.default_rng(1).permutation(len(history.request_R))[:150]
    logged = Logged.of(history, row_B)
    assert len(logged) == 150
    assert logged.propensity.dtype == np.float32
    for place, row in enumerate(row_B):
        assert held(logged, place) == brute_force(history, row)
    np.testing.assert_array_equal(logged.requests.id_B, history.request_R[row_B])
    assert (logged.exposed.lengths < 4).any()  # some saw an item twice: the case is there


def test_an_item_shown_twice_keeps_the_propensity_of_its_first_place(history):
    row = 0
    twice = replace(
        history,
        item_X=np.where(history.row_X == row, 3, history.item_X).astype(np.int32),
        position_X=np.where(
            history.row_X == row, 3 - np.arange(len(history.row_X)) % 4, history.position_X
        ).astype(np.int16),
    )
    logged = Logged.of(twice, np.array([row]))
    assert logged.exposed.values.tolist() == [3]
    assert logged.propensity.tolist() == [history.propensity_X[history.row_X == row][-1]]


def test_a_bought_item_counts_as_clicked(history):
    logged = Logged.of(history, np.arange(len(history.request_R)))
    for place in range(len(logged)):
        found = held(logged, place)
        assert set(found["bought"]) <= set(found["clicked"])
    assert len(logged.bought.values)


@pytest.mark.parametrize("rows", [[], [5, 2, 2, 7, 5], [0], [199, 0]])
def test_rows_of_requests_hold_the_same_as_when_asked_for_alone(history, rows):
    rows = np.array(rows, np.int64)
    every = Logged.of(history, np.arange(len(history.request_R)))
    for logged in (every.rows(rows), Logged.of(history, rows)):
        assert len(logged) == len(rows)
        assert len(logged.propensity) == len(logged.exposed.values)
        for place, row in enumerate(rows):
            assert held(logged, place) == brute_force(history, row)
            np.testing.assert_array_equal(
                logged.requests.history_BH[place], every.requests.history_BH[row]
            )


def test_rows_can_be_taken_of_rows(history):
    logged = Logged.of(history, np.array([9, 4, 30])).rows(np.array([2, 0])).rows(np.array([1, 1]))
    assert held(logged, 0) == held(logged, 1) == brute_force(history, 9)


def test_a_request_without_events_holds_empty_lists(history):
    quiet = replace(
        history,
        **{
            name: getattr(history, name)[history.row_X != 6]
            for name in History.__dataclass_fields__
            if name.endswith("_X")
        },
        **{
            name: getattr(history, name)[history.order_row_O != 6]
            for name in History.__dataclass_fields__
            if name.endswith("_O")
        },
    )
    logged = Logged.of(quiet, np.array([5, 6, 7]))
    nothing = {"exposed": [], "clicked": [], "bought": [], "propensity": [], "spent": 0.0}
    assert held(logged, 1) == nothing
    assert held(logged, 0) == brute_force(history, 5)
    assert held(logged, 2) == brute_force(history, 7)


def test_an_empty_log_has_no_requests_to_hold():
    logged = Logged.of(History.empty(), np.zeros(0, np.int64))
    assert len(logged) == 0
    assert len(logged.rows(np.zeros(0, np.int64))) == 0
    assert logged.spent_B.dtype == np.float64
