"""The second control of suggesters: what is asked for the categories that a shopper clicks."""

import numpy as np

from recall.arrays import counts, normalised_rows
from recall.steps.owntexts import OwnTexts, asked_texts
from recall.steps.tools import Tools
from recall.suggesting.popular import best_texts, shares
from recall.suggesting.settings import AffinitySpec
from recall.suggesting.suggester import Suggestions
from simulator.catalogue.catalog import Catalog
from simulator.log.history import History
from simulator.protocols import Requests

_POPULAR = np.float32(1e-3)  # so that popular texts follow, and serve who has clicked nothing


class AffinitySuggester:
    """Texts by their share of the clicks in the categories that the shopper clicked lately.

    Newer clicks weigh more. Behind them, and for a shopper without clicks, come popular texts.
    """

    def __init__(self, spec: AffinitySpec | None = None, name: str = "affinity") -> None:
        self.name = name
        self._spec = spec or AffinitySpec()

    def fit(
        self, catalog: Catalog, history: History, tools: Tools, *, rng: np.random.Generator
    ) -> None:
        """Count clicks by category and text."""
        texts, times_T, row_R = asked_texts(history)
        clicked_X = history.clicked_X.astype(bool)
        text_F = row_R[history.row_X[clicked_X]]
        category_F = catalog.category_I[history.item_X[clicked_X]]
        told_F = category_F >= 0
        shape = (len(catalog.categories), len(texts))
        weight_F = np.ones(int(told_F.sum()))
        self._share_CT = normalised_rows(
            counts(category_F[told_F], text_F[told_F], weight_F, shape)
        ).astype(np.float32)
        self._own, self._popular_T = OwnTexts(texts), _POPULAR * shares(times_T)
        self._category_I = catalog.category_I

    def suggest(self, requests: Requests, most: int) -> Suggestions:
        """The texts of the shopper's categories."""
        item_BH = requests.history_BH
        category_BH = np.where(item_BH >= 0, self._category_I[np.maximum(item_BH, 0)], -1)
        row_F, rank_F = np.nonzero(category_BH >= 0)
        weight_F = np.power(self._spec.recency, rank_F, dtype=np.float64)
        shape = (len(requests), self._share_CT.shape[0])
        clicked_BC = counts(row_F, category_BH[row_F, rank_F], weight_F, shape)
        score_BT = np.asarray((clicked_BC.astype(np.float32) @ self._share_CT).todense())
        return best_texts(self._own, requests, score_BT + self._popular_T, most)
