import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from cqsid.rewards.of_log import aggregated, columns_of, row_of, sums_behind
from cqsid.rewards.reward import Samples
from recall.arrays import Ragged

sids = arrays(
    np.int32, st.tuples(st.integers(0, 4), st.integers(1, 4)), elements=st.integers(-1, 5)
)


@given(sid_BG=sids, data=st.data())
def test_sums_agree_with_adding_events_one_by_one(sid_BG, data):
    events = st.tuples(
        st.integers(0, max(len(sid_BG) - 1, 0)), st.integers(-1, 7), st.integers(1, 9)
    )
    drawn = data.draw(st.lists(events, max_size=9 if len(sid_BG) else 0))
    row_E, sid_E, amount_E = (np.array([e[i] for e in drawn], np.int64) for i in range(3))
    samples = Samples(np.zeros((*sid_BG.shape, 2), np.int32), sid_BG)
    found_BG = sums_behind(samples.sid_BG, row_E, sid_E.astype(np.int32), amount_E.astype(float))
    wanted = [
        [sum(a for r, s, a in drawn if (r, s) == (b, sid) and sid >= 0) for sid in sid_G]
        for b, sid_G in enumerate(sid_BG.tolist())
    ]
    assert found_BG.tolist() == wanted
    counted = sums_behind(samples.sid_BG, row_E, sid_E.astype(np.int32))
    assert ((counted > 0) == (found_BG > 0)).all()


@given(
    wanted_BM=arrays(np.int32, (3, 5), elements=st.integers(-1, 9)),
    held=st.lists(st.sets(st.integers(0, 9), max_size=4), min_size=3, max_size=3),
)
def test_columns_agree_with_looking_items_up_one_by_one(wanted_BM, held):
    held_BN = np.array([[*one, *[-1] * (4 - len(one))] for one in held], np.int32)
    wanted = [
        [row.tolist().index(item) if item >= 0 and item in row else -1 for item in items]
        for row, items in zip(held_BN, wanted_BM, strict=True)
    ]
    assert columns_of(wanted_BM, held_BN).tolist() == wanted


@pytest.mark.parametrize(("rows", "width", "held"), [(0, 3, 2), (2, 0, 2), (2, 3, 0)])
def test_nothing_is_found_where_nothing_is(rows, width, held):
    found = columns_of(np.zeros((rows, width), np.int32), np.zeros((rows, held), np.int32))
    assert found.shape == (rows, width)
    assert (found == -1).sum() == (found.size if not held else 0)


def test_values_are_put_together_over_the_items_there_are():
    items_BGK = np.array([[[3, 1], [4, -1], [-1, -1]]])
    values_BGK = np.array([[[-2.0, -4.0], [-5.0, 99.0], [99.0, 99.0]]])
    mean_BG, any_BG = aggregated(values_BGK, items_BGK)
    most_BG, _ = aggregated(values_BGK, items_BGK, "max")
    assert mean_BG.tolist() == [[-3, -5, 0]]
    assert most_BG.tolist() == [[-2, -5, 0]]
    assert any_BG.tolist() == [[True, True, False]]
    assert mean_BG.dtype == most_BG.dtype == np.float32


def test_each_value_knows_its_list():
    assert row_of(Ragged.of([[5, 5], [], [7]])).tolist() == [0, 0, 2]
