import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from experiments.running.apart.grades import graded_retrieval
from simulator.shoppers.intents import Judgments

ITEMS = 40


def judgments(grades):
    """Judgments of a dictionary (query, item) -> grade."""
    pairs = sorted(grades)
    return Judgments(
        queries=tuple(f"q{q}" for q in range(max((q for q, _ in pairs), default=-1) + 1)),
        query_J=np.array([q for q, _ in pairs], np.int32),
        item_J=np.array([item for _, item in pairs], np.int32),
        grade_J=np.array([grades[pair] for pair in pairs], np.int8),
    )


def slow(items, query, grades, depth, top):
    """One list, in plain Python: (recall, ndcg, judged), None where undefined."""
    of_query = {item: grade for (q, item), grade in grades.items() if q == query}
    items = [item for item in items if item >= 0]
    positives = {item for item, grade in of_query.items() if grade >= 1}
    shown = items[:top]
    judged = sum(i in of_query for i in shown) / len(shown) if of_query and shown else None
    if not positives:
        return None, None, judged

    def gain(found):
        return sum((2**grade - 1) / math.log2(rank + 2) for rank, grade in enumerate(found))

    ideal = gain(sorted(of_query.values(), reverse=True)[:top])
    ndcg = gain([of_query.get(item, 0) for item in shown]) / ideal
    return len(positives & set(items[:depth])) / len(positives), ndcg, judged


graded = st.dictionaries(
    st.tuples(st.integers(0, 3), st.integers(0, ITEMS - 1)), st.integers(0, 3), max_size=60
)
lists = st.lists(
    st.tuples(st.integers(-1, 3), st.lists(st.integers(0, ITEMS - 1), unique=True, max_size=25)),
    min_size=1,
    max_size=5,
)


@given(graded, lists, st.integers(1, 30), st.integers(1, 12))
def test_measures_equal_a_slow_plain_version(grades, ranked, depth, top):
    known = judgments(grades)
    ranked = [(query if query < len(known.queries) else -1, items) for query, items in ranked]
    items_BN = np.full((len(ranked), 25), -1, np.int32)
    for row, (_, items) in enumerate(ranked):
        items_BN[row, : len(items)] = items
    query_B = np.array([query for query, _ in ranked], np.int32)
    depth = max(depth, top)
    found = graded_retrieval(items_BN, query_B, known, ITEMS, depth=depth, top=top)
    for row, (query, items) in enumerate(ranked):
        wanted = [math.nan if x is None else x for x in slow(items, query, grades, depth, top)]
        ours = [found.recall_B[row], found.ndcg_B[row], found.judged_B[row]]
        np.testing.assert_allclose(ours, wanted, rtol=1e-12)


GRADES = {(0, 1): 3, (0, 2): 1, (0, 3): 0, (1, 4): 0, (2, 5): 2}


def test_a_hand_made_list_has_its_hand_made_measures():
    found = graded_retrieval(
        np.array([[9, 1, 3, -1]], np.int32), np.array([0]), judgments(GRADES), ITEMS
    ).row("lexical")
    ideal = 7 + 1 / math.log2(3)
    assert (found.channel, found.queries, found.without_positives) == ("lexical", 1, 0)
    assert found.recall_at_100 == 0.5
    assert found.ndcg_at_10 == pytest.approx(7 / math.log2(3) / ideal)
    assert found.judged_at_10 == pytest.approx(2 / 3)


def test_queries_without_positives_are_left_out_of_recall_and_ndcg_and_counted():
    items_BN = np.array([[4, 6], [5, 6], [1, 2]], np.int32)
    found = graded_retrieval(items_BN, np.array([1, 2, -1]), judgments(GRADES), ITEMS)
    row = found.row("dense")
    assert (row.queries, row.without_positives) == (1, 1)
    assert (row.recall_at_100, row.ndcg_at_10, row.judged_at_10) == (1.0, 1.0, 0.5)


def test_a_channel_that_finds_nothing_scores_zero_not_null():
    found = graded_retrieval(
        np.full((1, 10), -1, np.int32), np.array([0]), judgments(GRADES), ITEMS
    )
    row = found.row("dense")
    assert (row.recall_at_100, row.ndcg_at_10, row.judged_at_10) == (0.0, 0.0, None)


def test_without_judgments_every_measure_is_none():
    found = graded_retrieval(np.array([[1, 2]], np.int32), np.array([-1]), judgments({}), ITEMS)
    row = found.row("dense")
    assert row.queries == 0
    assert row.recall_at_100 is row.ndcg_at_10 is row.judged_at_10 is None
