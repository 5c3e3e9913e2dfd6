"""Beam search of a few prompts, level by level.

Beams are expanded best first, a slice at a time: as no child is likelier than its parent, a row is
done as soon as its beams left are below its N-th best child. That changes no result, and saves
most of the work when the model is sure of the first codes.

Axis suffixes: R prompts, M beams a level before, N beams, A beams expanded together, E ancestors,
K codes of a level.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from cqsid.beam import NO_SCORE, Frontier, Selection
from cqsid.branches import Branches, Grown, Rows
from cqsid.partition import Floats
from cqsid.prompts import Prompts
from cqsid.scores import Scores
from cqsid.trie import Trie
from simulator.catalog import Ints
from simulator.errors import ContractError

_SLICE: Final = 16  # beams of a row that are expanded first

Beam = tuple[Rows, Ints, Floats]  # row, node and score of each


class Search:
    """A model, the ids that exist, and how many beams to keep after each level."""

    def __init__(
        self, branches: Branches, scores: Scores, trie: Trie, widths: tuple[int, ...]
    ) -> None:
        self._branches, self._scores, self._trie, self._widths = branches, scores, trie, widths

    def __call__(self, prompts: Prompts, first_RK: NDArray[np.bool_] | None) -> Frontier:
        """The likeliest ids of R prompts, as leaves of the trie; `first_RK`: allowed first codes.

        Raises:
            ContractError: the model yields scores that are not finite.
        """
        rows, room = len(prompts), len(prompts) * sum(self._widths[:-1])
        hidden_RD, grown = self._branches.read(prompts, room, len(self._widths))
        frontier, every_R = Frontier.root(rows), np.arange(rows)
        selection = Selection(rows, self._widths[0])
        beam = (every_R, frontier.node_RN[:, 0], frontier.score_RN[:, 0])
        self._offer(selection, beam, hidden_RD, 0, first_RK)
        frontier = selection.frontier()
        path_RNE = np.empty((rows, self._widths[0], 0), np.int64)
        for level in range(1, len(self._widths)):
            selection = Selection(rows, self._widths[level])
            place_RM = self._expand(grown, frontier, path_RNE, level, selection)
            later = selection.frontier()
            parent_RN = frontier.parents(later, self._trie.pointers[level])
            path_RME = np.concatenate([path_RNE, place_RM[:, :, None]], axis=2)
            path_RNE = path_RME[every_R[:, None], parent_RN]
            frontier = later
        self._branches.finish(grown)
        return frontier

    def _expand(
        self,
        grown: Grown,
        frontier: Frontier,
        path_RME: Rows,
        level: int,
        selection: Selection,
    ) -> Rows:
        """Offer the beams' children, best beams first; (R, M) places of those expanded."""
        place_RM = np.zeros(frontier.node_RN.shape, np.int64)
        keep = level < self._trie.levels - 1  # nothing grows behind the last but one code
        before = sum(self._trie.sizes[: level - 1])
        for some in _slices(frontier.node_RN.shape[1]):
            row_A, slot_A = np.nonzero(selection.hopeful(frontier.score_RN[:, some]))
            if not len(row_A):
                break
            slot_A += some.start
            node_A = frontier.node_RN[row_A, slot_A]
            code_A = before + self._trie.codes[level - 1][node_A].astype(np.int64)
            path_AE = path_RME[row_A, slot_A]
            hidden_AD, place_A = self._branches.grow(grown, row_A, path_AE, code_A, keep=keep)
            place_RM[row_A, slot_A] = place_A
            beam = (row_A, node_A, frontier.score_RN[row_A, slot_A])
            self._offer(selection, beam, hidden_AD, level)
        return place_RM

    def _offer(
        self,
        selection: Selection,
        beam: Beam,
        hidden_AD: Tensor,
        level: int,
        first_RK: NDArray[np.bool_] | None = None,
    ) -> None:
        """Offer the children of some beams; one whose children cannot be kept costs little."""
        children = (self._trie.pointers[level], self._trie.codes[level])
        logits_AK, codes = self._scores.of(hidden_AD, level)
        if self._scores.bounded and level:
            least_A = _finite(self._scores.least(hidden_AD, codes, level), level)
            some = np.flatnonzero(selection.promising(*beam, (logits_AK, least_A), children))
            beam = (beam[0][some], beam[1][some], beam[2][some])
            logits_AK, hidden_AD, codes = logits_AK[some], hidden_AD[some], codes.rows(some)
        norm_A = _finite(self._scores.norm(hidden_AD, codes, level), level)
        if first_RK is not None:
            logits_AK[~first_RK] = NO_SCORE
        selection.offer(*beam, (logits_AK, norm_A), children)


def _finite(norm_A: Floats, level: int) -> Floats:
    if not np.isfinite(norm_A).all():
        raise ContractError(f"scores of code {level + 1} are not finite, must be (model diverged?)")
    return norm_A


def _slices(beams: int) -> Iterator[slice]:
    """Sixteen, sixteen, thirty-two and so on: few if the model is sure, else no more passes."""
    start, stop = 0, min(_SLICE, beams)
    while start < beams:
        yield slice(start, stop)
        start, stop = stop, min(2 * stop, beams)
