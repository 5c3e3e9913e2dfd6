"""The contract of a channel: a cheap check of every answer, and a thorough one of a channel."""

from typing import Any

import numpy as np
from numba import njit

from recall.candidates import Candidates
from simulator.errors import ContractError
from simulator.protocols import FaultReason

_SHAPE, _IDS = FaultReason.BAD_SHAPE, FaultReason.UNKNOWN_ITEMS
_VIOLATIONS = (
    ("items_BN", "must be ids of the catalogue or -1", _IDS),
    ("items_BN", "must have -1 only at the right end", _SHAPE),
    ("items_BN", "must not repeat an item in a row", _SHAPE),
    ("scores_BN", "must be finite", _SHAPE),
    ("scores_BN", "must not increase along a row", _SHAPE),
)


class CandidatesError(ContractError):
    """An answer that breaks the contract; `reason` says how it is counted."""

    def __init__(self, message: str, reason: FaultReason) -> None:
        super().__init__(message)
        self.reason = reason


def validate_candidates(candidates: object, n_requests: int, limit: int, n_items: int) -> None:
    """Check what a channel returned, in one pass.

    Args:
        candidates: the answer of `recall`.
        n_requests: rows wanted.
        limit: columns allowed.
        n_items: ids must be below this.

    Raises:
        CandidatesError: with place, value found and value wanted.
    """
    if not isinstance(candidates, Candidates):
        found = type(candidates).__name__
        raise CandidatesError(f"recall() == {found}, must be Candidates", _SHAPE)
    for place, dtype in (("items_BN", np.int32), ("scores_BN", np.float32)):
        _validate_array(place, getattr(candidates, place), np.dtype(dtype), n_requests, limit)
    items_BN, scores_BN = candidates.items_BN, candidates.scores_BN
    if items_BN.shape != scores_BN.shape:
        message = f"scores_BN.shape == {scores_BN.shape}, must be {items_BN.shape} as items_BN"
        raise CandidatesError(message, _SHAPE)
    late_B = candidates.late_B
    if late_B is not None and (np.shape(late_B) != (n_requests,) or late_B.dtype != np.bool_):
        found = f"{getattr(late_B, 'dtype', type(late_B).__name__)} of shape {np.shape(late_B)}"
        raise CandidatesError(f"late_B == {found}, must be bool of shape ({n_requests},)", _SHAPE)
    code, row, column = _violation(items_BN, scores_BN, np.full(n_items, -1, np.int32))
    if code >= 0:
        name, wanted, reason = _VIOLATIONS[code]
        value = getattr(candidates, name)[row, column]
        raise CandidatesError(f"{name}[{row}, {column}] == {value}, {wanted}", reason)


def _validate_array(
    place: str, array: Any, dtype: np.dtype[Any], n_requests: int, limit: int
) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != dtype:
        found = getattr(array, "dtype", type(array).__name__)
        raise CandidatesError(f"{place}.dtype == {found}, must be {dtype}", _SHAPE)
    if array.ndim != 2 or array.shape[0] != n_requests or array.shape[1] > limit:
        wanted = f"({n_requests}, at most {limit})"
        raise CandidatesError(f"{place}.shape == {array.shape}, must be {wanted}", _SHAPE)


@njit(cache=True, nogil=True)
def _violation(items_BN: Any, scores_BN: Any, last_row_I: Any) -> Any:  # pragma: no cover
    """Number, row and column of the first violation; number -1 where there is none."""
    for b in range(items_BN.shape[0]):
        ended = False
        for n in range(items_BN.shape[1]):
            item, score = items_BN[b, n], scores_BN[b, n]
            if item == -1:
                ended = True
                continue
            if item < 0 or item >= len(last_row_I):
                return 0, b, n
            if ended:
                return 1, b, n
            if last_row_I[item] == b:
                return 2, b, n
            if not np.isfinite(score):
                return 3, b, n
            if n > 0 and score > scores_BN[b, n - 1]:
                return 4, b, n
            last_row_I[item] = b
    return -1, 0, 0
