import numpy as np
import pytest

from cqsid.beam import Frontier, Selection

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


@pytest.mark.parametrize("beams", [1, 2, 4, 6])
@pytest.mark.parametrize("gap", [0.0, 0.3, 2.0])
def test_a_beam_that_promises_nothing_has_no_child_that_is_kept(beams, gap):
    rng = np.random.default_rng(beams)
    logits_AK = rng.normal(size=(2, 4)).astype(np.float32)
    norm_A = np.array([2.0, 2.0], np.float32)
    beam = (np.zeros(2, np.int64), np.array([0, 1], np.int32), np.array([-1, -2], np.float32))
    selection = offered(beams)
    before = selection.frontier().node_RN
    promising_A = selection.promising(*beam, (logits_AK, norm_A - gap), (POINTER, CODE))
    every, some = offered(beams), offered(beams)
    kept = np.flatnonzero(promising_A)
    row_S, node_S, score_S = (column[kept] for column in beam)
    some.offer(row_S, node_S, score_S, (logits_AK[kept], norm_A[kept]), (POINTER, CODE))
    every.offer(*beam, (logits_AK, norm_A), (POINTER, CODE))
    np.testing.assert_array_equal(some.frontier().node_RN, every.frontier().node_RN)
    np.testing.assert_array_equal(selection.frontier().node_RN, before)


def test_a_row_that_is_not_full_takes_what_it_gets():
    beam = (np.zeros(1, np.int64), np.zeros(1, np.int32), np.array([-50.0], np.float32))
    log_AK = (np.zeros((1, 4), np.float32), np.array([9.0], np.float32))
    assert offered(6).promising(*beam, log_AK, (POINTER, CODE)).tolist() == [True]
    assert offered(5).promising(*beam, log_AK, (POINTER, CODE)).tolist() == [False]
