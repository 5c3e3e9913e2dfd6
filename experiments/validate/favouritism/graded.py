"""Channels by human grades alone, without anything that the simulator made up."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from experiments.records.validity import ChannelRecall
from experiments.running.apart.grades import DEPTH, GradedRetrieval, graded_retrieval
from experiments.validate.favouritism.placing import Answer, placed
from recall.candidates import Candidates
from simulator.shoppers.intents import Judgments

Floats = NDArray[np.float64]
_TOP = 10


def by_grades(
    found: Mapping[str, Candidates], judgments: Judgments, items: int, confidence: float
) -> tuple[ChannelRecall, ...]:
    """The order of channels by recall and by NDCG, with intervals over queries.

    Only queries with an item of grade 1 or more count. An item that nobody judged counts as
    irrelevant, which favours channels that find what was judged: see `judged_at_10`.

    Args:
        found: what each channel found for each judged query, at most `DEPTH` items.
        judgments: the grades.
        items: of the catalogue.
        confidence: level of the intervals.
    """
    query_B = np.arange(len(judgments.queries), dtype=np.int32)
    graded = {
        name: graded_retrieval(of.items_BN, query_B, judgments, items) for name, of in found.items()
    }
    rows: list[ChannelRecall] = []
    for measure in ("recall", "ndcg_at_10"):
        answers = [
            Answer(name, _values(graded[name], measure), chance)
            for name, of in found.items()
            for chance in (_chance(of, judgments, items, measure),)
        ]
        known_B = ~np.isnan(answers[0].value_B)
        rows += placed(
            *("grades", measure, [each.rows(known_B) for each in answers]),
            unit_B=query_B[known_B],
            confidence=confidence,
            judged={name: float(np.nanmean(of.judged_B)) for name, of in graded.items()},
        )
    return tuple(rows)


def _values(graded: GradedRetrieval, measure: str) -> Floats:
    return graded.recall_B if measure == "recall" else graded.ndcg_B


def _chance(found: Candidates, judgments: Judgments, items: int, measure: str) -> Floats:
    """(Q,) what as many items drawn at random are to be expected to have.

    At every rank the expected gain is the mean gain of the catalogue.
    """
    count_Q = (found.items_BN[:, :DEPTH] >= 0).sum(axis=1)
    if measure == "recall":
        return np.asarray(count_Q / items)
    queries = len(judgments.queries)
    gain_J = np.exp2(judgments.grade_J.astype(np.float64)) - 1
    gain_Q = np.bincount(judgments.query_J, gain_J, queries) / items
    discount_K = 1 / np.log2(np.arange(_TOP) + 2.0)
    shown_Q = np.minimum(count_Q, _TOP)
    dcg_Q = gain_Q * np.concatenate(([0.0], np.cumsum(discount_K)))[shown_Q]
    best_Q = np.zeros(queries)
    for query in range(queries):
        best_K = np.sort(gain_J[judgments.query_J == query])[::-1][:_TOP]
        best_Q[query] = (best_K * discount_K[: len(best_K)]).sum()
    return np.asarray(np.divide(dcg_Q, best_Q, out=np.zeros(queries), where=best_Q > 0))
