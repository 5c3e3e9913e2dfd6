"""A ranker asked about single items, as a channel or a judge that scores pairs is."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ranking.rankers.ranker import Ranker
from recall.candidates import Pool
from recall.channel import Refreshable
from simulator.catalogue.catalog import Ints
from simulator.protocols import Index, Requests


class RankerPairs:
    """A ranker as a scorer of pairs: each item alone in its pool, found by no channel.

    Args:
        ranker: fitted.
        channels: how many channels the pools of its arm know.
        at: when it is asked (s); None: when each request comes.
    """

    def __init__(self, ranker: Ranker, channels: int, at: float | None = None) -> None:
        self._ranker, self._channels, self._at = ranker, channels, at

    def refresh(self, index: Index, arm: int) -> None:
        """Hand the snapshot to the ranker."""
        if isinstance(self._ranker, Refreshable):
            self._ranker.refresh(index, arm)

    def pair_scores(self, requests: Requests, items_BN: Ints) -> NDArray[np.float32]:
        """(B, N) what the ranker gives each item."""
        rows_P = np.repeat(np.arange(len(requests)), items_BN.shape[1])
        if self._at is not None:
            requests = replace(requests, at_B=np.full(len(requests), self._at))
        items_P1 = np.ascontiguousarray(items_BN.reshape(-1, 1))
        shape = (*items_P1.shape, self._channels)
        pool = Pool(
            items_BN=items_P1,
            sources_BN=np.zeros(items_P1.shape, np.int32),
            ranks_BNC=np.full(shape, -1, np.int32),
            scores_BNC=np.zeros(shape, np.float32),
        )
        scores_P1 = self._ranker.score(requests.rows(rows_P), pool)
        return np.asarray(scores_P1, np.float32).reshape(items_BN.shape)
