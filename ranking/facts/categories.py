"""Which categories a query's words speak of, learned from titles."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recall.arrays import Ragged
from recall.texts import WordNumbers
from simulator.catalogue.catalog import Catalog, Ints

Shares = tuple[NDArray[np.int64], Ints, NDArray[np.float32]]


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
        self._texts: tuple[str, ...] = ()
        self._shares = self._compute(())

    def shares(self, texts: tuple[str, ...]) -> Shares:
        """Start, category and share of the categories of every text, computed once for a world.

        Text t has categories `category[start[t] : start[t + 1]]`; their shares sum to 1. A text
        without a known word has none.
        """
        if self._texts is not texts:
            self._texts, self._shares = texts, self._compute(texts)
        return self._shares

    def _compute(self, texts: tuple[str, ...]) -> Shares:
        words_T: Ragged = self._vocabulary.encode(texts)
        weights = np.repeat(1 / np.maximum(words_T.lengths, 1), words_T.lengths)
        shape = (len(texts), len(self._vocabulary))
        words_TW = csr_matrix((weights, words_T.values, words_T.pointer), shape=shape)
        shares_TC = csr_matrix(words_TW @ self._shares_WC)
        return (
            shares_TC.indptr.astype(np.int64),
            shares_TC.indices.astype(np.int32),
            shares_TC.data.astype(np.float32),
        )

    def __getstate__(self) -> dict[str, object]:
        """What is kept: all but the texts of a world."""
        return self.__dict__ | {"_texts": (), "_shares": self._compute(())}
