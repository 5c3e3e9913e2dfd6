from dataclasses import fields, replace

import numpy as np
import pytest

from ranking.pages import (
    best_ranked,
    blank_pages,
    explored_order,
    gather,
    page_columns,
    propensities,
    trace,
)
from recall.candidates import Pool
from simulator.protocols import REQUEST_BITS, Pages, Requests, Traces
from simulator.randomness import Draws

NAN = np.nan


def asking(page=(0,), slots=(2,), **columns):
    """First requests of the sessions 0, 1, 2 and so on, one of each shopper."""
    number_B = np.arange(len(page))
    made = Requests.of_texts(("chair",) * len(page))
    return replace(
        made,
        id_B=number_B << REQUEST_BITS,
        page_B=np.array(page, np.int16),
        slots_B=np.array(slots, np.int16),
        **columns,
    )


def test_the_best_rank_of_an_item_may_be_that_of_several_channels():
    ranks_BKC = np.array([[[0, 3, -1], [2, 2, 5], [-1, -1, -1]]], np.int16)
    np.testing.assert_array_equal(best_ranked(ranks_BKC), [[0b001, 0b011, 0]])


def test_pages_follow_each_other_down_the_ranked_list():
    order_BN = np.tile([2, 0, 1, 3], (3, 1))
    requests = asking(page=(0, 1, 1), slots=(2, 2, 1))
    shown_BK = page_columns(order_BN, np.array([3, 3, 3]), requests, slots=3)
    np.testing.assert_array_equal(shown_BK, [[2, 0, -1], [1, -1, -1], [0, -1, -1]])


def test_a_page_of_nothing_shows_nothing():
    empty_BN = np.zeros((1, 0), np.intp)
    np.testing.assert_array_equal(
        page_columns(empty_BN, np.array([0]), asking(), slots=2), [[-1, -1]]
    )


def test_a_greedy_place_gets_what_is_not_explored_and_its_share_of_what_is():
    shown_BK, greedy_BK = np.array([[4, 1, -1]]), np.array([[4, 0, -1]])
    found_BK = propensities(shown_BK, greedy_BK, np.array([5]), 0.2)
    np.testing.assert_allclose(found_BK, [[0.8 + 0.04, 0.04, 1.0]], rtol=1e-6)
    np.testing.assert_array_equal(propensities(shown_BK, greedy_BK, np.array([5]), 0.0), 1.0)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_explored_orders_are_permutations_with_the_padding_last(rate):
    items_BN = np.tile(np.array([7, 3, 9, -1], np.int32), (40, 1))
    order_BN = np.tile([1, 0, 2, 3], (40, 1))
    found_BN = explored_order(order_BN, items_BN, asking((0,) * 40, (3,) * 40), rate, Draws(1))
    np.testing.assert_array_equal(np.sort(found_BN[:, :3]), np.tile(np.arange(3), (40, 1)))
    assert (found_BN[:, 3] == 3).all()
    assert len(np.unique(found_BN, axis=0)) == (6 if rate else 1)


def test_all_pages_of_a_query_in_a_session_show_one_explored_order():
    items_BN = np.tile(np.arange(30, dtype=np.int32), (2, 1))
    order_BN = np.tile(np.arange(30), (2, 1))
    session = np.full(2, 5, np.int64)
    later = asking(page=(0, 1), slots=(3, 3), shopper_B=session, text_B=np.zeros(2, np.int32))
    later = replace(later, id_B=(session << REQUEST_BITS) | np.arange(2))
    first_N, second_N = explored_order(order_BN, items_BN, later, 1.0, Draws(1))
    np.testing.assert_array_equal(first_N, second_N)


