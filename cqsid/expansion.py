"""Which items a beam of ids returns, in which order, and how many.

A beam is a row of id numbers (rows of `SemanticIds.sids_SL`), best first, padded with -1.
"""

from enum import StrEnum
from typing import Any, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.catalog import Ints

Counts = NDArray[np.int64]


class Fill(StrEnum):
    """In which order the items of a beam's ids are returned."""

    DEPTH = "depth"
    """The best id whole, then the next one. A wider beam never loses an item under a limit."""

    BREADTH = "breadth"
    """The first item of every id, then the second ones. Under a limit a wider beam takes room
    from the best ids, so the hit rate may fall as the beam grows."""


def items_BN(
    sid_BN: Ints,
    pointer_S: Counts,
    items: Ints,
    limit: int,
    cap: int | None = None,
    *,
    fill: Fill = Fill.DEPTH,
) -> Ints:
    """(B, limit) the first distinct items of each beam, padded with -1; see `expanded`."""
    return expanded(sid_BN, pointer_S, items, limit, cap, fill=fill)[0]


def expanded(
    sid_BN: Ints,
    pointer_S: Counts,
    items: Ints,
    limit: int,
    cap: int | None = None,
    *,
    fill: Fill = Fill.DEPTH,
) -> tuple[Ints, Ints]:
    """The first distinct items of each beam, and the ids they stand behind.

    Args:
        sid_BN: (B, N) beams.
        pointer_S, items: item lists of the ids, as in `Shelves`.
        limit: items returned for a request.
        cap: items taken of one id at most; None: all.
        fill: the order in which they are returned.

    Returns:
        (B, limit) items and (B, limit) places of their ids in the beam, both padded with -1.
    """
    found_BN = np.full((len(sid_BN), limit), -1, np.int32)
    place_BN = np.full((len(sid_BN), limit), -1, np.int32)
    seen_I = np.full(int(items.max(initial=-1)) + 1, -1, np.int64)
    most = most_of(cap)
    breadth = fill == Fill.BREADTH
    _expand(sid_BN, pointer_S, items, most, breadth, seen_I, found_BN, place_BN)
    return found_BN, place_BN


def returned_BN(sid_BN: Ints, pointer_S: Counts, cap: int | None = None) -> Counts:
    """(B, N) items returned by the first n + 1 ids of each beam, no limit."""
    size_S = np.minimum(np.diff(pointer_S), most_of(cap))
    size_BN = np.where(sid_BN >= 0, np.append(size_S, 0)[sid_BN], 0)
    return cast("Counts", np.cumsum(size_BN, axis=1))


def beam_for_items_B(
    sid_BN: Ints, pointer_S: Counts, wanted: int = 1000, cap: int | None = None
) -> Counts:
    """(B,) the narrowest beam that returns `wanted` items; N + 1 where the whole one does not."""
    return cast("Counts", 1 + (returned_BN(sid_BN, pointer_S, cap) < wanted).sum(axis=1))


def beam_for_items(
    sid_BN: Ints, pointer_S: Counts, wanted: int = 1000, cap: int | None = None
) -> int | None:
    """The narrowest beam that returns `wanted` items on average; None where none does."""
    return narrowest(returned_BN(sid_BN, pointer_S, cap).mean(axis=0), wanted)


def narrowest(value_N: NDArray[Any], wanted: float) -> int | None:
    """The narrowest beam whose value reaches `wanted`; value n belongs to beam n + 1."""
    reached = np.flatnonzero(value_N >= wanted)
    return int(reached[0]) + 1 if len(reached) else None


def most_of(cap: int | None) -> int:
    """Items taken of one id at most."""
    return int(np.iinfo(np.int64).max) if cap is None else cap


@njit(cache=True, nogil=True)
def _expand(
    sid_BN: Any,
    pointer_S: Any,
    items: Any,
    most: Any,
    breadth: Any,
    seen_I: Any,
    found_BN: Any,
    place_BN: Any,
) -> None:  # pragma: no cover
    for b in range(sid_BN.shape[0]):
        longest = 0
        for n in range(sid_BN.shape[1]):
            if sid_BN[b, n] >= 0:
                size = pointer_S[sid_BN[b, n] + 1] - pointer_S[sid_BN[b, n]]
                longest = max(longest, min(size, most))
        rounds = longest if breadth else min(longest, 1)
        size = 0
        for step in range(rounds):
            for n in range(sid_BN.shape[1]):
                if sid_BN[b, n] < 0:
                    continue
                start = pointer_S[sid_BN[b, n]]
                stop = min(pointer_S[sid_BN[b, n] + 1] - start, most)
                first, last = (step, min(step + 1, stop)) if breadth else (0, stop)
                for at in range(start + first, start + last):
                    if size < found_BN.shape[1] and seen_I[items[at]] != b:
                        seen_I[items[at]] = b
                        found_BN[b, size] = items[at]
                        place_BN[b, size] = n
                        size += 1
            if size == found_BN.shape[1]:
                break
