"""Which nodes of the trie a row keeps: the best children of its beams, under one total order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from cqsid.decoding.scores import Rows, Scores
from cqsid.decoding.trie import Trie
from cqsid.kernels.logsumexp import Floats
from recall.arrays import drain, key_score, offer, order_key
from simulator.catalogue.catalog import Ints
from simulator.errors import ContractError

NO_SCORE = np.float32(-np.inf)


@dataclass(frozen=True)
class Frontier:
    """The beams that R rows kept on one level, best first.

    Attributes:
        node_RN: node of the level, -1 where a row has fewer.
        score_RN: log-probability, -inf where a row has fewer.
    """

    node_RN: Ints
    score_RN: Floats

    @staticmethod
    def root(rows: int) -> "Frontier":
        """Every row at the root, with certainty."""
        return Frontier(np.zeros((rows, 1), np.int32), np.zeros((rows, 1), np.float32))

    def parents(self, later: "Frontier", pointer: Ints) -> NDArray[np.int64]:
        """(R, N) place among these beams of the parent of each later one; 0 where there is none."""
        parent_RN = np.zeros(later.node_RN.shape, np.int64)
        _parents(self.node_RN, later.node_RN, pointer, parent_RN)
        return parent_RN


class Selection:
    """The best children so far of each row, at most N; grows as beams are expanded."""

    def __init__(self, rows: int, beams: int) -> None:
        self._heap_RN = np.empty((rows, beams), np.int64)
        self._size_R = np.zeros(rows, np.int64)

    def copy(self) -> "Selection":
        """The same children; what is offered to one does not change the other."""
        other = Selection(0, 0)
        other._heap_RN, other._size_R = self._heap_RN.copy(), self._size_R.copy()
        return other

    def floors(self) -> Floats:
        """(R,) score below which a child is not kept; -inf where a row has fewer than N."""
        floor_R = np.full(len(self._size_R), NO_SCORE)
        _floors(self._heap_RN, self._size_R, floor_R)
        return floor_R

    def offer(
        self,
        row_A: NDArray[np.int64],
        node_A: Ints,
        score_A: Floats,
        log_AK: tuple[Floats, Floats],
        children: tuple[Ints, Ints],
    ) -> None:
        """Consider the children of some beams.

        Args:
            row_A, node_A, score_A: the beams.
            log_AK: logits of the level's codes, and (A,) the logarithm of what normalises them.
            children: pointers and codes of the trie on this level.
        """
        _offer(row_A, node_A, score_A, *log_AK, *children, self._heap_RN, self._size_R)

    def frontier(self) -> Frontier:
        """The kept ones in order."""
        node_RN = np.full(self._heap_RN.shape, -1, np.int32)
        score_RN = np.full(self._heap_RN.shape, NO_SCORE)
        _drain(self._heap_RN, self._size_R, node_RN, score_RN)
        return Frontier(node_RN, score_RN)


def best_children(node_A: Ints, logits_AK: Floats, children: tuple[Ints, Ints]) -> Floats:
    """(A,) the largest logit of the children of each beam; `children` as for `Selection.offer`."""
    best_A = np.full(len(node_A), NO_SCORE)
    _best_children(node_A, logits_AK, *children, best_A)
    return best_A


@njit(cache=True, nogil=True)
def _floors(heap_RN: Any, size_R: Any, floor_R: Any) -> None:  # pragma: no cover
    for r in range(len(size_R)):
        if size_R[r] == heap_RN.shape[1]:
            floor_R[r] = key_score(heap_RN[r, 0])


@njit(cache=True, nogil=True)
def _best_children(
    node_A: Any, logits_AK: Any, pointer: Any, code: Any, best_A: Any
) -> None:  # pragma: no cover
    for a in range(len(node_A)):
        best = best_A[a]
        for child in range(pointer[node_A[a]], pointer[node_A[a] + 1]):
            best = max(best, logits_AK[a, code[child]])
        best_A[a] = best


@njit(cache=True, nogil=True)
def _offer(
    row_A: Any,
    node_A: Any,
    score_A: Any,
    logits_AK: Any,
    norm_A: Any,
    pointer: Any,
    code: Any,
    heap_RN: Any,
    size_R: Any,
) -> None:  # pragma: no cover
    beams = heap_RN.shape[1]
    for a in range(len(row_A)):
        r, score, norm = row_A[a], score_A[a], norm_A[a]
        heap, size = heap_RN[r], size_R[r]
        floor = key_score(heap[0]) if size == beams else NO_SCORE
        for child in range(pointer[node_A[a]], pointer[node_A[a] + 1]):
            found = score + min(logits_AK[a, code[child]] - norm, np.float32(0.0))
            if found >= floor and found > NO_SCORE:
                size = offer(heap, size, order_key(found, child))
                if size == beams:
                    floor = key_score(heap[0])
        size_R[r] = size


@njit(cache=True, nogil=True)
def _drain(heap_RN: Any, size_R: Any, node_RN: Any, score_RN: Any) -> None:  # pragma: no cover
    for r in range(len(size_R)):
        drain(heap_RN[r], size_R[r], node_RN[r], score_RN[r])


@njit(cache=True, nogil=True)
def _parents(node_RM: Any, node_RN: Any, pointer: Any, parent_RN: Any) -> None:  # pragma: no cover
    for r in range(len(node_RN)):
        for m in range(node_RM.shape[1]):
            node = node_RM[r, m]
            if node < 0:
                continue
            first, stop = pointer[node], pointer[node + 1]
            for n in range(node_RN.shape[1]):
                if first <= node_RN[r, n] < stop:
                    parent_RN[r, n] = m


Beam = tuple[Rows, Ints, Floats]  # prompt, node and score of each


class Offers:
    """Beams of a level with the model's output at them."""

    def __init__(
        self, scores: Scores, trie: Trie, level: int, beam: Beam, hidden_AD: Tensor
    ) -> None:
        """Compute the logits of the level's codes."""
        self._scores, self._level, self._beam, self._hidden_AD = scores, level, beam, hidden_AD
        self._children = (trie.pointers[level], trie.codes[level])
        self._logits_AK, self._sums = scores.of(hidden_AD, level)

    def into(self, selection: Selection, first_RK: NDArray[np.bool_] | None = None) -> None:
        """Offer the children; `first_RK`: which codes of a first level each prompt may have.

        Raises:
            ContractError: a norm is not finite.
        """
        if self._scores.bounded and self._level:
            for some in self._rounds(selection):
                self._some_into(selection, some)
            return
        _, norm_A = self._scores.norm(self._hidden_AD, self._sums, self._level)
        if first_RK is not None:
            self._logits_AK[~first_RK] = NO_SCORE
        scored = (self._logits_AK, self._finite(norm_A))
        selection.offer(*self._beam, scored, self._children)

    def _rounds(self, selection: Selection) -> Iterator[Rows]:
        """All; or while rows are not full, first those that are kept if all bounds hold."""
        row_A, node_A, _ = self._beam
        self._top_A = best_children(node_A, self._logits_AK, self._children)
        every_A = np.arange(len(row_A))
        if np.isfinite(selection.floors()).all():
            yield every_A
            return
        least_A = self._finite(self._scores.least(self._hidden_AD, self._sums, self._level))
        trial = selection.copy()
        trial.offer(*self._beam, (self._logits_AK, least_A), self._children)
        likely_A = self._most(every_A, least_A) >= trial.floors()[row_A]
        yield every_A[likely_A]
        yield every_A[~likely_A]

    def _some_into(self, selection: Selection, some: Rows) -> None:
        (row_A, node_A, score_A), floor_R = self._beam, selection.floors()

        def wanted(of_S: Rows, least_S: Floats) -> NDArray[np.bool_]:
            return self._most(some[of_S], self._finite(least_S)) >= floor_R[row_A[some[of_S]]]

        sums = self._sums.rows(some)
        kept, norm_S = self._scores.norm(self._hidden_AD[some], sums, self._level, wanted)
        some = some[kept]
        scored = (self._logits_AK[some], self._finite(norm_S))
        selection.offer(row_A[some], node_A[some], score_A[some], scored, self._children)

    def _most(self, some: Rows, least_S: Floats) -> Floats:
        """(S,) what no child of some beams is above, from the least that their norms are."""
        found_S: Floats = self._beam[2][some] + np.minimum(self._top_A[some] - least_S, 0)
        return found_S

    def _finite(self, norm_A: Floats) -> Floats:
        if not np.isfinite(norm_A).all():
            raise ContractError(
                f"scores of code {self._level + 1} are not finite, must be (model diverged?)"
            )
        return norm_A
