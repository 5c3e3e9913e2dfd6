import numpy as np
from hypothesis import given, strategies as st

from cqsid.tokenizer.schemes.finish import ranks, starts

KEYS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=30)


@given(KEYS)
def test_ranks_count_the_rows_of_the_same_key_that_come_before(rows):
    key_N = np.array([key for key, _ in rows], np.int64)
    by_N = np.array([by for _, by in rows], np.int64)
    rank_N, count_N = ranks(key_N, by_N)
    for n, (key, by) in enumerate(rows):
        mates = [(other, m) for m, (k, other) in enumerate(rows) if k == key]
        assert rank_N[n] == sum(mate < (by, n) for mate in mates)
        assert count_N[n] == len(mates)


def test_the_first_column_of_an_order_is_the_most_important():
    rank_N, _ = ranks(np.zeros(3, np.int64), np.array([1, 0, 1]), np.array([0, 9, -1]))
    assert rank_N.tolist() == [2, 0, 1]


def test_runs_of_equal_keys_start_where_the_key_changes():
    assert starts(np.array([4, 4, 7, 9, 9, 9])).tolist() == [0, 2, 3, 6]
    assert starts(np.array([], np.int64)).tolist() == [0]
