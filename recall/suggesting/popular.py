"""The control of every suggester: what was asked most lately."""

import numpy as np
from numpy.typing import NDArray

from recall.steps.owntexts import OwnTexts, asked_texts
from recall.steps.tools import Tools
from recall.suggesting.settings import PopularTextsSpec
from recall.suggesting.suggester import Suggestions
from simulator.catalogue.catalog import Catalog, Ints
from simulator.log.history import History
from simulator.protocols import DAY, Requests


class PopularSuggester:
    """The commonest texts of the last days; of equal ones the first of the alphabet."""

    def __init__(self, spec: PopularTextsSpec | None = None, name: str = "popular") -> None:
        self.name = name
        self._spec = spec or PopularTextsSpec()

    def fit(
        self, catalog: Catalog, history: History, tools: Tools, *, rng: np.random.Generator
    ) -> None:
        """Count the texts."""
        since = history.at_R.max(initial=0.0) - self._spec.days * DAY
        texts, _, row_R = asked_texts(history)
        lately_R = (history.page_R == 0) & (history.at_R >= since)
        times_T = np.bincount(row_R[lately_R], minlength=len(texts))
        self._own, self._share_T = OwnTexts(texts), shares(times_T)

    def suggest(self, requests: Requests, most: int) -> Suggestions:
        """The commonest texts but the one that was asked."""
        score_BT = np.broadcast_to(self._share_T, (len(requests), len(self._own)))
        return best_texts(self._own, requests, score_BT, most)


def shares(times_T: NDArray[np.integer]) -> NDArray[np.float32]:
    """(T,) how often each was counted, over all."""
    return (times_T / max(float(times_T.sum()), 1.0)).astype(np.float32)


def best_texts(
    own: OwnTexts, requests: Requests, score_BT: NDArray[np.float32], most: int
) -> Suggestions:
    """The texts of the best scores above 0, of equal ones the first; never the text asked."""
    row_B = own.rows(requests)
    scores = np.array(score_BT, np.float32)
    asked_B = np.flatnonzero(row_B >= 0)
    scores[asked_B, row_B[asked_B]] = 0
    order_BK: Ints = np.argsort(-scores, axis=1, kind="stable")[:, :most].astype(np.int32)
    scores_BK = np.take_along_axis(scores, order_BK, axis=1)
    row_BK = np.where(scores_BK > 0, order_BK, np.int32(-1))
    scores_BK = np.where(scores_BK > 0, scores_BK, np.float32(0))
    return Suggestions(own.places(requests, row_BK), scores_BK, own.known(requests))
