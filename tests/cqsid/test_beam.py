import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqsid.beam import Frontier, Selection, log_partition
from cqsid.exponential import exp32

POINTER = np.array([0, 2, 5], np.int32)
CODE = np.array([0, 3, 0, 1, 2], np.int32)


def offered(beams, *, norm=0.0):
    """Two beams of one row, nodes 0 and 1, offered one after the other."""
    selection = Selection(1, beams)
    for node, score in ((1, -1.0), (0, -2.0)):
        selection.offer(
            np.zeros(1, np.int64),
            np.array([node], np.int32),
            np.array([score], np.float32),
            (np.array([[-1.0, -3.0, -0.5, -1.0]], np.float32), np.array([norm], np.float32)),
            (POINTER, CODE),
        )
    return selection


def test_children_are_kept_by_score_then_by_node():
    found = offered(4).frontier()
    assert found.node_RN.tolist() == [[4, 2, 0, 1]]
    assert found.score_RN.tolist() == [[-1.5, -2.0, -3.0, -3.0]]


def test_missing_children_leave_padding():
    found = offered(7).frontier()
    assert found.node_RN.tolist() == [[4, 2, 0, 1, 3, -1, -1]]
    assert found.score_RN[0, 5:].tolist() == [-np.inf, -np.inf]


def test_beams_below_the_last_kept_child_are_hopeless():
    score_RM = np.array([[-1.0, -2.0, -2.1, -np.inf]], np.float32)
    assert offered(2).hopeful(score_RM).tolist() == [[True, True, False, False]]
    assert offered(6).hopeful(score_RM).tolist() == [[True, True, True, False]]


def test_parents_are_found_among_the_beams_before():
    before = Frontier(np.array([[1, 0, -1]], np.int32), np.zeros((1, 3), np.float32))
    later = Frontier(np.array([[4, 0, 1, 2]], np.int32), np.zeros((1, 4), np.float32))
    assert before.parents(later, POINTER).tolist() == [[0, 1, 1, 0]]


@given(st.lists(st.floats(-80, 80, width=32), min_size=1, max_size=200))
def test_the_partition_is_the_logarithm_of_the_summed_exponentials(logits):
    values = np.array([logits], np.float32)
    expected = np.logaddexp.reduce(values[0].astype(np.float64))
    assert log_partition(values)[0] == pytest.approx(expected, rel=2e-6, abs=2e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 5, 39])
def test_the_partition_of_a_broken_row_is_not_finite(value, place):
    logits_AV = np.zeros((2, 40), np.float32)
    logits_AV[1, place] = value
    assert np.isfinite(log_partition(logits_AV)).tolist() == [True, False]


def test_the_exponential_is_accurate_to_float32():
    x = -np.linspace(0, 86, 20_001).astype(np.float32)
    found = np.array([exp32(value) for value in x])
    np.testing.assert_allclose(found, np.exp(x.astype(np.float64)), rtol=3e-7)
    assert 0 < exp32(np.float32(-1e30)) < 1e-37
