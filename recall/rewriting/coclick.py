"""Texts whose clicks were on the same items: the control of every learned rewriter.

The clicks of a text are a vector over items. Of two texts whose vectors have a cosine of 0.3 or
more, the rarer one is given the commoner one, for a shop knows more of that. A text that nobody has
asked, or after which nobody has clicked, is given nothing.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from recall.arrays import counts
from recall.rewriting.rewriter import Rewrites
from recall.rewriting.settings import CoclickSpec
from recall.rewriting.wordings import Wordings
from recall.steps.owntexts import asked_texts
from recall.steps.tools import Tools
from simulator.catalogue.catalog import Catalog, Ints
from simulator.log.history import History
from simulator.protocols import Requests

_ROWS = 4_096  # texts whose cosines with all others are at hand at once


class CoclickRewriter:
    """Looks up the commoner texts of most similar clicks; see the module."""

    def __init__(self, spec: CoclickSpec | None = None, name: str = "coclick") -> None:
        self.name = name
        self._spec = spec or CoclickSpec()

    def fit(
        self, catalog: Catalog, history: History, tools: Tools, *, rng: np.random.Generator
    ) -> None:
        """Compare the clicks of all texts."""
        texts, times_T, row_R = asked_texts(history)
        clicked_X = history.clicked_X.astype(bool)
        text_F, item_F = row_R[history.row_X[clicked_X]], history.item_X[clicked_X]
        clicks = counts(text_F, item_F, np.ones(len(text_F)), (len(texts), len(catalog)))
        pairs = _cosines(clicks, times_T, self._spec.least_cosine)
        other_TR, scores_TR = _table(*pairs, times_T, self._spec.kept)
        if self._spec.permuted:
            order_T = rng.permutation(len(texts))
            other_TR, scores_TR = _without_own(other_TR[order_T], scores_TR[order_T])
        self._wordings = Wordings(texts, other_TR, scores_TR)

    def rewrite(self, requests: Requests, most: int) -> Rewrites:
        """The wordings of each text, the most similar first."""
        return self._wordings(requests, most)

    def report(self) -> dict[str, float]:
        """How many texts of the log have a wording, and how many of them on average."""
        held_TR = self._wordings.other_TR >= 0
        texts = int(held_TR.any(axis=1).sum())
        return {
            "texts": len(held_TR),
            "texts_with_a_wording": texts,
            "wordings_of_such_a_text": float(held_TR.sum() / max(texts, 1)),
        }


def _cosines(
    clicks: csr_matrix, times_T: NDArray[np.int64], least: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """P pairs of a text, a commoner one, and the cosine of their clicks.

    Of two texts that were asked equally often, the one that comes first in the alphabet counts as
    the commoner.
    """
    length_T = np.sqrt(np.asarray(clicks.multiply(clicks).sum(axis=1)).ravel())
    unit = csr_matrix(diags(1 / np.maximum(length_T, 1e-12)) @ clicks)
    found = []
    for start in range(0, clicks.shape[0], _ROWS):
        near = (unit[start : start + _ROWS] @ unit.T).tocoo()
        text_P, other_P = near.row.astype(np.int64) + start, near.col.astype(np.int64)
        rarer_P = (times_T[text_P] < times_T[other_P]) | (
            (times_T[text_P] == times_T[other_P]) & (text_P > other_P)
        )
        kept_P = rarer_P & (near.data >= least)
        found.append((text_P[kept_P], other_P[kept_P], near.data[kept_P]))
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    text_P, other_P, cosine_P = (np.concatenate(column) for column in zip(*found, strict=True))
    return text_P, other_P, cosine_P


def _table(
    text_P: NDArray[np.int64],
    other_P: NDArray[np.int64],
    cosine_P: NDArray[np.float64],
    times_T: NDArray[np.int64],
    kept: int,
) -> tuple[Ints, NDArray[np.float32]]:
    """(T, kept) the most similar texts of each, of equal ones the commoner, and the cosines."""
    cosine_P = np.minimum(cosine_P, 1.0).astype(np.float32)
    order_P = np.lexsort((other_P, -times_T[other_P], -cosine_P, text_P))
    text_P, other_P, cosine_P = text_P[order_P], other_P[order_P], cosine_P[order_P]
    first_T = np.searchsorted(text_P, np.arange(len(times_T)))
    rank_P = np.arange(len(text_P)) - first_T[text_P]
    near_P = rank_P < kept
    other_TR = np.full((len(times_T), kept), -1, np.int32)
    scores_TR = np.zeros((len(times_T), kept), np.float32)
    other_TR[text_P[near_P], rank_P[near_P]] = other_P[near_P]
    scores_TR[text_P[near_P], rank_P[near_P]] = cosine_P[near_P]
    return other_TR, scores_TR


def _without_own(
    other_TR: Ints, scores_TR: NDArray[np.float32]
) -> tuple[Ints, NDArray[np.float32]]:
    """The same without the number of a row in that row, closed up."""
    own_TR = other_TR == np.arange(len(other_TR))[:, None]
    order_TR = np.argsort(own_TR | (other_TR < 0), axis=1, kind="stable")
    other_TR = np.take_along_axis(np.where(own_TR, -1, other_TR), order_TR, axis=1)
    scores_TR = np.take_along_axis(np.where(own_TR, 0, scores_TR), order_TR, axis=1)
    return other_TR.astype(np.int32), scores_TR.astype(np.float32)
