"""Generated items as candidates: who else finds them."""

import numpy as np

from cqsid.rewards.lookup import columns_of
from cqsid.rewards.reward import Floats
from cqsid.rewards.shop import Elsewhere
from recall.candidates import Pool
from simulator.catalog import Ints

_RRF_K = 60.0  # as in the merge of the funnel, there with its weights, here all equal


def joint_pool(items_BGK: Ints, found: Pool, elsewhere: Elsewhere) -> Pool:
    """The distinct items of each request's ids as a pool, in about the order of a merge.

    Ranks, scores and bits of the other channels are those of `found`. In the generative channel
    an item has the rank that it would have if its id were the first of the beam: its place among
    the id's items. (A sampled group has no order, and a reward may not invent one; inferred.)
    Its score there is 0.

    Args:
        items_BGK: first items of each id, -1 padded.
        found: what the other channels found for the same requests.
        elsewhere: which bit is the generative channel's.

    Returns:
        A pool of G * K columns.
    """
    items_BN, rank_BN = _distinct(items_BGK)
    held_BN = items_BN >= 0
    column_BN = columns_of(items_BN, found.items_BN)
    known_BN, rows_B1 = column_BN >= 0, np.arange(len(items_BN))[:, None]
    shape = (*items_BN.shape, elsewhere.channels)
    sources_BN, ranks_BNC = np.zeros(items_BN.shape, np.int32), np.full(shape, -1, np.int16)
    scores_BNC: Floats = np.full(shape, np.nan, np.float32)
    known_K = (np.broadcast_to(rows_B1, items_BN.shape)[known_BN], column_BN[known_BN])
    sources_BN[known_BN] = found.sources_BN[known_K]
    ranks_BNC[known_BN] = found.ranks_BNC[known_K]
    scores_BNC[known_BN] = found.scores_BNC[known_K]
    sources_BN[held_BN] |= 1 << elsewhere.bit
    ranks_BNC[held_BN, elsewhere.bit] = rank_BN[held_BN]
    scores_BNC[held_BN, elsewhere.bit] = 0
    gain_BN = np.where(ranks_BNC >= 0, 1 / (_RRF_K + 1 + ranks_BNC), 0).sum(axis=2)
    merged_BN = np.lexsort((items_BN, -gain_BN), axis=1)
    at = (rows_B1, merged_BN)
    return Pool(items_BN[at], sources_BN[at], ranks_BNC[at], scores_BNC[at])


def _distinct(items_BGK: Ints) -> tuple[Ints, Ints]:
    """(B, G * K) each item of a row once, the others -1; and its place within its id."""
    rows, group, most = items_BGK.shape
    items_BM = items_BGK.reshape(rows, group * most)
    place_BGK = np.broadcast_to(np.arange(most, dtype=np.int32), items_BGK.shape)
    place_BM = place_BGK.reshape(rows, group * most)
    order_BM = np.argsort(items_BM, axis=1, kind="stable")
    items_BM = np.take_along_axis(items_BM, order_BM, axis=1)
    again_BM = np.zeros(items_BM.shape, np.bool_)
    again_BM[:, 1:] = items_BM[:, 1:] == items_BM[:, :-1]
    place_BM = np.take_along_axis(place_BM, order_BM, axis=1)
    return np.where(again_BM, np.int32(-1), items_BM), place_BM
