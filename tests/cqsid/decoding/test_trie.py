import tracemalloc

import numpy as np
import pytest
from hypothesis import given, strategies as st

from cqsid.decoding.trie import Trie
from cqsid.tokenizer.ids import unpack
from simulator.errors import ContractError, DataError
from tests.cqsid.models import allowed

SIZES = (3, 4, 2)
IDS = np.array([[0, 0, 1], [0, 3, 0], [0, 3, 1], [2, 1, 0]], np.int32)

id_sets = st.integers(1, 4).flatmap(
    lambda levels: st.tuples(
        st.just((3,) * levels), st.sets(st.integers(0, 3**levels - 1), min_size=1)
    )
)


def test_a_small_trie_equals_the_drawing():
    trie = Trie.of(IDS, SIZES)
    assert [p.tolist() for p in trie.pointers] == [[0, 2], [0, 2, 3], [0, 1, 3, 4]]
    assert [c.tolist() for c in trie.codes] == [[0, 2], [0, 3, 1], [1, 0, 1, 0]]
    assert trie.first_K.tolist() == [True, False, True]
    assert len(trie) == 4
    assert trie.levels == 3


@given(id_sets)
def test_walking_the_trie_gives_back_every_id_and_no_other(drawn):
    sizes, keys = drawn
    sids_SL = unpack(np.array(sorted(keys)), sizes)
    trie, found = Trie.of(sids_SL, sizes), []

    def walk(prefix):
        if len(prefix) == len(sizes):
            found.append(prefix)
        for code in allowed(trie, prefix):
            walk([*prefix, int(code)])

    walk([])
    assert found == sids_SL.tolist()


@given(id_sets)
def test_every_prefix_has_children_and_a_leaf_is_the_row_of_its_id(drawn):
    sizes, keys = drawn
    sids_SL = unpack(np.array(sorted(keys)), sizes)
    trie = Trie.of(sids_SL, sizes)
    assert all((np.diff(pointer) >= 1).all() for pointer in trie.pointers)
    assert trie.pointers[-1][-1] == len(sids_SL)
    np.testing.assert_array_equal(trie.codes[-1], sids_SL[:, -1])


def test_a_prefix_that_no_id_has_allows_nothing():
    trie = Trie.of(IDS, SIZES)
    for prefix in ([1], [0, 2], [0, 0, 0], [9], [-1], [0, 0, 1]):
        assert allowed(trie, prefix).tolist() == []


@pytest.mark.parametrize(
    ("sids", "message"),
    [
        ([[0, 3, 0], [0, 0, 1]], r"sids_SL\[1\] == \[0, 0, 1\] after \[0, 3, 0\], must be sorted"),
        ([[0, 3, 0], [0, 3, 0]], r"sids_SL\[1\] == \[0, 3, 0\] after .* sorted and distinct"),
        ([[1, 3, 0], [0, 3, 1]], r"sids_SL\[1\] == .* must be sorted"),
        ([[0, 0, 0], [0, 4, 0]], r"sids_SL\[1, 1\] == 4, must be 0 to 3"),
        ([[-1, -1, -1], [0, 3, 0]], r"sids_SL\[0, 2\] == -1, must be 0 to 1"),
        (np.empty((0, 3)), r"len\(sids_SL\) == 0, must be >= 1"),
        ([[0, 0]], r"sids_SL.shape == \(1, 2\), must be \(ids, 3\)"),
        ([0, 0, 0], r"sids_SL.shape == \(3,\)"),
    ],
)
def test_ids_that_are_no_sorted_set_are_refused_with_row_and_value(sids, message):
    with pytest.raises(DataError, match=message):
        Trie.of(np.array(sids, np.int32), SIZES)


def test_ids_of_another_type_are_refused():
    with pytest.raises(DataError, match=r"sids_SL.dtype == int64, must be int32"):
        Trie.of(IDS.astype(np.int64), SIZES)


def test_a_hundred_thousand_ids_need_few_bytes_each():
    sizes, n_ids = (256, 256, 256), 100_000
    keys = np.random.default_rng(0).choice(256**3, n_ids, replace=False)
    sids_SL = unpack(np.sort(keys), sizes)
    tracemalloc.start()
    trie = Trie.of(sids_SL, sizes)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(array.nbytes for array in (*trie.pointers, *trie.codes)) <= 16 * n_ids
    assert peak <= 50 * n_ids


def test_a_small_trie_finds_its_ids():
    asked = [
        [0, 3, 0],
        [0, 0, 1],
        [2, 1, 0],
        [0, 3, 1],
        [0, 0, 0],
        [1, 0, 0],
        [2, 1, 1],
        [9, -1, 5],
    ]
    found = Trie.of(IDS, SIZES).find(np.array(asked, np.int32))
    assert found.tolist() == [1, 0, 3, 2, -1, -1, -1, -1]
    assert found.dtype == np.int32


@given(id_sets, st.integers(0, 99))
def test_ids_are_found_in_their_rows_and_no_others_are(drawn, seed):
    sizes, keys = drawn
    trie = Trie.of(unpack(np.array(sorted(keys)), sizes), sizes)
    asked = np.random.default_rng(seed).integers(-1, 4, (60, len(sizes))).astype(np.int32)
    row_of = {tuple(sid): row for row, sid in enumerate(trie.sids_SL.tolist())}
    expected = [row_of.get(tuple(codes), -1) for codes in asked.tolist()]
    assert trie.find(asked).tolist() == expected
    np.testing.assert_array_equal(trie.find(trie.sids_SL), np.arange(len(trie)))
    assert trie.find(asked[:0]).shape == (0,)


def test_a_child_of_nothing_is_nothing():
    trie, nodes = Trie.of(IDS, SIZES), np.array([-1, 0, 1, 0], np.int32)
    found = trie.child(1, nodes, np.array([0, 3, 1, 1], np.int32))
    assert found.tolist() == [-1, 1, 2, -1]


def test_ids_of_another_length_are_not_looked_up():
    with pytest.raises(ContractError, match=r"codes_NL.shape == \(4, 2\), must be \(N, 3\)"):
        Trie.of(IDS, SIZES).find(IDS[:, :2])