def test_a_trace_lists_every_merged_candidate_and_scores_those_that_were_ranked():
    pool = Pool(
        items_BN=np.array([[8, 9, -1], [4, 5, 6]], np.int32),
        sources_BN=np.array([[1, 2, 0], [3, 1, 2]], np.int32),
        ranks_BNC=np.array([[[0, -1], [-1, 0], [-1, -1]], [[0, 1], [1, -1], [-1, 0]]], np.int16),
        scores_BNC=np.zeros((2, 3, 2), np.float32),
    )
    kept_BM = np.array([[0, 1], [0, 2]])
    scores_BM = np.array([[0.5, 0.25], [0.75, 1.0]], np.float32)
    told = trace(pool, kept_BM, scores_BM, np.array([False, True]))
    np.testing.assert_array_equal(told.row_R, [1, 1, 1])
    np.testing.assert_array_equal(told.item_R, [4, 5, 6])
    np.testing.assert_array_equal(told.sources_R, [3, 1, 2])
    np.testing.assert_array_equal(told.ranks_RC, [[0, 1], [1, -1], [-1, 0]])
    np.testing.assert_array_equal(told.merged_R, [0, 1, 2])
    np.testing.assert_array_equal(told.ranker_score_R, np.array([0.75, NAN, 1.0], np.float32))


def pages_showing(items_BK, arm, traced=()):
    """Pages of an arm with one channel; the rows `traced` tell of an item with their number."""
    items_BK = np.array(items_BK, np.int32)
    rows = np.array(traced, np.int32)
    told = Traces(
        row_R=rows,
        item_R=rows + 100 * arm,
        sources_R=np.ones_like(rows),
        ranks_RC=np.zeros((len(rows), 1), np.int16),
        scores_RC=np.zeros((len(rows), 1), np.float32),
        merged_R=np.zeros(len(rows), np.int16),
        ranker_score_R=np.zeros(len(rows), np.float32),
    )
    return replace(blank_pages(*items_BK.shape, 1, arm), items_BK=items_BK, traces=told)


def test_parts_of_a_batch_come_back_in_its_order_padded_to_the_widest():
    one = np.array([0, 3]), pages_showing([[1, 2], [3, 4]], arm=1, traced=[1])
    two = np.array([1, 2]), pages_showing([[5], [6]], arm=2, traced=[0, 1])
    found = gather([one, two], blank_pages(4, 2, 1, 0))
    np.testing.assert_array_equal(found.items_BK, [[1, 2], [5, -1], [6, -1], [3, 4]])
    np.testing.assert_array_equal(found.arm_B, [1, 2, 2, 1])
    np.testing.assert_array_equal(found.traces.row_R, [1, 2, 3])
    np.testing.assert_array_equal(found.traces.item_R, [200, 201, 101])


def test_blank_pages_show_nothing_and_have_the_types_of_all_pages(requests_):
    blank, found = blank_pages(3, 2, 1, arm=4), pages_showing([[1, 2]], arm=1)
    assert (blank.items_BK == -1).all()
    assert (blank.arm_B == 4).all()
    for column in fields(Pages):
        if column.name not in ("traces", "slot_arms_BK", "differs_B", "contested"):
            assert getattr(blank, column.name).dtype == getattr(found, column.name).dtype


def test_slots_count_for_the_arm_of_their_page_unless_they_have_arms_of_their_own():
    plain, mixed = pages_showing([[1, 2]], arm=1), pages_showing([[3, 4, 5]], arm=0)
    mixed = replace(mixed, slot_arms_BK=np.array([[1, 0, 1]], np.int8))
    np.testing.assert_array_equal(plain.arms_BK, [[1, 1]])
    np.testing.assert_array_equal(mixed.arms_BK, [[1, 0, 1]])
    parts = [(np.array([1]), plain), (np.array([0]), mixed)]
    found = gather(parts, blank_pages(2, 3, 1, 0))
    np.testing.assert_array_equal(found.arms_BK[0], [1, 0, 1])
    np.testing.assert_array_equal(found.arms_BK[1, :2], [1, 1])
    alone = gather([(np.array([0]), plain)], blank_pages(1, 3, 1, 0))
    assert alone.slot_arms_BK is None
