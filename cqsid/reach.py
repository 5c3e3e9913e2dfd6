"""What beams of ids can reach at all, and what decoding them costs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cqsid.expansion import Counts
from cqsid.ids import SemanticIds, pack
from simulator.catalog import Ints
from simulator.errors import DataError


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
