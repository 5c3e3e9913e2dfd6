"""The table of semantic ids."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from cqsid.tokenizer.ids import SemanticIds, pack, unpack
from simulator.errors import DataError

CODES = np.array([[1, 0], [0, 2], [-1, -1], [1, 0]], np.int32)


def test_ids_in_use_are_sorted_and_distinct_and_items_point_to_theirs():
    ids = SemanticIds(CODES, (2, 3))
    np.testing.assert_array_equal(ids.sids_SL, [[0, 2], [1, 0]])
    np.testing.assert_array_equal(ids.sid_I, [1, 0, -1, 1])


def test_leaving_items_out_takes_their_ids_out_of_use():
    ids = SemanticIds(CODES, (2, 3)).among(np.array([False, True, True, False]))
    np.testing.assert_array_equal(ids.sids_SL, [[0, 2]])
    np.testing.assert_array_equal(ids.sid_I, [-1, 0, -1, -1])


@given(st.lists(st.integers(1, 50), min_size=1, max_size=4), st.data())
def test_packing_keeps_codes_and_their_order(sizes, data):
    codes = data.draw(st.lists(st.tuples(*[st.integers(0, size - 1) for size in sizes])))
    codes_NL = np.array(codes, np.int32).reshape(len(codes), len(sizes))
    keys = pack(codes_NL, tuple(sizes))
    np.testing.assert_array_equal(unpack(keys, tuple(sizes)), codes_NL)
    assert [tuple(row) for row in codes_NL[np.argsort(keys, kind="stable")]] == sorted(codes)


@pytest.mark.parametrize(
    ("codes", "sizes", "message"),
    [
        ([[0, 3]], (2, 3), r"codes_IL\[0, 1\] == 3, must be 0 to 2"),
        ([[0, 0], [-1, 1]], (2, 3), r"codes_IL\[1, 0\] == -1"),
        ([[0, 0], [-2, -2]], (2, 3), r"codes_IL\[1, 0\] == -2"),
        ([[0]], (2, 3), r"codes_IL.shape == \(1, 1\), must be \(items, 2\)"),
        ([[0, 0]], (2, 0), r"sizes == \(2, 0\)"),
        ([[0, 0]], (2**40, 2**40), "multiply to below"),
    ],
)
def test_codes_that_are_no_ids_are_refused(codes, sizes, message):
    with pytest.raises(DataError, match=message):
        SemanticIds(np.array(codes, np.int32), sizes)


def test_codes_of_another_type_are_refused():
    with pytest.raises(DataError, match=r"codes_IL\.dtype == int64, must be int32"):
        SemanticIds(CODES.astype(np.int64), (2, 3))


def test_a_table_of_another_catalogue_is_refused():
    with pytest.raises(DataError, match="ids: 4 items, must be 7 as the catalogue"):
        SemanticIds(CODES, (2, 3)).check(7)


def test_a_stored_table_comes_back(tmp_path):
    ids = SemanticIds(CODES, (2, 3))
    ids.save(tmp_path / "ids.npz")
    found = SemanticIds.load(tmp_path / "ids.npz")
    np.testing.assert_array_equal(found.codes_IL, ids.codes_IL)
    assert found.sizes == ids.sizes


def test_a_file_that_holds_no_table_is_refused(tmp_path):
    path = tmp_path / "ids.npz"
    for content in (None, b"PK\x03\x04 cut"):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(DataError, match="must be an id table"):
            SemanticIds.load(path)
