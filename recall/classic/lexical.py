"""The lexical channel: BM25 over titles.

bm25s computes the weight of every word in every item (Lucene's variant, Kamphuis et al., ECIR
2020). Adding up the weights of a query's words and selecting the best is done here, because
bm25s leaves ties to the heap's order and returns items that share no word with the query.
"""

from typing import Any

import bm25s
import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csc_matrix

from recall.arrays import Ragged, blank, counts, drain, key_score, offer, order_key, stored
from recall.candidates import Candidates
from recall.classic.settings import LexicalSpec
from recall.texts.cache import TextCache
from recall.texts.words import WordNumbers, item_texts
from recall.understanding.filledcatalog import FilledCatalog
from simulator.catalogue.catalog import Catalog, Ints
from simulator.log.history import History
from simulator.protocols import Requests

_MANY_POSTINGS = 0.2  # of the number of items


class LexicalChannel:
    """Items that share words with the query, best BM25 first; ties by item id.

    An item without a word of the query is never returned.
    """

    def __init__(self, spec: LexicalSpec | None = None, name: str = "lexical") -> None:
        self.name = name
        self._spec = spec or LexicalSpec()
        self._cache = TextCache()

    def fit(self, catalog: Catalog, history: History, *, rng: np.random.Generator) -> None:
        """Index the catalogue; neither the history nor chance plays a part."""
        spec = self._spec
        texts = item_texts(
            catalog, description=spec.description, brand=spec.brand, category=spec.category
        )
        self._vocabulary, words_I = WordNumbers.learn(texts, plurals=spec.plurals)
        self._by_word = _weights(words_I, self._vocabulary, spec, self._added(catalog))
        self._by_item = self._by_word.tocsr()
        self._by_item.sort_indices()
        self._cache.clear()

    def _added(self, catalog: Catalog) -> NDArray[np.int64] | None:
        """(I,) words of each item that do not count in its length; None: all count."""
        if self._spec.added_length or not isinstance(catalog, FilledCatalog):
            return None
        added_I: list[str] = [] if catalog.added_I is None else catalog.added_I.tolist()
        return self._vocabulary.encode(added_I).lengths

    def recall(self, requests: Requests, limit: int) -> Candidates:
        """The `limit` best items of each request's text."""
        items_BN, scores_BN = self._cache(requests, lambda texts: self._search(texts, limit), limit)
        return Candidates(items_BN, scores_BN)

    def _search(self, texts: list[str], limit: int) -> tuple[Ints, NDArray[np.float32]]:
        query_U = self._vocabulary.encode(texts)
        found, weights = blank(len(texts), limit), self._by_word
        asked, made = (query_U.values, query_U.pointer), (found.items_BN, found.scores_BN)
        _search(asked, stored(weights), weights.shape[0], made)
        return made

    def pair_scores(self, requests: Requests, items_BN: Ints) -> NDArray[np.float32]:
        """(B, N) BM25 of given items, equal to what `recall` gives them; 0 without a common word.

        Padding (item -1) scores 0.
        """
        text_U, row_B = np.unique(requests.text_B, return_inverse=True)
        query_U = self._vocabulary.encode([requests.texts[text] for text in text_U])
        scores_BN = np.zeros(items_BN.shape, np.float32)
        asked = query_U.values, query_U.pointer, row_B
        _score_pairs(asked, stored(self._by_item), items_BN, scores_BN)
        return scores_BN


def _weights(
    words_I: Ragged,
    vocabulary: WordNumbers,
    spec: LexicalSpec,
    added_I: NDArray[np.int64] | None = None,
) -> csc_matrix:
    """(I, words) BM25 weight of each word in each item.

    Args:
        words_I: words of the items.
        vocabulary: of them.
        spec: settings.
        added_I: how many of an item's words are left out of its length; None: none are.
    """
    shape = (len(words_I), len(vocabulary))
    if not words_I.values.size:
        return csc_matrix(shape, dtype=np.float32)
    if added_I is not None and added_I.any():
        return _weights_of_lengths(words_I, shape, spec, words_I.lengths - added_I)
    lists = [part.tolist() for part in np.split(words_I.values, words_I.pointer[1:-1])]
    index = bm25s.BM25(k1=spec.k1, b=spec.b, method="lucene")
    index.index((lists, dict(vocabulary.number)), create_empty_token=False, show_progress=False)
    scores = index.scores
    return csc_matrix((scores["data"], scores["indices"], scores["indptr"]), shape=shape)


