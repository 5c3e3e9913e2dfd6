"""Beam search over the ids that exist.

Prompts are read once; beams then grow behind them in one pass a level, the last code's excepted:
L - 1 passes for ids of L codes, nothing copied or reordered, no end mark (see
`cqsid.decoding.beamsearch`).

Axis suffixes: B prompts, R prompts of a chunk, T positions, L levels, N beams, K codes of a level.
"""

import copy
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from cqsid.decoding.beamsearch import Search
from cqsid.decoding.forward import Branches
from cqsid.decoding.frontier import NO_SCORE
from cqsid.decoding.scores import Scores, Softmax as Softmax
from cqsid.decoding.trie import Trie
from cqsid.generator.prompts import Prompts
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from cqsid.kernels.logsumexp import Floats
from recall.device import one_thread
from simulator.catalogue.catalog import Ints
from simulator.errors import ConfigError, ContractError

_ROWS: Final = 64  # prompts a chunk: bounds memory; results do not depend on it


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
        _check_sizes(vocabulary, trie)
        if len(weights.embedding_VD) < len(vocabulary):
            found = len(weights.embedding_VD)
            raise ConfigError(f"weights: {found} tokens, must be >= {len(vocabulary)}")
        self._trie, self._vocabulary = trie, vocabulary
        self._tokens = len(weights.embedding_VD)
        with torch.inference_mode():
            self._branches = Branches(weights, vocabulary.first_code)
            self._scores = Scores(weights, vocabulary, softmax)

    def among(self, trie: Trie) -> "Decoder":
        """The same model, laid out once, with other ids.

        Raises:
            ConfigError: a trie of other sizes.
        """
        _check_sizes(self._vocabulary, trie)
        other = copy.copy(self)
        other._trie = trie
        return other

    def decode(
        self,
        prompts: Prompts,
        beams: int | tuple[int, ...],
        *,
        first_BK: NDArray[np.bool_] | None = None,
    ) -> Beams:
        """Search the ids of each prompt, on one thread.

        A row's answer depends neither on the other rows nor on how many cores a machine has.

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
        search = Search(self._branches, self._scores, self._trie, widths)
        with one_thread(), torch.inference_mode():
            for start in range(0, len(prompts), _ROWS):
                rows = slice(start, start + _ROWS)
                first_RK = None if first_BK is None else first_BK[rows]
                found = search(prompts.rows(rows), first_RK)
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
        prompts.check(self._tokens)
        if first_BK is None:
            return
        if first_BK.shape != (len(prompts), self._trie.sizes[0]):
            wanted = f"must be {(len(prompts), self._trie.sizes[0])}"
            raise ContractError(f"first_BK.shape == {first_BK.shape}, {wanted}")
        none_B = ~(first_BK & self._trie.first_K).any(axis=1)
        if none_B.any():
            row = int(none_B.argmax())
            raise ContractError(f"first_BK[{row}] allows no id, must allow a first code of one")


def _check_sizes(vocabulary: Vocabulary, trie: Trie) -> None:
    if vocabulary.sizes != trie.sizes:
        raise ConfigError(f"trie.sizes == {trie.sizes}, must be {vocabulary.sizes}")
