import numpy as np
import pytest

from cqsid.tokenizer.schemes.finish import Numbering, arrival, conversion_rate, conversions
from tests.cqsid.shop import tiny_signals
from tests.cqsid.tokenizer.schemes.fakes import base_of, clustered

SIGNALS = tiny_signals(60, 300, later=0)
CODES = clustered(20, 1, 30, 9)
SIZES = (1, 4)


def numbered(worth, known=60, room=0.25):
    finish = Numbering(worth, room)
    base = base_of(SIGNALS, np.arange(known), CODES, SIZES)
    return finish, finish.fit(base, SIGNALS, rng=np.random.default_rng(0))


@pytest.mark.parametrize("worth", [arrival, conversions, conversion_rate])
def test_every_item_has_an_id_of_its_own(worth):
    _, ids = numbered(worth)
    assert len(np.unique(ids.key_I)) == 60
    np.testing.assert_array_equal(ids.codes_IL[:, :2], CODES)


@pytest.mark.parametrize("worth", [arrival, conversions, conversion_rate])
def test_items_of_a_prefix_are_in_order_of_worth_and_ties_in_order_of_number(worth):
    _, ids = numbered(worth)
    worth_I = worth(SIGNALS)
    for k in range(4):
        members = np.flatnonzero(CODES[:, 1] == k)
        order = members[np.lexsort((members, -worth_I[members]))]
        assert ids.codes_IL[order, 2].tolist() == list(range(len(members)))


def test_the_order_follows_conversions_not_arrival():
    _, by_number = numbered(arrival)
    _, by_orders = numbered(conversions)
    assert (by_number.codes_IL != by_orders.codes_IL).any()


@pytest.mark.parametrize(("room", "size"), [(0.0, 31), (0.25, 38), (1.0, 60)])
def test_the_level_holds_the_largest_prefix_and_room_for_new_items(room, size):
    _, ids = numbered(conversions, room=room)
    assert ids.sizes == (1, 4, size)


def test_new_items_are_appended_in_order_of_arrival():
    finish, ids = numbered(conversions, known=40, room=1.0)
    arrival_N = np.array([59, 45, 50, 41, 40], np.int32)
    full = finish.assign(base_of(SIGNALS, arrival_N, CODES, SIZES), SIGNALS, ids)
    np.testing.assert_array_equal(full.codes_IL[:40], ids.codes_IL[:40])
    for k in range(4):
        old = (CODES[:40, 1] == k).sum()
        mine = arrival_N[CODES[arrival_N, 1] == k]
        assert full.codes_IL[mine, 2].tolist() == list(range(old, old + len(mine)))


def test_new_items_one_by_one_go_where_they_go_together():
    finish, ids = numbered(conversions, known=30)
    together = finish.assign(base_of(SIGNALS, np.arange(30, 60), CODES, SIZES), SIGNALS, ids)
    for item in range(30, 60):
        ids = finish.assign(base_of(SIGNALS, [item], CODES, SIZES), SIGNALS, ids)
    np.testing.assert_array_equal(ids.codes_IL, together.codes_IL)


def test_new_items_share_the_last_token_once_a_prefix_is_full():
    finish, ids = numbered(conversions, known=12, room=0.0)
    full = finish.assign(base_of(SIGNALS, np.arange(12, 60), CODES, SIZES), SIGNALS, ids)
    last = ids.sizes[-1] - 1
    counts = np.bincount(full.codes_IL[CODES[:, 1] == 2, 2])
    assert counts[:last].tolist() == [1] * last
    assert counts[last] == 30 - last > 1


def test_a_place_that_an_item_left_inside_the_order_stays_empty():
    finish, ids = numbered(conversions, known=40, room=1.0)
    left = ids.among(~((ids.codes_IL[:, 2] == 0) & (CODES[:, 1] == 2)))
    full = finish.assign(base_of(SIGNALS, np.arange(40, 60), CODES, SIZES), SIGNALS, left)
    assert not (full.codes_IL[CODES[:, 1] == 2, 2] == 0).any()
