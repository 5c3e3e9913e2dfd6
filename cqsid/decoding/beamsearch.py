"""Beam search of a few prompts, level by level.

Beams are expanded best first, a slice at a time: as no child is likelier than its parent, a row is
done as soon as its beams left are below its N-th best child. That changes no result, and saves
most of the work when the model is sure of the first codes.

Axis suffixes: R prompts, M beams a level before, N beams, A beams expanded together, S some of
them, E ancestors, K codes of a level.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cqsid.decoding.forward import Branches, Grown
from cqsid.decoding.frontier import NO_SCORE, Beam, Frontier, Offers, Selection
from cqsid.decoding.scores import Rows, Scores
from cqsid.decoding.trie import Trie
from cqsid.generator.prompts import Prompts

_SLICE: Final = 16  # beams of a row that are expanded first

Held = list[tuple[Beam, Tensor]]  # expanded beams and the model's output at them


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
        root, selection = Frontier.root(rows), Selection(rows, self._widths[0])
        beam = (np.arange(rows), root.node_RN[:, 0], root.score_RN[:, 0])
        Offers(self._scores, self._trie, 0, beam, hidden_RD).into(selection, first_RK)
        frontier = selection.frontier()
        path_RNE = np.empty((rows, self._widths[0], 0), np.int64)
        for level in range(1, len(self._widths)):
            selection = Selection(rows, self._widths[level])
            place_RM = self._expand(grown, frontier, path_RNE, level, selection)
            later = selection.frontier()
            parent_RN = frontier.parents(later, self._trie.pointers[level])
            path_RME = np.concatenate([path_RNE, place_RM[:, :, None]], axis=2)
            path_RNE = path_RME[np.arange(rows)[:, None], parent_RN]
            frontier = later
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
        before = self._scores.starts[level - 1]
        held: Held = []
        for some in _slices(frontier.node_RN.shape[1]):
            score_RS, floor_R = frontier.score_RN[:, some], selection.floors()
            row_A, slot_A = np.nonzero((score_RS >= floor_R[:, None]) & (score_RS > NO_SCORE))
            if not len(row_A):
                break
            slot_A += some.start
            node_A = frontier.node_RN[row_A, slot_A]
            code_A = before + self._trie.codes[level - 1][node_A].astype(np.int64)
            path_AE = path_RME[row_A, slot_A]
            hidden_AD, place_A = self._branches.grow(grown, row_A, path_AE, code_A, keep=keep)
            place_RM[row_A, slot_A] = place_A
            held.append(((row_A, node_A, frontier.score_RN[row_A, slot_A]), hidden_AD))
            if self._enough(held, level, len(floor_R)):
                self._offer(selection, held, level)
                held.clear()
        if held:
            self._offer(selection, held, level)
        return place_RM

    def _enough(self, held: Held, level: int, rows: int) -> bool:
        """Whether beams have children to fill the rows; where norms are dear, fewer can wait."""
        if not self._scores.bounded:
            return True
        pointer = self._trie.pointers[level]
        counts = (pointer[node_A + 1] - pointer[node_A] for (_, node_A, _), _ in held)
        return sum(int(count_A.sum()) for count_A in counts) >= rows * self._widths[level]

    def _offer(self, selection: Selection, held: Held, level: int) -> None:
        """Offer the beams' children, all beams together."""
        beam, hidden_AD = held[0]
        if len(held) > 1:
            columns = zip(*(beam for beam, _ in held), strict=True)
            row_A, node_A, score_A = (np.concatenate(column) for column in columns)
            beam, hidden_AD = (row_A, node_A, score_A), torch.cat([each for _, each in held])
        Offers(self._scores, self._trie, level, beam, hidden_AD).into(selection)


def _slices(beams: int) -> Iterator[slice]:
    """Sixteen, sixteen, thirty-two and so on: few if the model is sure, else no more passes."""
    start, stop = 0, min(_SLICE, beams)
    while start < beams:
        yield slice(start, stop)
        start, stop = stop, min(2 * stop, beams)
