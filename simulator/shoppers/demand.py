"""The intents of a world: what is wanted how often, and in which words."""

from dataclasses import replace

import numpy as np

from simulator.catalogue.catalog import Supply
from simulator.randomness import Draws, Floats
from simulator.shoppers.intents import Intents, Judgments, Wording
from simulator.shoppers.settings import QuerySpec
from simulator.shoppers.wants import drawn_wishes, judged_wishes
from simulator.shoppers.wording import word_wishes

# First wordings, uncalibrated: those in the shop's own words share what the vocabulary gap leaves.
_SHOP_WORDINGS = {
    Wording.SPECIFIC: 0.64,
    Wording.GENERIC: 0.12,
    Wording.BRAND: 0.14,
    Wording.AMBIGUOUS: 0.1,
}
_GAP_WORDINGS = {Wording.SYNONYM: 0.6, Wording.MISSPELLED: 0.25, Wording.KNOWLEDGE: 0.15}

NO_JUDGMENTS = Judgments((), np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int8))


def generate_intents(
    supply: Supply, spec: QuerySpec, draws: Draws, judgments: Judgments = NO_JUDGMENTS
) -> Intents:
    """Intents derived from items sampled by demand, and from the judged queries where given.

    Frequencies follow the Zipf-Mandelbrot law of `simulator.catalogue.sampling`. Every intent has a
    SPECIFIC wording; the others exist where it has the words for them.
    """
    wanted = drawn_wishes(supply, spec.intents, spec.brand_share, draws)
    if judgments.queries:
        share = spec.judged_share
        asked = judged_wishes(supply, judgments, draws)
        wanted = replace(wanted, weight_Q=(1 - share) * wanted.weight_Q).joined(
            replace(asked, weight_Q=share * asked.weight_Q)
        )
    texts, text_QX = word_wishes(wanted, supply, judgments, draws)
    return Intents(
        texts=texts,
        category_Q=wanted.category_Q,
        department_Q=wanted.department_Q,
        values_QW=wanted.values_QW,
        brand_Q=wanted.brand_Q,
        weight_Q=wanted.weight_Q / wanted.weight_Q.sum(),
        text_QX=text_QX,
        wording_X=_wording_shares(spec.vocabulary_gap),
        judged_Q=wanted.judged_Q,
        judgments=judgments,
    )


def _wording_shares(gap: float) -> Floats:
    share_X = np.zeros(len(Wording))
    for wording, share in _SHOP_WORDINGS.items():
        share_X[wording] = (1 - gap) * share
    for wording, share in _GAP_WORDINGS.items():
        share_X[wording] = gap * share
    return share_X
