import numpy as np
import pytest
from hypothesis import given, strategies as st

from cqsid.tokenizer.schemes.finish import Overflow
from tests.cqsid.shop import tiny_signals
from tests.cqsid.tokenizer.schemes.fakes import base_of

SIGNALS = tiny_signals(40, 20, later=0)
CODES = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3)), min_size=40, max_size=40)


def placed(codes_IL, sizes, capacity, known=40):
    finish = Overflow(capacity)
    base = base_of(SIGNALS, np.arange(known), codes_IL, sizes)
    return finish, finish.fit(base, SIGNALS, rng=np.random.default_rng(0))


def by_hand(codes_IL, size, capacity):
    """The rule, item after item."""
    held: dict[tuple[int, int], int] = {}
    final = []
    for prefix, code in np.asarray(codes_IL).tolist():
        ring = [(code + step) % size for step in range(size)]
        code = next((k for k in ring if held.get((prefix, k), 0) < capacity), code)
        held[prefix, code] = held.get((prefix, code), 0) + 1
        final.append((prefix, code))
    return np.array(final)


@given(CODES, st.integers(1, 6))
def test_overflow_equals_the_rule_item_after_item(codes, capacity):
    _, ids = placed(codes, (2, 4), capacity)
    np.testing.assert_array_equal(ids.codes_IL, by_hand(codes, 4, capacity))
    assert ids.sizes == (2, 4)


@given(CODES, st.integers(1, 6), st.integers(0, 40))
def test_new_items_go_where_they_would_have_gone_as_last_items(codes, capacity, known):
    finish, ids = placed(codes, (2, 4), capacity, known)
    base = base_of(SIGNALS, np.arange(known, 40), codes, (2, 4))
    full = finish.assign(base, SIGNALS, ids)
    np.testing.assert_array_equal(full.codes_IL, by_hand(codes, 4, capacity))


@pytest.mark.parametrize("capacity", [5, 6])
def test_no_id_exceeds_the_capacity_while_its_prefix_has_room(capacity):
    codes_IL = np.zeros((40, 2), np.int32)
    _, ids = placed(codes_IL, (1, 8), capacity)
    assert np.unique(ids.key_I, return_counts=True)[1].max() <= capacity


def test_a_prefix_that_is_full_keeps_items_in_their_own_code():
    codes_IL = np.zeros((40, 2), np.int32)
    _, ids = placed(codes_IL, (1, 4), 5)
    assert np.bincount(ids.codes_IL[:, 1]).tolist() == [25, 5, 5, 5]
