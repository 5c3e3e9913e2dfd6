import numpy as np

from recall.candidates import Candidates


def found(items, scores):
    return Candidates(np.array(items, np.int32), np.array(scores, np.float32))


def test_joined_candidates_stand_one_below_the_other_padded_to_the_widest():
    joined = Candidates.joined([found([[7]], [[2.0]]), found([[4, 1], [3, -1]], [[1, 0], [5, 0]])])
    np.testing.assert_array_equal(joined.items_BN, [[7, -1], [4, 1], [3, -1]])
    np.testing.assert_array_equal(joined.scores_BN, [[2, 0], [1, 0], [5, 0]])
    assert (joined.items_BN.dtype, joined.scores_BN.dtype) == (np.int32, np.float32)


def test_nothing_joined_has_no_rows():
    assert Candidates.joined([]).items_BN.shape == (0, 0)


def test_rows_of_candidates_keep_their_scores():
    some = found([[1, 2], [3, 4], [5, 6]], [[9, 8], [7, 6], [5, 4]]).rows(np.array([2, 0]))
    np.testing.assert_array_equal(some.items_BN, [[5, 6], [1, 2]])
    np.testing.assert_array_equal(some.scores_BN, [[5, 4], [9, 8]])
