"""The intents of a world: what is wanted how often, and in which words."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from simulator.catalogue.catalog import Supply
from simulator.randomness import Draws, Floats
from simulator.shoppers.asked import asked_wishes
from simulator.shoppers.intents import NOTHING_ASKED, Asked, Intents, Judgments, Wording
from simulator.shoppers.settings import QuerySpec, WordingName
from simulator.shoppers.wants import drawn_wishes, judged_wishes
from simulator.shoppers.words.roundabout import Roundabout
from simulator.shoppers.words.variation import own_spellings, said_by
from simulator.shoppers.words.wording import word_wishes

NO_JUDGMENTS = Judgments((), np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int8))


def generate_intents(
    supply: Supply,
    spec: QuerySpec,
    draws: Draws,
    judgments: Judgments = NO_JUDGMENTS,
    asked: Asked = NOTHING_ASKED,
    asked_share: float = 1.0,
) -> Intents:
    """Intents derived from items sampled by demand, and from the judged queries where given.

    Frequencies follow the Zipf-Mandelbrot law of `simulator.shoppers.settings`. Every intent has a
    SPECIFIC wording; the others exist where it has the words for them.

    Args:
        asked: the shop's own queries.
        asked_share: of the needs that are not behind judged queries; with 1 none are generated.
    """
    if asked.texts:
        wanted = asked_wishes(supply, asked, draws)
        if asked_share < 1:
            drawn = drawn_wishes(supply, spec, draws)
            wanted = drawn.shared(wanted, asked_share)
    else:
        wanted = drawn_wishes(supply, spec, draws)
    if judgments.queries:
        wanted = wanted.shared(judged_wishes(supply, judgments, spec, draws), spec.judged_share)
    used = frozenset(Wording[name.upper()] for name in spec.used())
    roundabout = Roundabout(supply.catalog.categories, draws)
    texts, text_QX = word_wishes(wanted, supply, judgments, asked.texts, used, roundabout, draws)
    intents = Intents(
        texts=texts,
        category_Q=wanted.category_Q,
        department_Q=wanted.department_Q,
        values_QW=wanted.values_QW,
        brand_Q=wanted.brand_Q,
        weight_Q=wanted.weight_Q / wanted.weight_Q.sum(),
        text_QX=text_QX,
        wording_X=_row(spec.first_shares()),
        reword_XX=np.array([_row(row) for row in spec.said_after().values()]),
        judged_Q=wanted.judged_Q,
        asked_Q=wanted.asked_Q,
        judgments=judgments,
    )
    said = said_by(intents, supply.catalog.brands)
    texts, spellings = own_spellings(said, spec.variety, roundabout, draws)
    return replace(intents, texts=texts, spellings=spellings)


def _row(shares: Mapping[WordingName, float]) -> Floats:
    row_X = np.zeros(len(Wording))
    for name, share in shares.items():
        row_X[Wording[name.upper()]] = share
    return row_X
