"""The pools of several arms as one: each item once, found where any arm finds it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ranking.recallstage import RecallStage
from recall.candidates import Candidates, Pool
from simulator.protocols import Index, Requests


class UnionRecall:
    """Recall and merge of several arms, for whatever learns for all of them.

    A channel that arms share is asked once for each limit.

    Args:
        stages: recall of each arm, over the same catalogue and the same universe of channels.
    """

    def __init__(self, stages: Sequence[RecallStage]) -> None:
        self.stages = tuple(stages)

    def refresh(self, index: Index) -> None:
        """Hand the snapshot to the channels of every arm; one that all arms share statistics of."""
        for stage in self.stages:
            stage.refresh(index, 0)

    def pool(self, requests: Requests) -> Pool:
        """Every item of any arm's pool, in the order of its best place in any of them.

        Its rank in a channel is the best that any arm gives it, with the score that goes with it:
        arms may ask a channel for more or fewer candidates. Of equal places the earlier arm's
        comes first.
        """
        return united(list(self._pools(requests)), self.stages[0].n_items)

    def _pools(self, requests: Requests) -> Iterator[Pool]:
        known: dict[tuple[str, int], Candidates] = {}
        for stage in self.stages:
            asked = stage.limits.items()
            at_hand = {name: known[name, n] for name, n in asked if (name, n) in known}
            recalled = stage.recall(requests, at_hand)
            known |= {(name, stage.limits[name]): of for name, of in recalled.found.items()}
            nothing_late_BC = np.zeros((len(requests), len(stage.universe)), np.bool_)
            yield stage.merge(recalled, nothing_late_BC)


def united(pools: Sequence[Pool], n_items: int) -> Pool:
    """The union of pools of the same requests; see `UnionRecall.pool`."""
    if len(pools) == 1:
        return pools[0]
    rows, channels = len(pools[0].items_BN), pools[0].ranks_BNC.shape[2]
    width = sum(pool.items_BN.shape[1] for pool in pools)
    union = Pool(
        np.full((rows, width), -1, np.int32),
        np.zeros((rows, width), np.int32),
        np.full((rows, width, channels), -1, np.int16),
        np.full((rows, width, channels), np.nan, np.float32),
    )
    widest = _unite(_arrays(union), tuple(_arrays(pool) for pool in pools), n_items)
    return Pool(*(np.ascontiguousarray(array[:, :widest]) for array in _arrays(union)))


def _arrays(pool: Pool) -> tuple[NDArray[Any], ...]:
    return tuple(np.ascontiguousarray(getattr(pool, name)) for name in Pool.__dataclass_fields__)


@njit(cache=True, nogil=True)
def _unite(union: Any, parts: Any, n_items: Any) -> Any:  # pragma: no cover
    items_BN, sources_BN, ranks_BNC, scores_BNC = union
    row_I, column_I = np.full(n_items, -1, np.int64), np.zeros(n_items, np.int64)
    deepest = 0
    for part in parts:
        deepest = max(deepest, part[0].shape[1])
    widest = 0
    for b in range(items_BN.shape[0]):
        held = 0
        for place in range(deepest):
            for part in parts:
                if place >= part[0].shape[1] or part[0][b, place] < 0:
                    continue
                item = part[0][b, place]
                if row_I[item] != b:
                    row_I[item], column_I[item] = b, held
                    items_BN[b, held] = item
                    held += 1
                n = column_I[item]
                sources_BN[b, n] |= part[1][b, place]
                for c in range(ranks_BNC.shape[2]):
                    rank = part[2][b, place, c]
                    if rank >= 0 and (ranks_BNC[b, n, c] < 0 or rank < ranks_BNC[b, n, c]):
                        ranks_BNC[b, n, c] = rank
                        scores_BNC[b, n, c] = part[3][b, place, c]
        widest = max(widest, held)
    return widest
