"""Small look-ups that rewards share: events behind ids, items in pools, values over items."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cqsid.rewards.reward import Floats, Samples
from recall.ragged import Ragged
from simulator.catalog import Ints

Aggregate = Literal["mean", "max"]
Places = NDArray[np.int64]


def row_of(lists: Ragged) -> Places:
    """(E,) the list that each value belongs to."""
    return np.repeat(np.arange(len(lists)), lists.lengths)


def sums_behind(
    samples: Samples, row_E: Places, sid_E: Ints, amount_E: NDArray[np.float64] | float = 1.0
) -> NDArray[np.float64]:
    """(B, G) the summed amounts of a request's events whose item has the id; 0 for an id of -1.

    Args:
        samples: the ids.
        row_E: request of each event, 0 to B - 1.
        sid_E: id of its item, -1 where it has none.
        amount_E: what each event counts.
    """
    known_E = sid_E >= 0
    width = max(int(sid_E.max(initial=0)), int(samples.sid_BG.max(initial=0))) + 1
    keys, event_E = np.unique(row_E[known_E] * width + sid_E[known_E], return_inverse=True)
    amounts = np.broadcast_to(amount_E, sid_E.shape)[known_E]
    total = np.append(np.bincount(event_E, amounts, minlength=len(keys)), 0.0)
    wanted_BG = np.arange(len(samples.sid_BG))[:, None] * width + samples.sid_BG
    at_BG = np.searchsorted(keys, wanted_BG)
    found_BG = (np.append(keys, -1)[at_BG] == wanted_BG) & (samples.sid_BG >= 0)
    return np.where(found_BG, total[at_BG], 0.0)


def columns_of(wanted_BM: Ints, held_BN: Ints) -> Places:
    """(B, M) column at which a row of `held_BN` holds each wanted item; -1 where it does not.

    Args:
        wanted_BM: items, -1 for none.
        held_BN: distinct items of each row, -1 padded.
    """
    if not held_BN.size or not wanted_BM.size:
        return np.full(wanted_BM.shape, -1, np.int64)
    width = max(int(wanted_BM.max()), int(held_BN.max()), 0) + 1
    start_B1 = np.arange(len(held_BN))[:, None] * width
    key_H = np.where(held_BN >= 0, start_B1 + held_BN, -1).ravel()
    by_key = np.argsort(key_H, kind="stable")
    wanted_BM = np.where(wanted_BM >= 0, start_B1 + wanted_BM, -2)
    at_BM = np.minimum(np.searchsorted(key_H[by_key], wanted_BM), len(key_H) - 1)
    found_BM = key_H[by_key][at_BM] == wanted_BM
    return np.where(found_BM, by_key[at_BM] % held_BN.shape[1], -1)


def aggregated(
    values_BGK: NDArray[np.floating], items_BGK: Ints, how: Aggregate = "mean"
) -> tuple[Floats, NDArray[np.bool_]]:
    """(B, G) mean or greatest value of an id's items, 0 without items; and whether it has any."""
    held_BGK = items_BGK >= 0
    any_BG = np.asarray(held_BGK.any(axis=2))
    if how == "max":
        most_BG = np.where(held_BGK, values_BGK, -np.inf).max(axis=2, initial=-np.inf)
        return np.where(any_BG, most_BG, 0).astype(np.float32), any_BG
    sum_BG = np.where(held_BGK, values_BGK, 0).sum(axis=2, dtype=np.float64)
    number_BG = np.maximum(held_BGK.sum(axis=2), 1)
    return np.asarray(sum_BG / number_BG, np.float32), any_BG
