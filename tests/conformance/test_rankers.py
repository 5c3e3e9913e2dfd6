import numpy as np
import pytest

from ranking.conformance import check_ranker
from ranking.rankers.boosted import BoostedRanker
from ranking.rankers.learned import LearnedRanker
from ranking.rankers.ranker import MergeOrderRanker
from ranking.rankers.settings import BoostedSpec, LearnedSpec

GOOD = {
    "learned": lambda features: LearnedRanker(features, LearnedSpec(epochs=2)),
    "boosted": lambda features: BoostedRanker(features, BoostedSpec(trees=5, leaf_exposures=5)),
    "merge_order": lambda features: MergeOrderRanker(),
}


class Broken(MergeOrderRanker):
    """Keeps the order of the merge, and one promise less."""

    def __init__(self, fault):
        self.fault = fault
        self.calls = 0

    def fit(self, examples, *, rng):
        if self.fault == "fit":
            raise ValueError("no examples wanted")

    def score(self, requests, pool):
        scores_BN = super().score(requests, pool)
        held_BN = pool.items_BN >= 0
        self.calls += 1
        match self.fault:
            case "shape":
                return scores_BN[:, :-1]
            case "dtype":
                return scores_BN.astype(np.float64)
            case "nan":
                return np.where(held_BN, np.float32(np.nan), scores_BN)
            case "padding":
                return np.where(held_BN, scores_BN, np.float32(0))
            case "raises":
                raise RuntimeError("no scores today")
            case "batch":
                return scores_BN + np.float32(len(scores_BN))
            case "order":
                return scores_BN + np.where(held_BN, pool.items_BN, 0).astype(np.float32)
            case "moody":
                return scores_BN + np.float32(self.calls)
            case "nobody" if not len(requests):
                raise IndexError("nobody came")
        return scores_BN

    def __getstate__(self):
        if self.fault == "saving":
            raise TypeError("cannot be kept")
        return self.__dict__


WANTED = {
    "fit": "be made and fitted",
    "shape": "have shape",
    "dtype": "be a float32 array",
    "nan": "be finite",
    "padding": "be -inf on padding",
    "raises": "score",
    "batch": "not depend on the other requests",
    "order": "follow the candidates",
    "moody": "be a function of the request",
    "nobody": "score",
    "saving": "score",
}


@pytest.mark.parametrize("name", GOOD)
def test_rankers_that_ship_keep_the_contract(name):
    assert [str(finding) for finding in check_ranker(GOOD[name])] == []


@pytest.mark.parametrize("fault", WANTED)
def test_a_broken_promise_is_named(fault):
    findings = check_ranker(lambda features: Broken(fault))
    assert findings
    assert all(WANTED[fault] in finding.wanted for finding in findings)


def test_an_object_that_is_no_ranker_is_named():
    (finding,) = check_ranker(lambda features: 3)
    assert str(finding) == "ranker == int, must have name, fit and score"
