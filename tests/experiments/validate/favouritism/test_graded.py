"""The order of channels by human grades: intervals over queries, beside chance."""

from itertools import permutations

import numpy as np
import pytest

from experiments.records.reading import row_of
from experiments.running.apart.grades import graded_retrieval
from experiments.validate.favouritism.graded import by_grades
from experiments.validate.favouritism.truths import _regraded
from recall.candidates import Candidates
from simulator.shoppers.intents import Judgments

ITEMS = 5


def judged(grade_QI):
    """Grades of every pair that is not -1."""
    query_J, item_J = np.nonzero(np.asarray(grade_QI) >= 0)
    grade_J = np.asarray(grade_QI)[query_J, item_J].astype(np.int8)
    texts = tuple(f"query {at}" for at in range(len(grade_QI)))
    return Judgments(texts, query_J.astype(np.int32), item_J.astype(np.int32), grade_J)


def found(items_BN):
    items = np.asarray(items_BN, np.int32)
    return Candidates(
        items, np.broadcast_to(-np.arange(items.shape[1], dtype=np.float32), items.shape)
    )


def test_the_better_channel_stands_first_and_a_query_without_relevant_items_counts_nowhere():
    judgments = judged([[3, 0, 1, -1, -1], [2, -1, 0, -1, 3], [0, 0, -1, -1, -1], [1, 2, 0, 0, 0]])
    good = found([[0, 2], [4, 0], [0, 1], [1, 0]])
    bad = found([[1, 3], [2, 4], [0, 1], [3, 1]])
    rows = by_grades({"bad": bad, "good": good}, judgments, ITEMS, 0.95)
    for measure in ("recall", "ndcg_at_10"):
        first = row_of(rows, measure=measure, place=1)
        assert first.channel == "good"
        assert first.n == 3
        assert first.found.estimate == pytest.approx(1.0)
        second = row_of(rows, measure=measure, place=2)
        assert first.over_next.estimate == pytest.approx(1.0 - second.found.estimate)
    assert row_of(rows, channel="bad").judged_at_10 == pytest.approx((1 + 2 + 2 + 2) / 8)


def test_chance_is_the_mean_over_all_lists_of_as_many_items():
    judgments = judged([[3, 0, 1, -1, 2], [1, -1, 0, -1, 3]])
    rows = by_grades({"any": found([[0, 1, 2], [3, 4, 0]])}, judgments, ITEMS, 0.95)
    every = np.array([each[:3] for each in permutations(range(ITEMS))], np.int32)
    at_B = np.repeat(np.arange(2, dtype=np.int32), len(every))
    graded = graded_retrieval(np.tile(every, (2, 1)), at_B, judgments, ITEMS)
    told = [row_of(rows, measure=measure).random for measure in ("recall", "ndcg_at_10")]
    assert told == pytest.approx([graded.recall_B.mean(), graded.ndcg_B.mean()])


def test_grades_go_with_the_truth_of_their_items():
    grade_QI = np.array([[3, 0, 1, -1, -1], [2, -1, 0, -1, 3]])
    other_I = np.array([2, 0, 4, 1, 3])
    regraded = _regraded(judged(grade_QI), other_I)
    query_B, items_BK = np.arange(2, dtype=np.int32), np.tile(np.arange(ITEMS), (2, 1))
    told = regraded.grades(query_B, items_BK, ITEMS)
    wanted = grade_QI[:, other_I].astype(float)
    np.testing.assert_array_equal(np.nan_to_num(told, nan=-1), wanted)
