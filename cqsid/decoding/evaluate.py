"""How well beams of ids find what was clicked, what they can reach, what decoding costs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cqsid.decoding.settings import Fill
from cqsid.decoding.shelves import Counts, Shelves, most_of
from cqsid.tokenizer.ids import SemanticIds, pack
from recall.arrays import Ragged
from simulator.catalogue.catalog import Ints
from simulator.errors import DataError

Floats = NDArray[np.float64]

_NOWHERE = np.iinfo(np.int64).max  # place of an item that is not returned


def beam_place_T(sid_BN: Ints, targets: Ragged, ids: SemanticIds) -> Counts:
    """(T,) place in its request's beam of the id of each target item, N where it is missing.

    T runs over `targets.values`.

    Raises:
        DataError: another number of requests, a request without targets, or with one item twice,
            an item or id that does not exist.
    """
    _check(sid_BN, targets, ids)
    place_T = np.full(len(targets.values), sid_BN.shape[1], np.int64)
    _find(sid_BN, targets.pointer, ids.sid_I[targets.values], place_T)
    return place_T


def hit_rate_B(sid_BN: Ints, beams: int, targets: Ragged, ids: SemanticIds) -> Floats:
    """(B,) share of each request's target items whose id is among the first `beams` ids.

    Where a beam has fewer ids, among those.

    Raises:
        DataError: as `beam_place_T`.
    """
    place_T = beam_place_T(sid_BN, targets, ids)
    found_T1 = place_T[:, None] < min(beams, sid_BN.shape[1])
    return share_BW(found_T1, targets)[:, 0]


def recall_B(items_BN: Ints, targets: Ragged, k: int) -> Floats:
    """(B,) share of each request's target items among the first k items returned.

    Raises:
        DataError: another number of requests, or a request without targets or with one twice.
    """
    _check_targets(len(items_BN), targets)
    place_T = np.full(len(targets.values), k, np.int64)
    _find(items_BN[:, :k], targets.pointer, targets.values, place_T)
    return share_BW(place_T[:, None] < k, targets)[:, 0]


def item_place_TW(
    sid_BN: Ints,
    widths: Counts,
    targets: Ragged,
    ids: SemanticIds,
    shelves: Shelves,
    cap: int | None = None,
    *,
    fill: Fill = Fill.DEPTH,
) -> Counts:
    """(T, W) place of each target item among the items returned at each beam width.

    The greatest int64 where it is not returned. Equals the place in `Shelves.first` without
    building the lists. `share_BW` of the places below a limit is the hit rate where so many items
    may be returned; it is not monotone in the beam for `Fill.BREADTH`.

    Raises:
        DataError: as `beam_place_T`, or a beam holds an id twice.
    """
    beam_T = beam_place_T(sid_BN, targets, ids)
    _check_distinct(sid_BN)
    rank_I = np.full(len(ids), _NOWHERE, np.int64)
    starts = np.repeat(shelves.pointer_S[:-1], np.diff(shelves.pointer_S))
    rank_I[shelves.items] = np.arange(len(shelves.items)) - starts
    size_S = np.minimum(np.diff(shelves.pointer_S), most_of(cap))
    rank_T = np.where(rank_I[targets.values] < most_of(cap), rank_I[targets.values], _NOWHERE)
    place_TW = np.full((len(beam_T), len(widths)), _NOWHERE, np.int64)
    of_beams = (sid_BN, np.asarray(widths, np.int64), targets.pointer, beam_T, rank_T, size_S)
    _place(*of_beams, fill == Fill.BREADTH, place_TW)
    return place_TW


def share_BW(hit_TW: NDArray[np.bool_], targets: Ragged) -> Floats:
    """(B, W) mean over each request's targets, of W things that each is or is not."""
    if not len(targets):
        return np.zeros((0, hit_TW.shape[1]))
    hits_BW = np.add.reduceat(hit_TW.astype(np.float64), targets.pointer[:-1], axis=0)
    return hits_BW / targets.lengths[:, None]


def _check_targets(requests: int, targets: Ragged) -> None:
    if len(targets) != requests:
        raise DataError(f"targets == {len(targets)} requests, must be {requests} as the beams")
    empty = np.flatnonzero(targets.lengths == 0)
    if len(empty):
        raise DataError(f"targets[{empty[0]}] == no item, must have at least one")
    request_T = np.repeat(np.arange(requests), targets.lengths)
    order = np.lexsort((targets.values, request_T))
    twice = (np.diff(targets.values[order]) == 0) & (np.diff(request_T[order]) == 0)
    if twice.any():
        at = order[int(np.argmax(twice))]
        found = f"item {targets.values[at]} twice"
        raise DataError(f"targets[{request_T[at]}] == {found}, must be distinct items")


