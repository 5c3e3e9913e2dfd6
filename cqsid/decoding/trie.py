"""The tree of the ids that exist: which codes may follow a prefix.

Ids are sorted, so the children of a node are neighbours on the level below, and a leaf's number is
its id's row: two arrays a level say everything, a million ids of three levels in about 16 MB.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints
from simulator.errors import ContractError, DataError


@dataclass(frozen=True, eq=False)
class Trie:
    """The distinct prefixes of S ids of L codes, as nodes numbered in order on each level.

    Level 0 is the root alone; the nodes of level L are the ids, numbered as their rows.

    Attributes:
        sids_SL: (S, L) int32 the ids, distinct and in lexicographic order.
        sizes: how many codes each level has.
        pointers: for each level l < L, int32: the children of its node n are the nodes
            pointers[l][n] to pointers[l][n + 1] - 1 of level l + 1.
        codes: for each level l < L, int32: the last code of each node of level l + 1.
    """

    sids_SL: Ints
    sizes: tuple[int, ...]
    pointers: tuple[Ints, ...]
    codes: tuple[Ints, ...]

    def __len__(self) -> int:
        return len(self.sids_SL)

    @property
    def levels(self) -> int:
        """L, the length of an id."""
        return len(self.sizes)

    @property
    def first_K(self) -> NDArray[np.bool_]:
        """(K,) which codes of the first level any id starts with."""
        allowed_K = np.zeros(self.sizes[0], np.bool_)
        allowed_K[self.codes[0]] = True
        return allowed_K

    def find(self, codes_NL: Ints) -> Ints:
        """(N,) int32 row of each of N ids, -1 where there is no such id.

        Raises:
            ContractError: the ids are not of L codes.
        """
        if codes_NL.ndim != 2 or codes_NL.shape[1] != self.levels:
            raise ContractError(f"codes_NL.shape == {codes_NL.shape}, must be (N, {self.levels})")
        node_N = np.zeros(len(codes_NL), np.int32)
        for level in range(self.levels):
            node_N = self.child(level, node_N, codes_NL[:, level])
        return node_N

    def child(self, level: int, node_N: Ints, code_N: Ints) -> Ints:
        """(N,) int32 the child with a code of each of N nodes of a level.

        -1 where it has no such child, and for a node that is -1 itself.
        """
        pointer, codes = self.pointers[level], self.codes[level]
        low_N, stop_N = pointer[node_N], np.where(node_N < 0, 0, pointer[node_N + 1])
        high_N = stop_N
        for _ in range(int((high_N - low_N).max(initial=0)).bit_length()):  # bisection, all at once
            middle_N = (low_N + high_N) // 2
            after_N = codes[np.minimum(middle_N, len(codes) - 1)] < code_N
            low_N = np.where(after_N & (low_N < high_N), middle_N + 1, low_N)
            high_N = np.where(after_N, high_N, middle_N)
        place_N = np.minimum(low_N, len(codes) - 1)
        found_N = (low_N < stop_N) & (codes[place_N] == code_N)
        return np.where(found_N, place_N, -1).astype(np.int32)

    @staticmethod
    def of(sids_SL: Ints, sizes: tuple[int, ...]) -> "Trie":
        """Index ids that are distinct, sorted and inside their levels (`SemanticIds.sids_SL`).

        Raises:
            DataError: no id, or an id that is out of range, out of order or there twice.
        """
        new_S, pointers, codes = _check(sids_SL, sizes), [], []
        start_N = np.zeros(1, np.int64)  # row of the first id of each node
        for level in range(len(sizes)):
            start_M = np.flatnonzero(new_S <= level)
            ends_N = np.append(start_N, len(sids_SL))
            pointers.append(np.searchsorted(start_M, ends_N).astype(np.int32))
            codes.append(sids_SL[start_M, level])
            start_N = start_M
        return Trie(sids_SL, tuple(sizes), tuple(pointers), tuple(codes))


def _check(sids_SL: Ints, sizes: tuple[int, ...]) -> NDArray[np.int8]:
    """(S,) the first level in which an id differs from the one before it."""
    levels = len(sizes)
    if sids_SL.ndim != 2 or not levels or sids_SL.shape[1] != levels:
        raise DataError(f"sids_SL.shape == {sids_SL.shape}, must be (ids, {levels})")
    if sids_SL.dtype != np.int32:
        raise DataError(f"sids_SL.dtype == {sids_SL.dtype}, must be int32")
    if not len(sids_SL):
        raise DataError("len(sids_SL) == 0, must be >= 1 (no item has an id)")
    new_S = np.full(len(sids_SL), levels, np.int8)
    new_S[0] = 0
    for level, size in reversed(list(enumerate(sizes))):
        code_S = sids_SL[:, level]
        outside_S = (code_S < 0) | (code_S >= size)
        if outside_S.any():
            row = int(outside_S.argmax())
            place = f"sids_SL[{row}, {level}] == {code_S[row]}"
            raise DataError(f"{place}, must be 0 to {size - 1}")
        new_S[1:][code_S[1:] != code_S[:-1]] = level
    _check_order(sids_SL, new_S)
    return new_S


def _check_order(sids_SL: Ints, new_S: NDArray[np.int8]) -> None:
    wrong_S = new_S == sids_SL.shape[1]
    for level in range(sids_SL.shape[1]):
        code_S = sids_SL[:, level]
        wrong_S[1:] |= (new_S[1:] == level) & (code_S[1:] < code_S[:-1])
    if wrong_S.any():
        row = int(wrong_S.argmax())
        found, before = sids_SL[row].tolist(), sids_SL[row - 1].tolist()
        raise DataError(f"sids_SL[{row}] == {found} after {before}, must be sorted and distinct")
