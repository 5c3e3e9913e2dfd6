"""The simplest judge learns from annotations, and nothing from annotations that mean nothing."""

from dataclasses import replace

import numpy as np
import pytest

from ranking.judges.conformance import check_judge
from ranking.judges.logistic import INPUTS, LogisticJudge
from recall.judge import GRADES, Judge, expected_grade
from simulator.annotations.buying import Traffic, buy, measure
from simulator.annotations.pairs import Annotations
from simulator.annotations.settings import AnnotationsSpec
from simulator.annotations.verdicts import Verdicts
from simulator.catalogue.catalog import Supply
from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.errors import DataError
from simulator.log.history import History
from simulator.protocols import Requests
from simulator.randomness import Draws
from simulator.shoppers.demand import generate_intents
from simulator.shoppers.settings import QuerySpec

ITEMS, PAIRS = 1_500, 3_000


@pytest.fixture(scope="module")
def supply() -> Supply:
    return generate_supply(CatalogSpec(items=ITEMS, categories=30), Draws(3))


@pytest.fixture(scope="module")
def bought(supply: Supply) -> tuple[Annotations, Annotations]:
    """Annotated pairs, and others without a mistake of other texts."""
    intents = generate_intents(supply, QuerySpec(intents=600), Draws(4))
    rng = np.random.default_rng(1)
    need = rng.integers(0, len(intents.category_Q), 6_000)
    text = intents.text_QX[need, np.argmax(intents.text_QX[need] >= 0, axis=1)]
    own = supply.truth.category_I[None, :] == intents.category_Q[need][:, None]
    item = np.argmax(own * rng.random(own.shape), axis=1)  # of the wanted category
    near = np.stack([text, item], axis=1).astype(np.int32)
    any_ = np.stack([text, rng.integers(0, ITEMS, len(text))], axis=1).astype(np.int32)
    traffic = Traffic(text.astype(np.int32), near, any_, ITEMS)
    verdicts = Verdicts(intents, supply.truth)
    spec = AnnotationsSpec(pairs=PAIRS)
    return buy(traffic, verdicts, spec, Draws(5)), measure(traffic, verdicts, 1_500, Draws(5))


def taught(supply: Supply, annotations: Annotations) -> LogisticJudge:
    judge = LogisticJudge()
    judge.fit(supply.catalog, History.empty(), annotations, rng=np.random.default_rng(0))
    return judge


def told(judge: Judge, pairs: Annotations) -> np.ndarray:
    """(J, G) what a judge says of pairs."""
    asked = Requests.of_texts(tuple(pairs.texts[text] for text in pairs.text_J))
    return judge.grades(asked, pairs.item_J[:, None])[:, 0]


def macro_f1(found: np.ndarray, true: np.ndarray) -> float:
    scores = []
    for grade in range(GRADES):
        hit = ((found == grade) & (true == grade)).sum()
        scores.append(2 * hit / max((found == grade).sum() + (true == grade).sum(), 1))
    return float(np.mean(scores))


def test_every_judge_keeps_the_contract() -> None:
    assert [str(finding) for finding in check_judge(LogisticJudge)] == []


def test_it_grades_texts_that_it_has_not_seen_better_than_the_commonest_grade(
    supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    learned, measured = bought
    chances = told(taught(supply, learned), measured)
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
    chances = told(taught(supply, shuffled), measured)
    good = measured.grade_J >= 2
    scores = expected_grade(chances)
    assert np.ptp(scores) < 0.15
    commonest = np.bincount(learned.grade_J, minlength=GRADES).argmax()
    assert (chances.argmax(axis=1) == commonest).mean() > 0.9
    assert good.any()


def test_more_agreement_is_a_better_grade(
    supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    model = taught(supply, bought[0]).model
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
        taught(supply, foreign)


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
