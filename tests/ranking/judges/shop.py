"""A shop with annotated pairs, and what a judge says of them."""

from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest

from recall.judge import GRADES, Judge, expected_grade
from recall.sampleshop import sample_history
from simulator.annotations.buying import Traffic, buy, measure
from simulator.annotations.pairs import Annotations
from simulator.annotations.settings import AnnotationsSpec
from simulator.annotations.verdicts import Verdicts
from simulator.catalogue.catalog import Supply
from simulator.catalogue.settings import CatalogSpec, StructuredSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.log.history import History
from simulator.protocols import Requests
from simulator.randomness import Draws
from simulator.shoppers.demand import generate_intents
from simulator.shoppers.settings import QuerySpec

ITEMS, PAIRS = 1_500, 3_000
AnyJudge = TypeVar("AnyJudge", bound=Judge)


def made_supply() -> Supply:
    """Items whose values are published in part."""
    spec = CatalogSpec(items=ITEMS, categories=30, structured=StructuredSpec(omitted=0.2))
    return generate_supply(spec, Draws(3))


def annotated(supply: Supply) -> tuple[Annotations, Annotations]:
    """Bought pairs, and others of other texts without a mistake."""
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


@pytest.fixture(scope="session")
def supply() -> Supply:
    """The shop, for every file of a conftest that names this."""
    return made_supply()


@pytest.fixture(scope="session")
def bought(supply: Supply) -> tuple[Annotations, Annotations]:
    """Its pairs: bought ones, and those to measure with."""
    return annotated(supply)


def taught(
    judge: AnyJudge, supply: Supply, annotations: Annotations, log: History | None = None
) -> AnyJudge:
    """The judge, fitted without a log unless there is one."""
    history = History.empty() if log is None else log
    judge.fit(supply.catalog, history, annotations, rng=np.random.default_rng(0))
    return judge


def auc(judge: Judge, pairs: Annotations) -> float:
    """Share of pairs of a good and a poor item whose order is right."""
    good, scores = pairs.grade_J >= 2, expected_grade(told(judge, pairs))
    return float((scores[good][:, None] > scores[~good][None, :]).mean())


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


def clicking(supply: Supply, pairs: Annotations, *, blind: bool = False) -> History:
    """A log: of four items shown in any order, the one that a pair grades 2 or 3 is clicked.

    With `blind` any of the four is.
    """
    rng, good = np.random.default_rng(2), np.flatnonzero(pairs.grade_J >= 2)
    drawn_R = rng.choice(good, 4_000)
    log, row_R = sample_history(supply.catalog, len(drawn_R), texts=pairs.texts), np.arange(4_000)
    item_RK = rng.integers(0, len(supply.catalog), (len(drawn_R), 4))
    place_R = rng.integers(0, 4, len(drawn_R))
    item_RK[row_R, place_R] = pairs.item_J[drawn_R]
    clicked_RK = np.zeros(item_RK.shape, np.bool_)
    clicked_RK[row_R, rng.integers(0, 4, len(drawn_R)) if blind else place_R] = True
    return replace(
        log,
        text_R=pairs.text_J[drawn_R].astype(np.int32),
        item_X=item_RK.astype(np.int32).ravel(),
        clicked_X=clicked_RK.ravel(),
    )
