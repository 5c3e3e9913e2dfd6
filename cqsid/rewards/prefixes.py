"""Which prefixes of generated ids are prefixes of the ids of given items."""

import numpy as np
from numpy.typing import NDArray

from cqsid.ids import SemanticIds
from recall.ragged import Ragged
from simulator.catalog import Ints


def right_prefixes(codes_BGL: Ints, targets: Ragged, ids: SemanticIds) -> NDArray[np.bool_]:
    """(B, G, L) whether the codes through each level are those of one of the request's items.

    Right at a level means right at all levels before it, of one and the same item. Codes need not
    be of an id that exists.

    Args:
        codes_BGL: codes of ids.
        targets: items of each of the B requests; one without an id makes nothing right.
        ids: ids of the items.
    """
    target_BTL = _target_codes(targets, ids)
    same_BGTL = codes_BGL[:, :, None] == target_BTL[:, None]
    same_BGTL &= (target_BTL >= 0)[:, None]
    right_BGTL = np.logical_and.accumulate(same_BGTL, axis=3)
    return np.asarray(right_BGTL.any(axis=2))


def _target_codes(targets: Ragged, ids: SemanticIds) -> Ints:
    """(B, T, L) the distinct ids of each request's items, -1 padded, T as few as possible."""
    row_E = np.repeat(np.arange(len(targets)), targets.lengths)
    sid_E = ids.sid_I[targets.values]
    known_E, number = sid_E >= 0, len(ids.sids_SL)
    keys = np.unique(row_E[known_E] * number + sid_E[known_E])
    row_K, sid_K = np.divmod(keys, max(number, 1))
    place_K = np.arange(len(keys)) - np.searchsorted(row_K, row_K)
    out_BTL = np.full((len(targets), place_K.max(initial=-1) + 1, ids.levels), -1, np.int32)
    out_BTL[row_K, place_K] = ids.sids_SL[sid_K]
    return out_BTL
