"""Retrieval measures of beams of ids, against brute force and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from cqsid.decoding.evaluate import (
    beam_for_positions,
    beam_place_T,
    hit_rate_B,
    item_place_TW,
    positions,
    prefixes_L,
    reach,
    recall_B,
    share_BW,
)
from cqsid.decoding.settings import Fill
from cqsid.decoding.shelves import Shelves, narrowest
from cqsid.tokenizer.ids import SemanticIds
from recall.arrays import Ragged
from simulator.errors import DataError

# ids by item: 0,1,2 share the first; 3 alone; 4,5 share; 6 has none
IDS = SemanticIds(
    np.array([[0, 0], [0, 0], [0, 0], [0, 1], [1, 0], [1, 0], [-1, -1]], np.int32), (2, 2)
)
SHELVES = Shelves.of(IDS, np.array([1.0, 3.0, 2.0, 0.0, 5.0, 6.0, 9.0]))
BEAMS = np.array([[2, 0, 1], [1, -1, -1]], np.int32)
TARGETS = Ragged.of([[0, 4], [3, 6]])


@st.composite
def worlds(draw):
    """An id table, shelves, beams of distinct ids and distinct targets of each request."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    items, requests, width = (draw(st.integers(1, most)) for most in (40, 4, 8))
    codes_IL = rng.integers(0, 3, (items, 2), dtype=np.int32)
    codes_IL[rng.random(items) < 0.2] = -1
    codes_IL[0] = 0
    ids = SemanticIds(codes_IL, (3, 3))
    shelves = Shelves.of(ids, rng.random(items))
    beams_BN = np.full((requests, width), -1, np.int32)
    for row in beams_BN:
        some = rng.permutation(len(ids.sids_SL))[: rng.integers(0, width + 1)]
        row[: len(some)] = some
    wanted = [rng.permutation(items)[: rng.integers(1, 6)].tolist() for _ in range(requests)]
    return ids, shelves, beams_BN, Ragged.of(wanted)


def listed(row, shelves, width, cap, fill):
    """The items of one beam in order, slowly."""
    stacks = [
        shelves.items[shelves.pointer_S[sid] : shelves.pointer_S[sid + 1]][:cap].tolist()
        for sid in row[:width]
        if sid >= 0
    ]
    if fill is Fill.DEPTH:
        return [item for stack in stacks for item in stack]
    deepest = max(map(len, stacks), default=0)
    return [stack[at] for at in range(deepest) for stack in stacks if at < len(stack)]


def hit_rate_at_items(beams, widths, targets, ids, shelves, limit, cap=None, *, fill=Fill.DEPTH):
    place_TW = item_place_TW(beams, widths, targets, ids, shelves, cap, fill=fill)
    return share_BW(place_TW < limit, targets)


def test_hit_rate_is_the_share_of_targets_whose_id_is_in_the_beam():
    assert hit_rate_B(BEAMS, 1, TARGETS, IDS).tolist() == [0.5, 0.5]
    assert hit_rate_B(BEAMS, 3, TARGETS, IDS).tolist() == [1.0, 0.5]
    assert beam_place_T(BEAMS, TARGETS, IDS).tolist() == [1, 0, 0, 3]


def test_a_beam_that_is_narrower_than_asked_hits_no_more_than_it_holds():
    assert hit_rate_B(BEAMS, 100, TARGETS, IDS).tolist() == [1.0, 0.5]
    assert hit_rate_B(BEAMS[:, :1], 100, TARGETS, IDS).tolist() == [0.5, 0.5]


def test_items_come_in_the_order_of_the_ids_and_of_their_shelves():
    found, _ = SHELVES.first(BEAMS, 5)
    assert found.tolist() == [[5, 4, 1, 2, 0], [3, -1, -1, -1, -1]]
    capped, _ = SHELVES.first(BEAMS, 5, cap=1)
    assert capped.tolist() == [[5, 1, 3, -1, -1], [3, -1, -1, -1, -1]]
    spread, _ = SHELVES.first(BEAMS, 5, fill=Fill.BREADTH)
    assert spread.tolist() == [[5, 1, 3, 4, 2], [3, -1, -1, -1, -1]]


def test_an_id_listed_twice_returns_its_items_once():
    twice = np.array([[0, 0, 1]], np.int32)
    found = SHELVES.first(twice, 9)[0][0]
    assert found[found >= 0].tolist() == [1, 2, 0, 3]


def test_under_a_limit_a_wider_beam_may_find_less_where_ids_share_the_room():
    """Both items of the best id fit alone; a second id takes the room of one of them."""
    beams, targets = np.array([[2, 0]], np.int32), Ragged.of([[4, 5]])
    widths = np.array([1, 2])
    shared = hit_rate_at_items(beams, widths, targets, IDS, SHELVES, 2, fill=Fill.BREADTH)
    assert shared.tolist() == [[1.0, 0.5]]
    assert hit_rate_at_items(beams, widths, targets, IDS, SHELVES, 2).tolist() == [[1.0, 1.0]]


