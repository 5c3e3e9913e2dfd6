"""What a trained chain judge says of pairs: chances of grades, and the chain that it writes.

Axis suffixes: N pairs, R pairs of a chunk, A branches, L codes, G grades, D model width.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cqsid.decoding.decoder import Decoder
from cqsid.decoding.forward import Branches
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from cqsid.kernels.matmul import Product
from cqsid.systems.chain.chains import Chains
from cqsid.systems.chain.prompts import Pairs
from recall.device import one_thread
from simulator.catalogue.catalog import Ints

_CHUNK: Final = 256  # pairs read at once: bounds memory; results do not depend on it


class ChainReader:
    """A model laid out to grade."""

    def __init__(self, weights: Weights, vocabulary: Vocabulary, chains: Chains) -> None:
        self._chains, start = chains, vocabulary.first_code
        with torch.inference_mode():
            self._branches = Branches(weights, start)
            self._heads = [Product(head_KD) for head_KD in vocabulary.heads(weights.head_VD)]
        self._offset_L = vocabulary.offset_L - start
        self._decoder = Decoder(weights, vocabulary, chains.trie)

    def grades(self, pairs: Pairs) -> NDArray[np.float32]:
        """(N, G) chance of each grade, over all verdicts that may stand before it."""
        size = self._chains.sizes[self._chains.grade_level]
        out_NG = np.empty((len(pairs), size), np.float32)
        with one_thread(), torch.inference_mode():
            for start in range(0, len(pairs), _CHUNK):
                rows = np.arange(start, min(start + _CHUNK, len(pairs)))
                out_NG[rows] = self._grades(pairs, rows).numpy()
        return out_NG

    def _grades(self, pairs: Pairs, rows: NDArray[np.int64]) -> Tensor:
        """(R, G): the chance of a chain's beginning times that of the grade behind it, summed."""
        sizes, depth = self._chains.sizes, self._chains.grade_level
        room = int(sum(np.prod(sizes[: level + 1]) for level in range(depth))) * len(rows)
        hidden_AD, grown = self._branches.read(pairs.rows(rows), room, len(sizes))
        chance_A = torch.ones(len(rows))
        path_AE = np.empty((len(rows), 0), np.int64)
        for level in range(depth):
            chance_A = (chance_A[:, None] * self._said(level, hidden_AD)).flatten()
            from_A = np.repeat(np.arange(len(path_AE)), sizes[level])
            row_A = np.repeat(np.arange(len(rows)), len(chance_A) // len(rows))
            code_A = np.tile(np.arange(sizes[level]), len(path_AE)) + self._offset_L[level]
            path_AE = path_AE[from_A]
            hidden_AD, place_A = self._branches.grow(grown, row_A, path_AE, code_A)
            path_AE = np.concatenate([path_AE, place_A[:, None]], axis=1)
        said_AG = self._said(depth, hidden_AD) * chance_A[:, None]
        return said_AG.view(len(rows), -1, said_AG.shape[1]).sum(dim=1)

    def _said(self, level: int, hidden_AD: Tensor) -> Tensor:
        """(A, K) chance of each code."""
        return self._heads[level](hidden_AD).float().cpu().softmax(dim=1)

    def chains(self, pairs: Pairs) -> Ints:
        """(N, L) the chain that it writes of each pair, code by code the likeliest."""
        parts = [np.zeros((0, len(self._chains.sizes)), np.int32)]
        for start in range(0, len(pairs), _CHUNK):
            prompts = pairs.rows(np.arange(start, min(start + _CHUNK, len(pairs))))
            parts.append(self._chains.ids.sids_SL[self._decoder.decode(prompts, 1).sid_BN[:, 0]])
        return np.concatenate(parts)
