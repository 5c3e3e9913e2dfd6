"""The null of rewriting: random texts, the frequent ones more often.

A rewriter that gains as much as this one finds popular items, and not what is meant.
"""

import numpy as np

from recall.rewriting.rewriter import Rewrites
from recall.rewriting.settings import FrequentSpec
from recall.rewriting.wordings import Wordings
from recall.steps.owntexts import asked_texts
from recall.steps.tools import Tools
from simulator.catalogue.catalog import Catalog
from simulator.log.history import History
from simulator.protocols import Requests

_DRAWS = 2  # for each wording that is kept, so that few are lost where a draw repeats one


class FrequentRewriter:
    """Gives every text of the log some other texts of it, drawn by how often they were asked."""

    def __init__(self, spec: FrequentSpec | None = None, name: str = "frequent") -> None:
        self.name = name
        self._spec = spec or FrequentSpec()

    def fit(
        self, catalog: Catalog, history: History, tools: Tools, *, rng: np.random.Generator
    ) -> None:
        """Draw the wordings of every text that was asked."""
        texts, times_T, _ = asked_texts(history)
        kept = self._spec.kept
        shape = (len(texts), _DRAWS * kept)
        drawn_TD = np.zeros(shape, np.int64)
        if texts:
            ends_T = np.cumsum(times_T)
            drawn_TD = np.searchsorted(ends_T, rng.integers(0, ends_T[-1], shape), side="right")
        other_TR = _first_distinct(drawn_TD, kept)
        self._wordings = Wordings(texts, other_TR, (other_TR >= 0).astype(np.float32))

    def rewrite(self, requests: Requests, most: int) -> Rewrites:
        """The wordings that were drawn for each text."""
        return self._wordings(requests, most)


def _first_distinct(drawn_TD: np.ndarray, most: int) -> np.ndarray:
    """(T, most) the first distinct draws of each row, without the row's own number."""
    rows, draws = drawn_TD.shape
    order_TD = np.argsort(drawn_TD, axis=1, kind="stable")
    sorted_TD = np.take_along_axis(drawn_TD, order_TD, axis=1)
    again_TD = np.zeros((rows, draws), np.bool_)
    np.put_along_axis(again_TD, order_TD[:, 1:], sorted_TD[:, 1:] == sorted_TD[:, :-1], axis=1)
    lost_TD = again_TD | (drawn_TD == np.arange(rows)[:, None])
    front_TD = np.argsort(lost_TD, axis=1, kind="stable")
    kept_TD = np.where(lost_TD, -1, drawn_TD)
    return np.take_along_axis(kept_TD, front_TD, axis=1)[:, :most].astype(np.int32)
