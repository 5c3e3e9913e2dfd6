"""Beam search over the ids that exist.

Prompts are read once; beams then grow behind them in one pass a level, the last code's excepted:
L - 1 passes for ids of L codes, nothing copied or reordered, no end mark. Beams are expanded best
first, a few at a time: as no child is likelier than its parent, a row is done as soon as its beams
left are below its N-th best child. That changes no result, and saves most of the work when the
model is sure of the first codes.

Axis suffixes: B prompts, R prompts of a chunk, L levels, N beams, M beams a level before, A beams
expanded together, E ancestors, K codes of a level, S ids.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cqsid.beam import NO_SCORE, Floats, Frontier, Selection, log_partition
from cqsid.branches import Branches, Grown, Rows
from cqsid.matmul import Product
from cqsid.prompts import Prompts
from cqsid.transformer import Weights
from cqsid.trie import Trie
from cqsid.vocabulary import Vocabulary
from simulator.catalog import Ints
from simulator.errors import ConfigError, ContractError, DataError

Softmax = Literal["level", "full"]
_ROWS: Final = 48  # prompts a chunk: bounds memory; results do not depend on it
_LOGITS: Final = 1 << 20  # of the whole vocabulary at once
_SLICE: Final = 16  # beams of a row that are expanded first


@dataclass(frozen=True)
class Beams:
    """The likeliest ids of B prompts, best first; of equal ones the lower id.

    Attributes:
        sid_BN: int32 rows of the trie's ids, -1 where a prompt has fewer.
        scores_BN: float32 log-probability of each id, -inf where there is none.
    """

    sid_BN: Ints
    scores_BN: Floats

    def __len__(self) -> int:
        return len(self.sid_BN)


class Decoder:
    """Finds the likeliest of the ids that exist; takes weights and trie as they are now."""

    def __init__(
        self,
        weights: Weights,
        vocabulary: Vocabulary,
        trie: Trie,
        *,
        softmax: Softmax = "level",
    ) -> None:
        """Lay out the model.

        Args:
            weights: the model's parameters.
            vocabulary: which tokens stand for codes.
            trie: the ids that exist.
            softmax: whether a code's probability is among the codes of its level, or among all
                tokens (as the library's beam search has it, and slower).

        Raises:
            ConfigError: an unknown softmax, or vocabulary, trie and weights of different sizes.
            DataError: a weight is not finite.
        """
        if softmax not in ("level", "full"):
            raise ConfigError(f"softmax == {softmax!r}, must be 'level' or 'full'")
        if vocabulary.sizes != trie.sizes:
            raise ConfigError(f"trie.sizes == {trie.sizes}, must be {vocabulary.sizes}")
        if len(weights.embedding_VD) < len(vocabulary):
            found = len(weights.embedding_VD)
            raise ConfigError(f"weights: {found} tokens, must be >= {len(vocabulary)}")
        self._trie, self._vocabulary = trie, vocabulary
        self._tokens = len(weights.embedding_VD)
        with torch.inference_mode():
            self._branches = Branches(weights, int(vocabulary.offset_L[0]))
            ranges = zip(vocabulary.offset_L, vocabulary.sizes, strict=True)
            self._heads = [Product(weights.head_VD[at : at + size]) for at, size in ranges]
            self._head = Product(weights.head_VD) if softmax == "full" else None

    def decode(
        self,
        prompts: Prompts,
        beams: int | tuple[int, ...],
        *,
        first_BK: NDArray[np.bool_] | None = None,
    ) -> Beams:
        """Search the ids of each prompt. A row's answer does not depend on the others.

        Args:
            prompts: B prompts.
            beams: how many beams to keep, or how many after each level; the last is N.
            first_BK: which first codes each prompt may have; None: all.

        Returns:
            N ids a prompt, fewer where fewer can be reached.

        Raises:
            ConfigError: not one number >= 1 for each level.
            DataError: a prompt is empty or has an unknown token.
            ContractError: a row allows no first code of an existing id, or the model yields
                scores that are not finite.
        """
        widths = self._widths(beams)
        self._check(prompts, first_BK)
        sid_BN = np.full((len(prompts), widths[-1]), -1, np.int32)
        scores_BN = np.full(sid_BN.shape, NO_SCORE)
        with torch.inference_mode():
            for start in range(0, len(prompts), _ROWS):
                rows = slice(start, start + _ROWS)
                first_RK = None if first_BK is None else first_BK[rows]
                found = self._search(prompts.rows(rows), widths, first_RK)
                sid_BN[rows], scores_BN[rows] = found.node_RN, found.score_RN
        return Beams(sid_BN, scores_BN)

    def _widths(self, beams: int | tuple[int, ...]) -> tuple[int, ...]:
        widths = (beams,) * self._trie.levels if isinstance(beams, int) else tuple(beams)
        if len(widths) != self._trie.levels or min(widths) < 1:
            raise ConfigError(
                f"beams == {beams}, must be >= 1 for each of {self._trie.levels} levels"
            )
        return widths

    def _check(self, prompts: Prompts, first_BK: NDArray[np.bool_] | None) -> None:
        tokens_BT, length_B = prompts.tokens_BT, prompts.length_B
        wrong_B = (length_B < 1) | (length_B > tokens_BT.shape[1])
        if wrong_B.any():
            row = int(wrong_B.argmax())
            wanted = f"must be 1 to {tokens_BT.shape[1]} tokens"
            raise DataError(f"prompts.length_B[{row}] == {length_B[row]}, {wanted}")
        wrong_BT = (tokens_BT < 0) | (tokens_BT >= self._tokens)
        if wrong_BT.any():
            row, place = (int(at[0]) for at in np.nonzero(wrong_BT))
            found = f"prompts.tokens_BT[{row}, {place}] == {tokens_BT[row, place]}"
            raise DataError(f"{found}, must be 0 to {self._tokens - 1}")
        if first_BK is None:
            return
        if first_BK.shape != (len(prompts), self._trie.sizes[0]):
            wanted = f"must be {(len(prompts), self._trie.sizes[0])}"
            raise ContractError(f"first_BK.shape == {first_BK.shape}, {wanted}")
        none_B = ~(first_BK & self._trie.first_K).any(axis=1)
        if none_B.any():
            row = int(none_B.argmax())
            raise ContractError(f"first_BK[{row}] allows no id, must allow a first code of one")

    def _search(
        self, prompts: Prompts, widths: tuple[int, ...], first_RK: NDArray[np.bool_] | None
    ) -> Frontier:
        rows, room = len(prompts), len(prompts) * sum(widths[:-1])
        hidden_RD, grown = self._branches.read(prompts, room, len(widths))
        frontier, every_R = Frontier.root(rows), np.arange(rows)
        logits_RK, norm_R = self._scores(hidden_RD, 0)
        if first_RK is not None:
            logits_RK[~first_RK] = NO_SCORE
        selection = Selection(rows, widths[0])
        beam = (every_R, frontier.node_RN[:, 0], frontier.score_RN[:, 0])
        selection.offer(*beam, (logits_RK, norm_R), self._children(0))
        frontier = selection.frontier()
        path_RNE = np.empty((rows, widths[0], 0), np.int64)
        for level in range(1, len(widths)):
            selection = Selection(rows, widths[level])
            place_RM = self._expand(grown, frontier, path_RNE, level, selection)
            later = selection.frontier()
            parent_RN = frontier.parents(later, self._trie.pointers[level])
            path_RME = np.concatenate([path_RNE, place_RM[:, :, None]], axis=2)
            path_RNE = path_RME[every_R[:, None], parent_RN]
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
        before = int(self._vocabulary.offset_L[level - 1] - self._vocabulary.offset_L[0])
        for some in _slices(frontier.node_RN.shape[1]):
            row_A, slot_A = np.nonzero(selection.hopeful(frontier.score_RN[:, some]))
            if not len(row_A):
                break
            slot_A += some.start
            node_A = frontier.node_RN[row_A, slot_A]
            code_A = before + self._trie.codes[level - 1][node_A].astype(np.int64)
            path_AE = path_RME[row_A, slot_A]
            hidden_AD, place_A = self._branches.grow(grown, row_A, path_AE, code_A)
            place_RM[row_A, slot_A] = place_A
            scored = self._scores(hidden_AD, level)
            beam = (row_A, node_A, frontier.score_RN[row_A, slot_A])
            selection.offer(*beam, scored, self._children(level))
        return place_RM

    def _children(self, level: int) -> tuple[Ints, Ints]:
        return self._trie.pointers[level], self._trie.codes[level]

    def _scores(self, hidden_AD: Tensor, level: int) -> tuple[Floats, Floats]:
        """(A, K) logits of a level's codes, and (A,) what turns them into log-probabilities."""
        logits_AK = self._heads[level](hidden_AD).cpu().numpy()
        if self._head is None:
            norm_A = log_partition(logits_AK)
        else:
            step = max(_LOGITS // self._tokens, 1)
            parts = (hidden_AD[at : at + step] for at in range(0, len(hidden_AD), step))
            norms = [log_partition(self._head(part).cpu().numpy()) for part in parts]
            norm_A = np.concatenate(norms)
        if not np.isfinite(norm_A).all():
            raise ContractError(
                f"scores of code {level + 1} are not finite, must be (model diverged?)"
            )
        return logits_AK, norm_A


def _slices(beams: int) -> Iterator[slice]:
    """Sixteen, sixteen, thirty-two and so on: few if the model is sure, else no more passes."""
    start, stop = 0, min(_SLICE, beams)
    while start < beams:
        yield slice(start, stop)
        start, stop = stop, min(2 * stop, beams)
