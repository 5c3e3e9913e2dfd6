"""A shop with annotated pairs, and what a judge says of them."""

from typing import TypeVar

import numpy as np

from recall.judge import GRADES, Judge
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


def taught(judge: AnyJudge, supply: Supply, annotations: Annotations) -> AnyJudge:
    """The judge, fitted without a log."""
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
