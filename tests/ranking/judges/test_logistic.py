"""The simplest judge learns from annotations, and nothing from annotations that mean nothing."""

from dataclasses import replace

import numpy as np
import pytest

from ranking.judges.conformance import check_judge
from ranking.judges.logistic import INPUTS, LogisticJudge
from recall.judge import GRADES, expected_grade
from simulator.annotations.pairs import Annotations
from simulator.catalogue.catalog import Supply
from simulator.errors import DataError
from simulator.protocols import Requests
from tests.ranking.judges.shop import ITEMS, macro_f1, taught, told


def test_every_judge_keeps_the_contract() -> None:
    assert [str(finding) for finding in check_judge(LogisticJudge)] == []


def test_it_grades_texts_that_it_has_not_seen_better_than_the_commonest_grade(
    supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    learned, measured = bought
    chances = told(taught(LogisticJudge(), supply, learned), measured)
    commonest = np.bincount(learned.grade_J, minlength=GRADES).argmax()
    floor = macro_f1(np.full(len(measured), commonest), measured.grade_J)
    assert macro_f1(chances.argmax(axis=1), measured.grade_J) > floor + 0.25
    good = measured.grade_J >= 2
    scores = expected_grade(chances)
    wins = scores[good][:, None] > scores[~good][None, :]
    assert wins.mean() > 0.85  # area under the curve of grade >= 2


def test_annotations_of_other_pairs_teach_nothing(
    supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    learned, measured = bought
    mixed = np.random.default_rng(0).permutation(len(learned))
    shuffled = replace(learned, grade_J=learned.grade_J[mixed])
    chances = told(taught(LogisticJudge(), supply, shuffled), measured)
    good = measured.grade_J >= 2
    scores = expected_grade(chances)
    assert np.ptp(scores) < 0.15
    commonest = np.bincount(learned.grade_J, minlength=GRADES).argmax()
    assert (chances.argmax(axis=1) == commonest).mean() > 0.9
    assert good.any()


def test_more_agreement_is_a_better_grade(
    supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    model = taught(LogisticJudge(), supply, bought[0]).model
    assert model is not None
    weights = dict(zip(INPUTS, model.weight_F.tolist(), strict=True))
    assert weights["coverage"] > 0
    assert weights["category"] > 0
    assert (np.diff(model.cut_C) >= 0).all()


def test_pairs_of_unknown_items_are_refused(
    supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    foreign = replace(bought[0], item_J=bought[0].item_J + ITEMS)
    with pytest.raises(DataError, match=r"annotations.item_J\[0\] == .* must be 0 to 1499"):
        taught(LogisticJudge(), supply, foreign)


class Stuck(LogisticJudge):
    """Breaks the contract in one way."""

    fault = ""

    def grades(self, requests: Requests, items_BN: np.ndarray) -> np.ndarray:
        found = super().grades(requests, items_BN)
        if self.fault == "padding":
            found[items_BN < 0] = 0.25
        if self.fault == "sums":
            found *= 2
        if self.fault == "batch" and len(requests):
            found = found[:, :, ::-1] if len(requests) > 1 else found
        if self.fault == "place":
            found[:, 0] = found[:, -1] if found.shape[1] else 0
        return found.astype(np.float64) if self.fault == "type" else found


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("padding", "a grade on padding"),
        ("sums", "sum to 1"),
        ("batch", "asked singly"),
        ("type", "float32"),
    ],
)
def test_the_suite_finds_who_breaks_it(fault: str, said: str) -> None:
    kind = type("Broken", (Stuck,), {"fault": fault, "__module__": __name__})
    assert any(said in str(finding) for finding in check_judge(kind))