def _weights_of_lengths(
    words_I: Ragged, shape: tuple[int, int], spec: LexicalSpec, length_I: NDArray[np.int64]
) -> csc_matrix:
    """The weights of bm25s, with lengths of items that are given."""
    item_E = np.repeat(np.arange(shape[0]), words_I.lengths)
    often = csc_matrix(counts(item_E, words_I.values, np.ones(len(item_E)), shape))
    items_W = np.diff(often.indptr)
    rare_W = np.log1p((shape[0] - items_W + 0.5) / (items_W + 0.5))
    room_I = spec.k1 * (1 - spec.b + spec.b * length_I / max(length_I.mean(), 1e-9))
    weight_E = often.data / (often.data + room_I[often.indices]) * np.repeat(rare_W, items_W)
    return csc_matrix((weight_E.astype(np.float32), often.indices, often.indptr), shape=shape)


@njit(cache=True, nogil=True)
def _search(asked: Any, weights: Any, n_items: Any, made: Any) -> None:  # pragma: no cover
    """Add up the postings of each query's words and keep the best; every weight is > 0.

    Few postings: the items they touch are noted. Many: all items are looked through in turn,
    which the processor does faster than noting most of them.
    """
    words, pointer_U = asked
    start_W, item_E, weight_E = weights
    items_UN, scores_UN = made
    total_I = np.zeros(n_items, np.float32)
    touched = np.empty(n_items, np.int32)
    heap = np.empty(items_UN.shape[1], np.int64)
    for u in range(items_UN.shape[0]):
        n_postings, n_touched, size = 0, 0, 0
        for w in range(pointer_U[u], pointer_U[u + 1]):
            n_postings += start_W[words[w] + 1] - start_W[words[w]]
        floor = np.float32(0.0)  # the worst score kept, once as many as wanted are kept
        if n_postings > n_items * _MANY_POSTINGS:
            for w in range(pointer_U[u], pointer_U[u + 1]):
                for e in range(start_W[words[w]], start_W[words[w] + 1]):
                    total_I[item_E[e]] += weight_E[e]
            for item in range(n_items):
                if total_I[item] > floor:  # of equal ones, the earlier and lower id is kept
                    size = offer(heap, size, order_key(total_I[item], item))
                    if size == len(heap):
                        floor = key_score(heap[0])
            total_I[:] = 0
        else:
            for w in range(pointer_U[u], pointer_U[u + 1]):
                for e in range(start_W[words[w]], start_W[words[w] + 1]):
                    if total_I[item_E[e]] == 0:
                        touched[n_touched] = item_E[e]
                        n_touched += 1
                    total_I[item_E[e]] += weight_E[e]
            for t in range(n_touched):
                size = offer(heap, size, order_key(total_I[touched[t]], touched[t]))
                total_I[touched[t]] = 0
        drain(heap, size, items_UN[u], scores_UN[u])


@njit(cache=True, nogil=True)
def _score_pairs(
    asked: Any, weights: Any, items_BN: Any, scores_BN: Any
) -> None:  # pragma: no cover
    """Look the query's words up in each item's sorted words, adding in the order of `_search`."""
    words, pointer_U, row_B = asked
    start_I, word_E, weight_E = weights
    for b in range(items_BN.shape[0]):
        first, last = pointer_U[row_B[b]], pointer_U[row_B[b] + 1]
        for n in range(items_BN.shape[1]):
            item, total = items_BN[b, n], np.float32(0.0)
            if item < 0:
                continue
            end = start_I[item + 1]
            for w in range(first, last):
                low, high = start_I[item], end
                while low < high:
                    middle = (low + high) >> 1
                    if word_E[middle] < words[w]:
                        low = middle + 1
                    else:
                        high = middle
                if low < end and word_E[low] == words[w]:
                    total += weight_E[low]
            scores_BN[b, n] = total