@settings(max_examples=60)
@given(worlds(), st.integers(1, 50), st.sampled_from([None, 1, 2, 5]), st.sampled_from(list(Fill)))
def test_lists_places_and_recall_agree_with_a_slow_expansion(world, limit, cap, fill):
    ids, shelves, beams, targets = world
    widths = np.arange(1, beams.shape[1] + 1)
    place_TW = item_place_TW(beams, widths, targets, ids, shelves, cap, fill=fill)
    hits_BW = hit_rate_at_items(beams, widths, targets, ids, shelves, limit, cap, fill=fill)
    for b, row in enumerate(beams):
        wanted = targets.values[targets.pointer[b] : targets.pointer[b + 1]].tolist()
        for at, width in enumerate(widths):
            slow = listed(row, shelves, width, cap, fill)
            fast = shelves.first(beams[:, :width], limit, cap, fill=fill)[0][b]
            assert fast[fast >= 0].tolist() == slow[:limit]
            for t, item in enumerate(wanted, targets.pointer[b]):
                expected = slow.index(item) if item in slow else np.iinfo(np.int64).max
                assert place_TW[t, at] == expected
            share = np.mean([item in slow[:limit] for item in wanted])
            assert hits_BW[b, at] == pytest.approx(share)
    found, _ = shelves.first(beams, limit, cap, fill=fill)
    np.testing.assert_allclose(recall_B(found, targets, limit), hits_BW[:, -1])


@settings(max_examples=30)
@given(worlds())
def test_without_limits_item_recall_is_the_hit_rate_and_grows_with_the_beam(world):
    ids, shelves, beams, targets = world
    found, _ = shelves.first(beams, len(ids))
    whole = hit_rate_B(beams, beams.shape[1], targets, ids)
    np.testing.assert_allclose(recall_B(found, targets, len(ids)), whole)
    rates = [hit_rate_B(beams, n, targets, ids) for n in range(beams.shape[1] + 1)]
    assert (np.diff(rates, axis=0) >= 0).all()
    assert not rates[0].any()
    np.testing.assert_array_equal(shelves.returned_BN(beams)[:, -1], (found >= 0).sum(axis=1))


def test_recall_counts_the_first_k_items_only():
    found, _ = SHELVES.first(BEAMS, 5)
    assert recall_B(found, TARGETS, 2).tolist() == [0.5, 0.5]
    assert recall_B(found, TARGETS, 5).tolist() == [1.0, 0.5]


def test_a_wider_beam_returns_the_items_of_all_its_ids():
    assert SHELVES.returned_BN(BEAMS).tolist() == [[2, 5, 6], [1, 1, 1]]
    assert SHELVES.returned_BN(BEAMS, cap=1).tolist() == [[1, 2, 3], [1, 1, 1]]


def test_the_narrowest_beam_is_found_on_curves_that_fall_again():
    assert narrowest(np.array([0.1, 0.5, 0.3]), 0.3) == 2
    assert narrowest(np.array([0.1, 0.5, 0.3]), 0.6) is None


def test_items_are_out_of_reach_for_want_of_an_id_or_of_a_beam():
    found = reach(np.array([[0, -1]], np.int32), IDS)
    assert (found.without_id, found.unreached) == (pytest.approx(1 / 7), pytest.approx(3 / 7))
    kept = np.arange(7) < 3
    assert reach(np.array([[0, -1]], np.int32), IDS, kept).unreached == 0.0
    with pytest.raises(DataError, match="must want at least one"):
        reach(BEAMS, IDS, np.zeros(7, np.bool_))


def test_positions_count_the_prompt_once_and_each_surviving_prefix():
    """Prefixes: 2 at level 1, 3 ids; only the first level is fed back."""
    prefix_L = prefixes_L(IDS)
    assert prefix_L.tolist() == [2, 3]
    assert positions(1, 10.0, prefix_L) == 11
    assert positions(50, 10.0, prefix_L) == 12
    assert positions(50, 10.0, np.array([20, 400, 900])) == 10 + 20 + 50
    assert beam_for_positions(100, 10.0, np.array([20, 400, 900]), 500) == 70
    assert beam_for_positions(11, 10.0, np.array([20, 400, 900]), 500) is None


@pytest.mark.parametrize(
    ("beams", "targets", "message"),
    [
        (BEAMS, Ragged.of([[0]]), "targets == 1 requests, must be 2"),
        (BEAMS, Ragged.of([[0], []]), r"targets\[1\] == no item, must have"),
        (BEAMS, Ragged.of([[0], [1, 2, 1]]), r"targets\[1\] == item 1 twice"),
        (BEAMS, Ragged.of([[0], [7]]), "targets == item 7, must be 0 to 6"),
        (BEAMS, Ragged.of([[0], [-1]]), "targets == item -1, must be 0 to 6"),
        (BEAMS + 1, Ragged.of([[0], [1]]), "sid_BN == 3, must be -1 to 2"),
        (BEAMS - 1, Ragged.of([[0], [1]]), "sid_BN == -2, must be -1 to 2"),
    ],
)
def test_what_does_not_fit_is_refused(beams, targets, message):
    with pytest.raises(DataError, match=message):
        hit_rate_B(beams.astype(np.int32), 1, targets, IDS)


def test_places_among_items_refuse_a_beam_with_an_id_twice():
    with pytest.raises(DataError, match=r"sid_BN\[0\] == an id twice"):
        item_place_TW(np.array([[1, 1]]), np.array([1]), Ragged.of([[0]]), IDS, SHELVES)


def test_no_requests_give_no_rates():
    nothing = Ragged.of([])
    assert hit_rate_B(np.empty((0, 5), np.int32), 3, nothing, IDS).shape == (0,)
