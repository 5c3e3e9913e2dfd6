"""The dense channel: exact search among item vectors of a two-tower model.

Vectors lie on the grid of `recall.classic.towers`, so the score of a pair has one value.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numba import njit

from recall.arrays import blank, drain, key_score, offer, order_key
from recall.augmenting.augmentation import Synthetic
from recall.augmenting.joining import joined
from recall.candidates import Candidates
from recall.classic.settings import DenseSpec
from recall.classic.towers import Floats, Pairs, Tower, Towers, embed, tower_weights, train_towers
from recall.feedback import Feedback
from recall.texts.cache import TextCache
from recall.texts.features import TextFeatures
from recall.texts.words import item_texts
from simulator.catalogue.catalog import Catalog, Ints
from simulator.log.history import History
from simulator.protocols import Requests

_TILE_TEXTS = 64
_TILE_ITEMS = 8192


class DenseChannel:
    """Items whose vectors are nearest to the query's (cosine), all of them scored; ties by id.

    A query without a letter or digit finds nothing.
    """

    def __init__(self, spec: DenseSpec | None = None, name: str = "dense") -> None:
        self.name = name
        self._spec = spec or DenseSpec()
        self._found = TextCache()
        self._embedded = TextCache()
        self._made: tuple[Synthetic, ...] = ()

    def learn_with(self, made: Sequence[Synthetic]) -> None:
        """Learn from these pairs, too, in the next `fit`."""
        self._made = tuple(made)

    def fit(self, catalog: Catalog, history: History, *, rng: np.random.Generator) -> None:
        """Train on the clicks and orders of the log and on the items' own words."""
        feedback = Feedback.of(history, order_weight=1.0)
        pairs = np.unique(np.stack([feedback.text_F, feedback.item_F], axis=1), axis=0)
        text_T, row_P = np.unique(pairs[:, 0], return_inverse=True)
        buckets = self._spec.buckets
        asked = [history.texts[text] for text in text_T]
        text_P, item_P = row_P.astype(np.int32), pairs[:, 1].astype(np.int32)
        if self._made:
            share, made = self._spec.augment_share, self._made
            asked, text_P, item_P = joined(asked, text_P, item_P, made, share, rng)
            self._made = ()
        texts = TextFeatures.of(asked, buckets)
        items = TextFeatures.of(item_texts(catalog, brand=True, category=True), buckets)
        pairs_P = Pairs(text_P, item_P)
        self._take(train_towers(self._spec, texts, items, pairs_P, rng))
        self._vectors_ID = self._embed(items, self._item_tower)
        self._found.clear()
        self._embedded.clear()

    def _take(self, towers: Towers) -> None:
        """Keep the weights as arrays: serving and pickling need no module."""
        self._table = towers.table.weight.detach().numpy().copy()
        self._query_tower, self._item_tower = (
            tower_weights(tower) for tower in (towers.query, towers.item)
        )

    @property
    def item_vectors(self) -> Floats:
        """(I, D) item vectors of about unit length, on the grid."""
        return self._vectors_ID

    def embed_texts(self, texts: list[str]) -> Floats:
        """(T, D) query vectors on the grid; zeros for a text without a letter or digit."""
        return self._embed(TextFeatures.of(texts, self._spec.buckets), self._query_tower)

    def _embed(self, texts: TextFeatures, tower: Tower) -> Floats:
        return embed(self._table, tower, texts.bags())

    def recall(self, requests: Requests, limit: int) -> Candidates:
        """The `limit` nearest items of each request's text."""
        items_BN, scores_BN = self._found(requests, lambda texts: self._search(texts, limit), limit)
        return Candidates(items_BN, scores_BN)

    def _search(self, texts: list[str], limit: int) -> tuple[Ints, Floats]:
        query_UD, items = self.embed_texts(texts), torch.from_numpy(self._vectors_ID)
        found = blank(len(texts), limit)
        for start in range(0, len(texts), _TILE_TEXTS):
            tile = slice(start, start + _TILE_TEXTS)
            query_TD = query_UD[tile]
            heap_TN = np.empty((len(query_TD), limit), np.int64)
            size_T = np.where(query_TD.any(axis=1), 0, -1)
            for first in range(0, len(items), _TILE_ITEMS):
                some = items[first : first + _TILE_ITEMS]
                _offer_tile((torch.from_numpy(query_TD) @ some.T).numpy(), first, heap_TN, size_T)
            _drain_tile(heap_TN, size_T, found.items_BN[tile], found.scores_BN[tile])
        return found.items_BN, found.scores_BN

    def pair_scores(self, requests: Requests, items_BN: Ints) -> Floats:
        """(B, N) cosine of given pairs, equal to what `recall` gives them; 0 on padding."""
        (query_BD,) = self._embedded(requests, lambda texts: (self.embed_texts(texts),))
        scores_BN = np.zeros(items_BN.shape, np.float32)
        _score_pairs(query_BD, self._vectors_ID, items_BN, scores_BN)
        return scores_BN


@njit(cache=True, nogil=True)
def _offer_tile(scores_TM: Any, first: Any, heap_TN: Any, size_T: Any) -> None:  # pragma: no cover
    for t in range(scores_TM.shape[0]):
        size, heap = size_T[t], heap_TN[t]
        if size < 0:
            continue
        floor = key_score(heap[0]) if size == len(heap) else np.float32(-np.inf)
        for m in range(scores_TM.shape[1]):
            if scores_TM[t, m] > floor:  # of equal ones, the earlier and lower id is kept
                size = offer(heap, size, order_key(scores_TM[t, m], first + m))
                if size == len(heap):
                    floor = key_score(heap[0])
        size_T[t] = size


@njit(cache=True, nogil=True)
def _drain_tile(
    heap_TN: Any, size_T: Any, items_TN: Any, scores_TN: Any
) -> None:  # pragma: no cover
    for t in range(heap_TN.shape[0]):
        drain(heap_TN[t], max(size_T[t], 0), items_TN[t], scores_TN[t])


@njit(cache=True, nogil=True, fastmath=True)
def _score_pairs(
    query_BD: Any, vectors_ID: Any, items_BN: Any, scores_BN: Any
) -> None:  # pragma: no cover
    """Dot products; exact on the grid, so fast mathematics may reorder them."""
    for b in range(items_BN.shape[0]):
        for n in range(items_BN.shape[1]):
            item = items_BN[b, n]
            if item < 0:
                continue
            total = np.float32(0.0)
            for d in range(query_BD.shape[1]):
                total += query_BD[b, d] * vectors_ID[item, d]
            scores_BN[b, n] = total
