"""Which categories a query is about, so that only related clicks speak for the shopper.

The publications say that recently clicked items of related categories enter the prompt, and not
how a category is found to be related. Inferred here: the categories whose mean item vector is
nearest to the query's vector.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cqsid.generator.prompts import packed
from cqsid.tokenizer.signals import Floats
from recall.classic.towers import on_grid
from simulator.catalogue.catalog import Ints


@dataclass(frozen=True)
class RelatedCategories:
    """The `k` categories nearest to a query, by the cosine of their centroid.

    Attributes:
        centroid_CD: unit vector of each category, zeros for one without items.
        k: how many categories a query is about.
    """

    centroid_CD: NDArray[np.float64]
    k: int = 8

    @staticmethod
    def of(item_ID: Floats, category_I: Ints, categories: int, k: int = 8) -> "RelatedCategories":
        """Centroids of items with a category (-1: none)."""
        known = np.flatnonzero(category_I >= 0)
        order = known[np.argsort(category_I[known], kind="stable")]
        present, first = np.unique(category_I[order], return_index=True)
        centroid_CD = np.zeros((categories, item_ID.shape[1]))
        if len(order):
            sums = np.add.reduceat(item_ID[order].astype(np.float64), first, axis=0)
            centroid_CD[present] = _unit(sums)
        return RelatedCategories(centroid_CD, k)

    def keep(self, query_TD: Floats) -> NDArray[np.bool_]:
        """Which categories each query is about; of equally near ones the lower number.

        A query without a vector (zeros) is about every category.

        Returns:
            (T, C + 1) whether a category is related; the last column, for items of unknown
            category, is always true.
        """
        keep_TC = np.zeros((len(query_TD), len(self.centroid_CD) + 1), np.bool_)
        cosine_TC = _unit(query_TD.astype(np.float64)) @ self.centroid_CD.T
        cosine_TC[:, ~self.centroid_CD.any(axis=1)] = -np.inf
        nearest_TK = np.argsort(-cosine_TC, axis=1, kind="stable")[:, : self.k]
        np.put_along_axis(keep_TC, nearest_TK, True, axis=1)
        keep_TC[~query_TD.any(axis=1)] = True
        keep_TC[:, -1] = True
        return keep_TC


def related_clicks(
    keep_TC: NDArray[np.bool_], text_B: NDArray[np.integer], history_BH: Ints, category_I: Ints
) -> Ints:
    """The clicks of related categories, in their order, -1 padded on the right.

    Args:
        keep_TC: (T, C + 1) of `RelatedCategories.keep`.
        text_B: row of each request's text in `keep_TC`.
        history_BH: items clicked lately, -1 where there is none.
        category_I: category of each item, -1 where unknown.
    """
    if not len(category_I):
        return np.full_like(history_BH, -1)
    # Category -1 is the last column.
    related_BH = keep_TC[text_B[:, None], category_I[history_BH]] & (history_BH >= 0)
    return packed(np.where(related_BH, history_BH, np.int32(-1)), -1)[0]


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    norm = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return on_grid(vectors / norm)  # cosines are then exact sums, whatever the batch
