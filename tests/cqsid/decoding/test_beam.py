import numpy as np

from cqsid.decoding.frontier import Frontier, Selection, best_children

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


def test_the_floor_is_the_last_kept_child_once_a_row_is_full():
    assert offered(2).floors().tolist() == [-2.0]
    assert offered(5).floors().tolist() == [-4.0]
    assert offered(6).floors().tolist() == [-np.inf]


def test_what_a_copy_is_offered_stays_with_it():
    selection = offered(2)
    other = selection.copy()
    beam = (np.zeros(1, np.int64), np.zeros(1, np.int32), np.zeros(1, np.float32))
    other.offer(*beam, (np.zeros((1, 4), np.float32), np.zeros(1, np.float32)), (POINTER, CODE))
    assert other.frontier().node_RN.tolist() == [[0, 1]]
    assert selection.frontier().node_RN.tolist() == offered(2).frontier().node_RN.tolist()


def test_the_best_child_is_the_best_of_those_that_exist():
    logits_AK = np.array([[1, 9, 9, 2], [3, 5, 4, 9]], np.float32)
    found = best_children(np.array([0, 1], np.int32), logits_AK, (POINTER, CODE))
    assert found.tolist() == [2, 5]


def test_parents_are_found_among_the_beams_before():
    before = Frontier(np.array([[1, 0, -1]], np.int32), np.zeros((1, 3), np.float32))
    later = Frontier(np.array([[4, 0, 1, 2]], np.int32), np.zeros((1, 4), np.float32))
    assert before.parents(later, POINTER).tolist() == [[0, 1, 1, 0]]
