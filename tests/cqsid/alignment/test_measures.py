from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from cqsid.alignment.measures import (
    CLK_1,
    CLK_10,
    CLK_100,
    DIVERSITY,
    EXP_1,
    EXP_10,
    FIRST_CODES,
    MEASURES,
    PVR_10,
    RECALL_200,
    categories_B,
    distinct_B,
    first_codes_B,
    item_recall_B,
    measures,
)
from cqsid.decoding.shelves import Shelves
from cqsid.rewards.logged import Logged
from cqsid.tokenizer.ids import SemanticIds, unpack
from recall.arrays import Ragged
from recall.sampleshop import sample_catalog
from simulator.errors import DataError
from simulator.protocols import Requests

# Two items to each of twelve ids, in order; items 24 and 25 have no id. Categories are item % 3.
SIZES = (3, 4)
CODES_IL = np.concatenate([unpack(np.arange(24) // 2, SIZES), np.full((2, 2), -1)]).astype(np.int32)
IDS = SemanticIds(CODES_IL, SIZES)
SHELVES = Shelves.of(IDS, -np.arange(26.0))
CATALOG = replace(sample_catalog(26), category_I=(np.arange(26) % 3).astype(np.int32))


def logged_of(exposed, clicked):
    n, shown = len(exposed), Ragged.of(exposed)
    requests, bought = Requests.of_texts(("a",) * n), Ragged.of([[]] * n)
    ones = np.ones(len(shown.values), np.float32)
    return Logged(requests, shown, Ragged.of(clicked), bought, np.zeros(n), ones)


def beams(*rows, width=100):
    sid_BN = np.full((len(rows), width), -1, np.int32)
    for row, sids in zip(sid_BN, rows, strict=True):
        row[: len(sids)] = sids
    return sid_BN


def measured(sid_BN, exposed, clicked):
    return measures(sid_BN, logged_of(exposed, clicked), IDS, SHELVES, CATALOG)


def test_all_measures_of_two_requests_equal_those_counted_by_hand():
    found = measured(
        beams([3, 0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11], [5]),
        exposed=[[6, 20, 22, 1], [0, 2, 24]],
        clicked=[[20, 7, 21], [10, 0]],
    )
    # Ids of the first request's items: 3, 10, 11, 0 and 10, 3, 10; of the second's 0, 1 and 5, 0.
    wanted = {
        CLK_1: [1 / 3, 1 / 2],
        CLK_10: [1 / 3, 1 / 2],
        CLK_100: [1.0, 1 / 2],
        EXP_1: [1.0, 0.0],
        EXP_10: [1.0, 0.0],
        PVR_10: [2 / 4, 0.0],
        RECALL_200: [1.0, 1 / 2],
        DIVERSITY: [3 / 10, 1 / 10],
        FIRST_CODES: [3.0, 1.0],
    }
    assert list(found) == list(wanted) == list(MEASURES)
    for name, values in wanted.items():
        assert found[name].dtype == np.float64
        np.testing.assert_allclose(found[name], values, err_msg=name)


def test_names_are_the_published_ones():
    assert (CLK_1, CLK_10, EXP_1, EXP_10, PVR_10) == (
        "clk@1",
        "clk@10",
        "exp@1",
        "exp@10",
        "pvr@10",
    )
    assert (CLK_100, RECALL_200) == ("clk@100", "recall@200")


@given(st.integers(0, 10_000))
def test_measures_are_shares_that_grow_with_the_beam_and_contain_one_another(seed):
    rng = np.random.default_rng(seed)
    sid_BN = np.stack([rng.permutation(12) for _ in range(5)]).astype(np.int32)
    exposed = [rng.choice(26, rng.integers(1, 9), replace=False).tolist() for _ in range(5)]
    clicked = [some[: rng.integers(1, len(some) + 1)] for some in exposed]
    found = measured(sid_BN, exposed, clicked)
    assert all(np.isfinite(values).all() and values.shape == (5,) for values in found.values())
    assert all((values >= 0).all() for values in found.values())
    assert all((found[name] <= 1).all() for name in MEASURES if name != FIRST_CODES)
    assert (found[CLK_1] <= found[CLK_10]).all()
    assert (found[CLK_10] <= found[CLK_100]).all()
    assert (found[EXP_1] <= found[EXP_10]).all()
    assert (found[PVR_10] <= found[EXP_10]).all()
    np.testing.assert_array_equal(found[PVR_10] > 0, found[EXP_10] > 0)
    assert (found[EXP_10] >= (found[CLK_10] > 0)).all()  # what was clicked was exposed
    np.testing.assert_array_equal(found[RECALL_200], found[CLK_100])  # all items are on sale


def test_item_recall_ends_after_two_hundred_items_and_misses_what_is_not_on_sale():
    ids = SemanticIds(unpack(np.arange(300) // 150, (2, 1)), (2, 1))
    shelves = Shelves.of(ids, -np.arange(300.0))
    targets = Ragged.of([[0, 149, 199, 200]])
    recall = item_recall_B(np.array([[0, 1]], np.int32), targets, shelves)
    assert recall.tolist() == [0.75]
    gone = shelves.on_sale(np.arange(300) != 149)
    assert item_recall_B(np.array([[0, 1]], np.int32), targets, gone).tolist() == [0.75]
    assert item_recall_B(np.array([[1, 0]], np.int32), targets, gone).tolist() == [0.75]
    assert item_recall_B(np.array([[0, -1]], np.int32), targets, gone).tolist() == [0.25]


def test_unknown_categories_and_empty_ids_do_not_count_as_categories():
    catalog = replace(CATALOG, category_I=np.where(np.arange(26) < 4, -1, 1).astype(np.int32))
    sid_BN = np.array([[0, 1, -1], [0, 2, 3], [2, 11, -1]], np.int32)
    assert categories_B(sid_BN, SHELVES, catalog).tolist() == [0, 1, 1]
    empty = SHELVES.on_sale(np.zeros(26, np.bool_))
    assert categories_B(sid_BN, empty, catalog).tolist() == [0, 0, 0]
    last = SHELVES.on_sale(np.arange(26) < 22)  # the last id is left without items
    assert categories_B(np.array([[11, 2]], np.int32), last, catalog).tolist() == [1]


def test_first_codes_are_counted_among_the_ids_that_are_there():
    sid_BN = np.array([[0, 1, 2], [0, 4, 8], [-1, -1, -1], [11, -1, 0]], np.int32)
    assert first_codes_B(sid_BN, IDS).tolist() == [1, 3, 0, 2]


@given(
    st.lists(
        st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=4, max_size=4), max_size=5
    )
)
def test_distinct_values_are_those_of_a_set(rows):
    values = np.array([[v for v, _ in row] for row in rows], np.int32).reshape(-1, 4)
    counted = np.array([[c for _, c in row] for row in rows], np.bool_).reshape(-1, 4)
    wanted = [len({v for v, c in row if c}) for row in rows]
    assert distinct_B(values, counted).tolist() == wanted
    assert distinct_B(values[:, :0], counted[:, :0]).tolist() == [0] * len(rows)


def test_distinct_values_may_be_the_least_of_their_type():
    least = np.iinfo(np.int32).min
    values = np.array([[least, 5, 5]], np.int32)
    assert distinct_B(values, np.array([[True, False, True]])).tolist() == [2]


@pytest.mark.parametrize(
    ("exposed", "clicked", "message"),
    [
        ([[0], [1]], [[0], []], r"logged.clicked\[1\] == no item, must have at least one"),
        ([[], [1]], [[0], [1]], r"logged.exposed\[0\] == no item, must have at least one"),
        ([[0], [1]], [[26], [1]], r"targets == item 26, must be 0 to 25"),
    ],
)
def test_requests_that_cannot_be_measured_are_refused(exposed, clicked, message):
    with pytest.raises(DataError, match=message):
        measured(beams([0], [1]), exposed, clicked)


def test_beams_that_are_too_narrow_or_of_other_ids_are_refused():
    with pytest.raises(DataError, match=r"sid_BN.shape == \(1, 9\), must be \(requests, >= 10\)"):
        measured(beams([0], width=9), [[0]], [[0]])
    with pytest.raises(DataError, match=r"sid_BN == 12, must be -1 to 11"):
        measured(beams([12]), [[0]], [[0]])
    with pytest.raises(DataError, match=r"targets == 1 requests, must be 2"):
        measured(beams([0], [1]), [[0]], [[0]])


def test_no_request_has_no_measures():
    found = measured(np.zeros((0, 10), np.int32), [], [])
    assert all(values.shape == (0,) for values in found.values())