def _check(sid_BN: Ints, targets: Ragged, ids: SemanticIds) -> None:
    _check_targets(len(sid_BN), targets)
    items, sids = len(ids), len(ids.sids_SL)
    low, high = int(targets.values.min(initial=0)), int(targets.values.max(initial=0))
    if low < 0 or high >= max(items, 1):
        raise DataError(f"targets == item {low if low < 0 else high}, must be 0 to {items - 1}")
    low, high = int(sid_BN.min(initial=-1)), int(sid_BN.max(initial=-1))
    if low < -1 or high >= sids:
        raise DataError(f"sid_BN == {low if low < -1 else high}, must be -1 to {sids - 1}")


def _check_distinct(sid_BN: Ints) -> None:
    sorted_BN = np.sort(sid_BN, axis=1)
    twice_BN = (np.diff(sorted_BN, axis=1) == 0) & (sorted_BN[:, 1:] >= 0)
    if twice_BN.any():
        row = int(np.argmax(twice_BN.any(axis=1)))
        raise DataError(f"sid_BN[{row}] == an id twice, must be distinct ids")


@njit(cache=True, nogil=True)
def _find(sid_BN: Any, pointer: Any, sid_T: Any, place_T: Any) -> None:  # pragma: no cover
    """Where each request's row holds its wanted numbers; what is below 0 is not sought."""
    for b in range(sid_BN.shape[0]):
        for t in range(pointer[b], pointer[b + 1]):
            if sid_T[t] < 0:
                continue
            for n in range(sid_BN.shape[1]):
                if sid_BN[b, n] == sid_T[t]:
                    place_T[t] = n
                    break


@njit(cache=True, nogil=True)
def _place(
    sid_BN: Any,
    width_W: Any,
    pointer: Any,
    beam_T: Any,
    rank_T: Any,
    size_S: Any,
    breadth: Any,
    place_TW: Any,
) -> None:  # pragma: no cover
    """The ids before the target's own, whole, and then its rank inside its id.

    In breadth: of every id in the beam the items of lower rank, and of the better ids that of its
    rank.
    """
    nowhere, beams = np.iinfo(np.int64).max, sid_BN.shape[1]
    for b in range(sid_BN.shape[0]):
        for t in range(pointer[b], pointer[b + 1]):
            if beam_T[t] == beams or rank_T[t] == nowhere:
                continue
            whole = rank_T[t]
            for n in range(beam_T[t]):
                if sid_BN[b, n] >= 0:
                    whole += size_S[sid_BN[b, n]]
            for w in range(len(width_W)):
                if beam_T[t] >= width_W[w]:
                    continue
                place_TW[t, w] = 0 if breadth else whole
                for n in range(min(width_W[w], beams) if breadth else 0):
                    if sid_BN[b, n] >= 0:
                        size, better = size_S[sid_BN[b, n]], 1 if n < beam_T[t] else 0
                        place_TW[t, w] += min(size, rank_T[t] + better)


@dataclass(frozen=True)
class Reach:
    """Which share of the items a set of beams can return.

    Attributes:
        without_id: items that have no id, so that no beam can ever return them.
        unreached: items with an id that none of the beams holds.
    """

    without_id: float
    unreached: float


def reach(sid_BN: Ints, ids: SemanticIds, wanted_I: NDArray[np.bool_] | None = None) -> Reach:
    """The reach of all beams together, over the wanted items; None: over all items.

    Raises:
        DataError: no item is wanted.
    """
    sid_I = ids.sid_I if wanted_I is None else ids.sid_I[wanted_I]
    if not len(sid_I):
        raise DataError("wanted_I == no item, must want at least one")
    held_S = np.zeros(len(ids.sids_SL) + 1, np.bool_)
    held_S[sid_BN.ravel()] = True  # padding marks the spare last entry
    without_I = sid_I < 0
    return Reach(float(without_I.mean()), float((~without_I & ~held_S[sid_I]).mean()))


def prefixes_L(ids: SemanticIds) -> Counts:
    """(L,) how many distinct prefixes of length 1..L the ids in use have."""
    return np.array(
        [
            len(np.unique(pack(ids.sids_SL[:, : level + 1], ids.sizes[: level + 1])))
            for level in range(ids.levels)
        ],
        np.int64,
    )


def positions(beam: int, prompt: float, prefix_L: Counts) -> float:
    """Positions a transformer processes to decode one request with a beam.

    The prompt once (its last position gives the first code), then each surviving prefix at every
    level but the last: `prompt + sum over l < L of min(beam, prefixes of length l)`. A count, so
    the same on every machine; it takes all positions for equally dear.

    Args:
        beam: beam width.
        prompt: prompt length, or its mean over requests (tokens).
        prefix_L: as `prefixes_L`.
    """
    return prompt + float(np.minimum(beam, prefix_L[:-1]).sum())


def beam_for_positions(budget: float, prompt: float, prefix_L: Counts, widest: int) -> int | None:
    """The widest beam up to `widest` that a budget of positions pays for; None: not even 1."""
    affordable = [
        beam for beam in range(1, widest + 1) if positions(beam, prompt, prefix_L) <= budget
    ]
    return affordable[-1] if affordable else None
