"""The popularity channel: best sellers of the categories that the query speaks of.

The score of an item i in category c is P(c | query) * P(i | c). P(c | query) is a naive Bayes
estimate from titles and from the clicks and orders of the log, P(i | c) the item's smoothed share
of its category's sales. Items without a category form a category of their own.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import softmax

from recall.arrays import best, counts
from recall.candidates import Candidates
from recall.classic.settings import PopularSpec
from recall.feedback import Feedback
from recall.texts.cache import TextCache
from recall.texts.words import WordNumbers, item_texts
from simulator.catalogue.catalog import Catalog, Ints
from simulator.log.history import History
from simulator.protocols import Index, Requests

_TIE_BREAK = 1e-3  # spread of the prior: before the first sale, items stand in a random order


class PopularChannel:
    """Best sellers that are in stock. A text without a known word finds nothing."""

    def __init__(self, spec: PopularSpec | None = None, name: str = "popular") -> None:
        self.name = name
        self._spec = spec or PopularSpec()
        self._predicted = TextCache()

    def fit(self, catalog: Catalog, history: History, *, rng: np.random.Generator) -> None:
        """Learn which words speak of which categories, and count sales."""
        n_categories = len(catalog.categories)
        self._n_categories = n_categories + 1
        self._category_I = np.where(catalog.category_I < 0, n_categories, catalog.category_I)
        self._tie_I = _TIE_BREAK * rng.random(len(catalog))
        feedback = Feedback.of(history, self._spec.order_weight)
        self._learn_words(catalog, history, feedback)
        sales_I = np.bincount(feedback.item_F, feedback.weight_F, minlength=len(catalog))
        self._rank(sales_I.astype(np.float64), np.ones(len(catalog), np.bool_))
        self._predicted.clear()

    def refresh(self, index: Index, arm: int) -> None:
        """Take sales and stock from the shop's snapshot, which replaces the log's counts."""
        counted = index.statistics_of(arm)
        sales_I = counted.clicks_I + self._spec.order_weight * counted.orders_I
        self._rank(sales_I.astype(np.float64), index.available_I)

    def recall(self, requests: Requests, limit: int) -> Candidates:
        """The `limit` best sellers of the predicted categories."""
        category_BP, chance_BP = self._predicted(requests, self._predict)
        _, first_U, row_B = np.unique(requests.text_B, return_index=True, return_inverse=True)
        found = self._sellers(category_BP[first_U], chance_BP[first_U], limit)
        return Candidates(found.items_BN[row_B], found.scores_BN[row_B])

    def _learn_words(self, catalog: Catalog, history: History, feedback: Feedback) -> None:
        """Count words by category: of titles, and of texts by what was clicked and bought."""
        titles = item_texts(catalog, category=True)
        self._vocabulary, words = WordNumbers.learn([*titles, *history.texts])
        document_E = np.repeat(np.arange(len(words)), words.lengths)
        shape = (len(words), len(self._vocabulary))
        words_DW = counts(document_E, words.values, np.ones(len(document_E)), shape)
        text_F = len(titles) + feedback.text_F
        document_E = np.concatenate([np.arange(len(titles)), text_F])
        category_E = np.concatenate([self._category_I, self._category_I[feedback.item_F]])
        title_E = np.full(len(titles), self._spec.title_weight)
        weight_E = np.concatenate([title_E, feedback.weight_F])
        shape = (len(words), self._n_categories)
        evidence_DC = counts(document_E, category_E, weight_E, shape)
        total_C = np.asarray(evidence_DC.sum(axis=0)).ravel() + 1e-9
        self._log_prior_C = np.log(total_C / total_C.sum())
        odds_WC = (words_DW.T @ evidence_DC).tocsr()
        odds_WC.data = np.log1p(odds_WC.data * np.exp(-self._log_prior_C[odds_WC.indices]))
        self._odds_WC = odds_WC

    def _predict(self, texts: list[str]) -> tuple[Ints, NDArray[np.float64]]:
        """(T, P) categories of each text and their probabilities; -1 where no word is known.

        With a Dirichlet prior proportional to P(c), log P(w | c) is, up to a constant of the
        word, log(1 + count(w, c) / P(c)).
        """
        words = self._vocabulary.encode(texts)
        shape = (len(texts), len(self._vocabulary))
        ones = np.ones(len(words.values))
        log_TC = (
            csr_matrix((ones, words.values, words.pointer), shape=shape) @ self._odds_WC
        ).toarray()
        known_T = log_TC.any(axis=1)
        chance_TC = softmax(log_TC + self._log_prior_C, axis=1)
        category_TP = np.argsort(-chance_TC, axis=1, kind="stable")[:, : self._spec.categories]
        chance_TP = np.take_along_axis(chance_TC, category_TP, axis=1)
        return np.where(known_T[:, None], category_TP, -1).astype(np.int32), chance_TP

    def _rank(self, sales_I: NDArray[np.float64], available_I: NDArray[np.bool_]) -> None:
        """Sort the items in stock by category and sales."""
        interest_I = np.where(available_I, sales_I + self._spec.prior * (1.0 + self._tie_I), 0.0)
        total_C = np.bincount(self._category_I, interest_I, minlength=self._n_categories)
        share_I = interest_I / np.maximum(total_C, 1e-12)[self._category_I]
        order_I = np.lexsort((-share_I, self._category_I))
        order_I = order_I[available_I[order_I]]
        self._item_S, self._share_S = order_I.astype(np.int32), share_I[order_I]
        bounds = np.arange(self._n_categories + 1)
        self._start_C = np.searchsorted(self._category_I[order_I], bounds)

    def _sellers(self, category_UP: Ints, chance_UP: NDArray[np.float64], limit: int) -> Candidates:
        """The best of the predicted categories' lists, joined."""
        place_UPN = self._start_C[category_UP][:, :, None] + np.arange(limit)
        listed_UPN = place_UPN < self._start_C[category_UP + 1][:, :, None]
        listed_UPN &= category_UP[:, :, None] >= 0
        place_UPN = np.where(listed_UPN, place_UPN, 0)
        empty = not len(self._item_S)
        item_UPN = np.where(listed_UPN, -1 if empty else self._item_S[place_UPN], -1)
        share_UPN = 0.0 if empty else self._share_S[place_UPN]
        score_UPN = np.broadcast_to(chance_UP[:, :, None] * share_UPN, item_UPN.shape)
        flat = (len(category_UP), item_UPN.shape[1] * limit)
        scores = score_UPN.astype(np.float32).reshape(flat)
        return best(item_UPN.astype(np.int32).reshape(flat), scores, limit)
