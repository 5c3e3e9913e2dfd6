"""Item-to-item collaborative filtering, made relevant to the query.

A plain item-to-item channel ignores what was asked. This one starts from seeds of two kinds:

- the items that other shoppers clicked or bought for the very same query text, and
- the shopper's own recent clicks, each weighted by its recency and by the share of the query's
  clicks that fell into the seed's category, so that a history of shoes does not answer a query
  for lamps. For a text without a logged click that share counts as 1 for every seed.

Candidates are the query's own clicked items and the neighbours of all seeds. A text without a
logged click, asked by a shopper without history, finds nothing.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags_array, identity, vstack

from recall.arrays import (
    blank,
    counts,
    drain,
    normalised_rows,
    offer,
    order_key,
    stored,
    strongest,
)
from recall.candidates import Candidates
from recall.classic.settings import ItemCFSpec
from recall.feedback import Feedback
from recall.texts.cache import TextCache
from simulator.catalogue.catalog import Catalog
from simulator.log.history import History
from simulator.protocols import Requests

_QUERY_DEPTH = 200  # candidates kept for each logged text
_CHUNK = 4096  # texts spread over neighbours at once, bounds memory


class ItemCFChannel:
    """Neighbours of what was clicked for this text and of what this shopper clicked."""

    def __init__(self, spec: ItemCFSpec | None = None, name: str = "itemcf") -> None:
        self.name = name
        self._spec = spec or ItemCFSpec()
        self._rows = TextCache()

    def fit(self, catalog: Catalog, history: History, *, rng: np.random.Generator) -> None:
        """Count what was clicked and bought together; chance plays no part."""
        spec, n_items, n_texts = self._spec, len(catalog), len(history.texts)
        feedback = Feedback.of(history, spec.order_weight)
        _, session_F = np.unique(feedback.session_F, return_inverse=True)
        n_sessions = int(session_F.max(initial=-1)) + 1
        seen_SI = counts(session_F, feedback.item_F, feedback.weight_F, (n_sessions, n_items))
        self._similar_II = similarity(seen_SI, spec)
        asked_TI = counts(feedback.text_F, feedback.item_F, feedback.weight_F, (n_texts, n_items))
        share_TI = normalised_rows(asked_TI)
        spread_II = identity(n_items, format="csr") + self._similar_II
        self._found_TI = _spread(share_TI, spread_II)
        n_categories = len(catalog.categories)
        self._category_I = np.where(catalog.category_I < 0, n_categories, catalog.category_I)
        category_F = self._category_I[feedback.item_F]
        shape = (n_texts, n_categories + 1)
        self._share_TC = normalised_rows(
            counts(feedback.text_F, category_F, feedback.weight_F, shape)
        )
        self._row = {text: row for row, text in enumerate(history.texts)}
        self._rows.clear()

    def _logged(self, texts: list[str]) -> tuple[NDArray[np.int32]]:
        rows = [self._row.get(text, -1) for text in texts]
        return (np.array(rows, np.int32),)

    def recall(self, requests: Requests, limit: int) -> Candidates:
        """The `limit` items with the largest sum over seeds of weight times similarity."""
        spec, found = self._spec, blank(len(requests), limit)
        (row_B,) = self._rows(requests, self._logged)
        learned = stored(self._similar_II), stored(self._found_TI), stored(self._share_TC)
        weights = spec.query_weight, spec.history_weight, spec.recency
        asked = row_B, requests.history_BH
        _recall(*asked, learned, self._category_I, weights, found.items_BN, found.scores_BN)
        return found


def _spread(share_TI: csr_matrix, spread_II: csr_matrix) -> csr_matrix:
    """(T, I) the query's own clicked items and their neighbours, the strongest of each text."""
    starts = range(0, max(share_TI.shape[0], 1), _CHUNK)
    found = [
        strongest((share_TI[start : start + _CHUNK] @ spread_II).tocsr(), _QUERY_DEPTH)
        for start in starts
    ]
    return csr_matrix(vstack(found))


def similarity(seen_SI: csr_matrix, spec: ItemCFSpec) -> csr_matrix:
    """(I, I) similarity of item i (row) to its strongest neighbours j (columns).

    c_ij / (n_i**(1 - a) * n_j**a), shrunk by c_ij / (c_ij + shrinkage): c counts sessions in
    which both appear, weighted by the geometric mean of their weights, n the diagonal of c and a
    the damping (Sarwar et al., WWW 2001; Karypis, CIKM 2001; shrinkage: Koren, KDD 2008).
    """
    root_SI = seen_SI.sqrt()
    common = (root_SI.T @ root_SI).tocsr()
    size_I = np.maximum(common.diagonal(), 1e-12)
    common.setdiag(0)
    common.eliminate_zeros()
    strength = common.copy()
    strength.data = common.data**2 / (common.data + spec.shrinkage)
    left, right = diags_array(size_I ** (spec.damping - 1)), diags_array(size_I**-spec.damping)
    return strongest(csr_matrix(left @ strength @ right), spec.neighbours)


@njit(cache=True, nogil=True)
def _recall(
    row_B: Any,
    history_BH: Any,
    learned: Any,
    category_I: Any,
    weights: Any,
    items_BN: Any,
    scores_BN: Any,
) -> None:  # pragma: no cover
    (start_I, neighbour_E, similar_E), (start_T, item_E, asked_E), of_category = learned
    start_C, category_E, share_E = of_category
    query_weight, history_weight, recency = weights
    total_I = np.zeros(len(category_I))
    share_C = np.ones(category_I.max() + 1 if len(category_I) else 1)
    touched = np.empty(len(category_I), np.int32)
    heap = np.empty(items_BN.shape[1], np.int64)
    for b in range(len(row_B)):
        row, n_touched, size = row_B[b], 0, 0
        known = row >= 0 and start_T[row + 1] > start_T[row]
        share_C[:] = 0.0 if known else 1.0
        if known:
            for e in range(start_C[row], start_C[row + 1]):
                share_C[category_E[e]] = share_E[e]
            for e in range(start_T[row], start_T[row + 1]):
                gain = query_weight * asked_E[e]
                if gain > 0:
                    if total_I[item_E[e]] == 0:
                        touched[n_touched] = item_E[e]
                        n_touched += 1
                    total_I[item_E[e]] += gain
        weight = history_weight
        for h in range(history_BH.shape[1]):
            seed = history_BH[b, h]
            if seed < 0:
                continue
            for e in range(start_I[seed], start_I[seed + 1]):
                gain = weight * share_C[category_I[seed]] * similar_E[e]
                if gain > 0:
                    if total_I[neighbour_E[e]] == 0:
                        touched[n_touched] = neighbour_E[e]
                        n_touched += 1
                    total_I[neighbour_E[e]] += gain
            weight *= recency
        for t in range(n_touched):
            size = offer(heap, size, order_key(total_I[touched[t]], touched[t]))
            total_I[touched[t]] = 0.0
        drain(heap, size, items_BN[b], scores_BN[b])
