"""The merge of the channels' candidates into one pool, with full provenance."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recall.arrays import offer
from recall.candidates import Candidates, Pool
from recall.settings import MergeSpec
from simulator.errors import ConfigError
from simulator.protocols import MAX_CHANNELS

_RRF_K = 60.0  # Cormack, Clarke and Buettcher, "Reciprocal rank fusion", SIGIR 2009
_BITS = 30  # of the largest sum, in fixed point
_COARSEST = 2.0**-10  # the least weight, beside the largest, that may be the unit of the others


class Merge:
    """Merges the candidates of named channels by weighted reciprocal rank fusion.

    Args:
        spec: settings.
        channels: channel names in the order of the provenance bits.

    Raises:
        ConfigError: a quota or weight names no channel, all weights are 0, or
            there are too many channels.
    """

    def __init__(self, spec: MergeSpec, channels: tuple[str, ...]) -> None:
        _check(spec, channels)
        self.limit = spec.limit
        everything = np.iinfo(np.int32).max
        self.quota_C = np.array([spec.quotas.get(name, everything) for name in channels], np.int32)
        weight_C = np.array([spec.weights.get(name, 1.0) for name in channels])
        self._scale, self._times_C = _fixed_point(weight_C / weight_C.sum())

    def __call__(
        self,
        candidates: Sequence[Candidates | None],
        n_requests: int,
        available_I: NDArray[np.bool_],
    ) -> Pool:
        """Each item once, best reciprocal rank sum first, with all channels that found it.

        An item enters by being within the quota of one channel; its rank, score and bit are then
        kept for every channel that found it, and every such rank counts in the order
        sum over channels of weight / (60 + rank), ranks from 1. Sums are in fixed point, in units
        of the smallest weight, so neither the order of channels nor rounding decides: a channel of
        weight 2 ties with two of weight 1. Ties go to the lower item id.

        Args:
            candidates: one for each channel, None where the channel was dropped.
            n_requests: rows B of each of them and of the pool.
            available_I: items that may be shown; others are left out.

        Returns:
            A pool of B rows and `limit` columns.
        """
        present = [(c, found) for c, found in enumerate(candidates) if found is not None]
        n_channels, limit = len(candidates), self.limit
        pool = Pool(
            np.full((n_requests, limit), -1, np.int32),
            np.zeros((n_requests, limit), np.int32),
            np.full((n_requests, limit, n_channels), -1, np.int16),
            np.full((n_requests, limit, n_channels), np.nan, np.float32),
        )
        if present:
            found = (
                np.concatenate([found.items_BN for _, found in present], axis=1),
                np.concatenate([found.scores_BN for _, found in present], axis=1),
                np.array([c for c, _ in present]),
                np.cumsum([0] + [found.items_BN.shape[1] for _, found in present]),
            )
            made = pool.items_BN, pool.sources_BN, pool.ranks_BNC, pool.scores_BNC
            _merge(found, available_I, (self.quota_C, self._scale, self._times_C), made)
        return pool


def _check(spec: MergeSpec, channels: tuple[str, ...]) -> None:
    if not 0 < len(channels) <= MAX_CHANNELS:
        raise ConfigError(f"channels == {len(channels)} names, must be 1 to {MAX_CHANNELS}")
    for field, values in (("quotas", spec.quotas), ("weights", spec.weights)):
        for name in values:
            if name not in channels:
                known = ", ".join(channels)
                raise ConfigError(f"merge.{field} == {name!r}, must name a channel ({known})")
    if not sum(spec.weights.get(name, 1.0) for name in channels) > 0:
        raise ConfigError("merge.weights == 0 for all channels, must be > 0 for one")


def _fixed_point(weight_C: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """What one unit of weight is worth at rank -60, and how many units each channel has.

    The unit is the smallest weight, or the largest where that is too small to count in. Its worth
    is a power of two that keeps the sum over all channels in range: so a channel of weight 0 leaves
    the sums of the others as they are, to the bit.
    """
    least, most = weight_C[weight_C > 0].min(), weight_C.max()
    times_C = weight_C / (least if least >= _COARSEST * most else most)
    spare = math.ceil(math.log2(times_C.sum()))
    return 2.0 ** (_BITS - spare) * _RRF_K, times_C


@njit(cache=True, nogil=True)
def _merge(found: Any, available_I: Any, order: Any, made: Any) -> None:  # pragma: no cover
    """Row by row: add up each item's reciprocal ranks, keep the best, then note who found them."""
    items_BM, scores_BM, channel_P, start_P = found
    quota_C, scale, times_C = order
    items_BN, sources_BN, ranks_BNC, scores_BNC = made
    gain_I = np.zeros(len(available_I), np.int64)
    entered_I = np.zeros(len(available_I), np.bool_)
    place_I = np.full(len(available_I), -1, np.int32)
    heap = np.empty(items_BN.shape[1], np.int64)
    for b in range(items_BM.shape[0]):
        for p in range(len(channel_P)):
            channel = channel_P[p]
            for m in range(start_P[p], start_P[p + 1]):
                item, rank = items_BM[b, m], m - start_P[p]
                if item >= 0 and available_I[item]:
                    one = np.int64(scale / (_RRF_K + 1.0 + rank))
                    gain_I[item] += np.int64(times_C[channel] * one)
                    entered_I[item] |= rank < quota_C[channel]
        size = 0
        for m in range(items_BM.shape[1]):
            item = items_BM[b, m]
            if item >= 0 and entered_I[item]:
                size = offer(heap, size, (gain_I[item] << 32) | (0x7FFFFFFF - item))
                entered_I[item] = False
        keys = np.sort(heap[:size])
        for n in range(size):
            items_BN[b, n] = 0x7FFFFFFF - (keys[size - 1 - n] & 0xFFFFFFFF)
            place_I[items_BN[b, n]] = n
        for p in range(len(channel_P)):
            channel = channel_P[p]
            for m in range(start_P[p], start_P[p + 1]):
                item = items_BM[b, m]
                if item >= 0:
                    gain_I[item] = 0
                    n = place_I[item]
                    if n >= 0:
                        sources_BN[b, n] |= 1 << channel
                        ranks_BNC[b, n, channel] = m - start_P[p]
                        scores_BNC[b, n, channel] = scores_BM[b, m]
        for n in range(size):
            place_I[items_BN[b, n]] = -1
