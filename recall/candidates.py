"""Candidates of one channel, and the pool of all channels with full provenance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints


@dataclass(frozen=True)
class Candidates:
    """What one channel found for B requests.

    Attributes:
        items_BN: distinct item ids, best first, -1 padded on the right.
        scores_BN: the channel's own scores, float32, non-increasing; padding is ignored.
    """

    items_BN: Ints
    scores_BN: NDArray[np.float32]


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
