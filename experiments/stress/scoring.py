"""How well a scorer of pairs keeps conditions apart: win rates, order of a chain, and wording."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.stress.conditions import STYLES, ConditionSet, Texts
from recall.channel import PairScorer
from simulator.catalogue.catalog import Ints
from simulator.protocols import Requests

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Compared:
    """What a scorer says of a set, comparison by comparison; NaN where there is none.

    Attributes:
        ahead_SPK: 1 where the positive scores above the hard negative of the request of k + 1
            conditions, 0 where below or equal, by style.
        tied_SPK: 1 where both score the same.
        ordered_SPK: the same of neighbours in the chain positive, one failed, two failed, ..; of
            the request of all conditions.
        turned_PK: 1 where a neighbour is ahead in one style and not in the other.
    """

    ahead_SPK: Floats
    tied_SPK: Floats
    ordered_SPK: Floats
    turned_PK: Floats


def compare(scorer: PairScorer, found: ConditionSet) -> Compared:
    """Ask a scorer for the positives and all that stands against them.

    Args:
        scorer: of a text and items; asked once for each style and number of conditions.
        found: the set.
    """
    ahead_SPK = np.full(found.texts_SPK.shape, np.nan, np.float32)
    tied_SPK, ordered_SPK = ahead_SPK.copy(), ahead_SPK.copy()
    for style in range(len(STYLES)):
        for k in range(found.negative_PK.shape[1]):
            both_P2 = np.stack([found.item_P, found.negative_PK[:, k]], axis=1)
            known_P = (k < found.count_P) & (both_P2[:, 1] >= 0)
            scores_P2 = _scores(scorer, found.texts_SPK[style, :, k], both_P2, known_P)
            first_P, other_P = scores_P2.T
            ahead_SPK[style, :, k] = np.where(known_P, first_P > other_P, np.nan)
            tied_SPK[style, :, k] = np.where(known_P, first_P == other_P, np.nan)
        ordered_SPK[style] = _ordered(scorer, found, style)
    known_PK = ~np.isnan(ordered_SPK).any(axis=0)
    turned_PK = np.where(known_PK, ordered_SPK[0] != ordered_SPK[1], np.nan)
    return Compared(ahead_SPK, tied_SPK, ordered_SPK, turned_PK.astype(np.float32))


def _ordered(scorer: PairScorer, found: ConditionSet, style: int) -> Floats:
    """(P, K) whether the neighbour that fails one condition fewer scores higher."""
    rows = np.arange(len(found))
    text_P = found.texts_SPK[style, rows, found.count_P - 1]
    items_PN = np.concatenate([found.item_P[:, None], found.chain_PK], axis=1)
    scores_PN = _scores(scorer, text_P, items_PN, np.ones(len(found), np.bool_))
    known_PK = (items_PN[:, :-1] >= 0) & (items_PN[:, 1:] >= 0)
    return np.where(known_PK, scores_PN[:, :-1] > scores_PN[:, 1:], np.nan).astype(np.float32)


def _scores(scorer: PairScorer, text_P: Texts, items_PN: Ints, known_P: Flags) -> Floats:
    """(P, N) scores of items by their row's text; NaN where a row is not known."""
    scores_PN = np.full(items_PN.shape, np.nan, np.float32)
    if known_P.any():
        requests = Requests.of_texts(tuple(text_P[known_P].tolist()))
        scores_PN[known_P] = scorer.pair_scores(requests, items_PN[known_P].astype(np.int32))
    return scores_PN
