"""Beams' children offered to a selection, with as few norms computed as is certain to suffice.

Where probabilities are among all tokens a beam's norm costs more than its pass through the model.
Bounds of the norms tell which beams have no child that can be kept; they never change a result.

Axis suffixes: R prompts, A beams, S some of them, K codes of a level, D model width.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from cqsid.beam import NO_SCORE, Selection, best_children
from cqsid.partition import Floats
from cqsid.scores import Rows, Scores
from cqsid.trie import Trie
from simulator.catalog import Ints
from simulator.errors import ContractError

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
