"""Which categories a query's words speak of, learned from titles."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recall.arrays import Ragged
from recall.texts.cache import TextCache
from recall.texts.words import WordNumbers
from simulator.catalogue.catalog import Catalog, Ints
from simulator.protocols import Requests

Floats = NDArray[np.float32]


class QueryCategories:
    """P(category | word) from titles and category names, averaged over the words of a query."""

    def __init__(self, catalog: Catalog) -> None:
        known_I = np.flatnonzero(catalog.category_I >= 0)
        documents = [*catalog.title_I[known_I], *catalog.categories]
        label_D = np.concatenate([catalog.category_I[known_I], np.arange(len(catalog.categories))])
        self._vocabulary, words_D = WordNumbers.learn(documents)
        pairs = (words_D.values, np.repeat(label_D, words_D.lengths))
        shape = (len(self._vocabulary), len(catalog.categories))
        shares_WC = csr_matrix((np.ones(len(words_D.values)), pairs), shape=shape)
        total_W = np.asarray(shares_WC.sum(axis=1)).ravel()
        shares_WC.data = shares_WC.data / np.repeat(total_W, np.diff(shares_WC.indptr))
        self._shares_WC = shares_WC
        self._read = TextCache()

    def shares(self, requests: Requests) -> tuple[Ragged, Ragged]:
        """Categories of each request's text, and the share of each of them.

        The shares of a text sum to 1. A text without a known word has none.
        """
        return self._read(requests, self._compute)

    def matched(self, requests: Requests, category_I: Ints, items_BN: Ints) -> Floats:
        """(B, N) share of the item's category in each request's text; 0 where it has none."""
        category_B, share_B = self.shares(requests)
        row_E = np.repeat(np.arange(len(requests)), category_B.lengths)
        shape = (len(requests), self._shares_WC.shape[1] + 1)  # the last one is of no category
        share_BC = np.zeros(shape, np.float32)
        share_BC[row_E, category_B.values] = share_B.values
        return share_BC[np.arange(len(requests))[:, None], category_I[np.maximum(items_BN, 0)]]

    def _compute(self, texts: list[str]) -> tuple[Ragged, Ragged]:
        words_T = self._vocabulary.encode(texts)
        weights = np.repeat(1 / np.maximum(words_T.lengths, 1), words_T.lengths)
        shape = (len(texts), len(self._vocabulary))
        words_TW = csr_matrix((weights, words_T.values, words_T.pointer), shape=shape)
        shares_TC = csr_matrix(words_TW @ self._shares_WC)
        pointer = shares_TC.indptr.astype(np.int64)
        return (
            Ragged(shares_TC.indices.astype(np.int32), pointer),
            Ragged(shares_TC.data.astype(np.float32), pointer),
        )
