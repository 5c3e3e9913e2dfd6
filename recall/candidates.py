"""Candidates of one channel, and the pool of all channels with full provenance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints


@dataclass(frozen=True)
class Candidates:
    """What one channel found for B requests.

    Attributes:
        items_BN: distinct item ids, best first, -1 padded on the right.
        scores_BN: the channel's own scores, float32, non-increasing; padding is ignored.
        late_B: which requests the channel could not answer in time: they count as missed
            deadlines. None: it answered them all.
    """

    items_BN: Ints
    scores_BN: NDArray[np.float32]
    late_B: NDArray[np.bool_] | None = None

    def rows(self, rows: NDArray[np.intp] | slice) -> "Candidates":
        """The candidates of some requests (an index array or a slice)."""
        late_B = None if self.late_B is None else self.late_B[rows]
        return Candidates(self.items_BN[rows], self.scores_BN[rows], late_B)

    @classmethod
    def joined(cls, parts: Sequence["Candidates"]) -> "Candidates":
        """The candidates of several batches one below the other, padded to the widest."""
        late = [
            np.zeros(len(part.items_BN), np.bool_) if part.late_B is None else part.late_B
            for part in parts
        ]
        return cls(
            _stacked([part.items_BN for part in parts], np.int32(-1)),
            _stacked([part.scores_BN for part in parts], np.float32(0)),
            np.concatenate(late) if any(part.late_B is not None for part in parts) else None,
        )


def _stacked(parts: Sequence[NDArray[Any]], padding: np.generic) -> NDArray[Any]:
    widest = max((part.shape[1] for part in parts), default=0)
    wide = [np.empty((0, widest), padding.dtype)]
    for part in parts:
        missing = widest - part.shape[1]
        after = ((0, 0), (0, missing))
        wide.append(np.pad(part, after, constant_values=padding) if missing else part)
    return np.concatenate(wide)


@dataclass(frozen=True)
class Pool:
    """The merged candidates of B requests: each item once, with all channels that found it.

    Attributes:
        items_BN: distinct item ids in merge order, -1 padded on the right.
        sources_BN: bitmask over channels, bit c for channel c.
        ranks_BNC: 0-based rank in each channel, int16, -1 where it did not find the item.
        scores_BNC: score in each channel, float32, NaN where it did not find the item.
    """

    items_BN: Ints
    sources_BN: Ints
    ranks_BNC: NDArray[np.int16]
    scores_BNC: NDArray[np.float32]
