"""Ids drawn from a policy, code by code.

Prompts are read once and branches grow behind them, as in the beam search that serves; samples that
begin alike share a branch until they part. A code is drawn by inverting the distribution function
at one uniform number, and the numbers of a request follow one another: its ids do not depend on
the other requests of a batch, and a batch in pieces draws what it draws in one.

Axis suffixes: B requests, R requests of a chunk, G samples, L levels, N samples of a chunk, K codes
of a level, A branches, E their places, C codes to choose from.
"""

from typing import Any, Final

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray

from cqsid.decoding.forward import Branches
from cqsid.decoding.trie import Trie
from cqsid.generator.prompts import Prompts
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from cqsid.kernels.matmul import Product
from cqsid.rewards.reward import Samples
from simulator.catalogue.catalog import Ints
from simulator.errors import ConfigError, ContractError

Rows = NDArray[np.int64]
Noise = NDArray[np.float64]
_ROWS: Final = 64  # prompts of a chunk: bounds memory; results do not depend on it


class NotFinite(ContractError):
    """The model's answers are not finite numbers."""


def sample(
    weights: Weights,
    vocabulary: Vocabulary,
    trie: Trie,
    prompts: Prompts,
    number: int,
    *,
    rng: np.random.Generator,
    temperature: float = 1.0,
    constrained: bool = True,
    forced_BL: Ints | None = None,
) -> Samples:
    """Draw ids for each prompt, independently and with repeats.

    Given that a code is one of its level, a softmax over all tokens says the same of it as one over
    the level, so there is no choice between them here.

    Args:
        weights: the policy's parameters; read, without gradients.
        vocabulary: its tokens.
        trie: the ids that exist.
        prompts: B prompts.
        number: G, ids of each prompt.
        rng: B x G x L uniform numbers are taken from it, request by request.
        temperature: logits are divided by this; towards 0 the likeliest code alone remains.
        constrained: draw only from the codes that exist after a prefix; if not, from all codes of
            the level, though never from other tokens.
        forced_BL: (B, L) int32 first codes that all ids of a prompt must have, -1 from where they
            are free.

    Raises:
        ConfigError: no sample, a temperature that is not above 0, or
            vocabulary and trie of different sizes.
        DataError: a prompt is empty or has an unknown token, or a weight is not finite.
        ContractError: forced codes of another shape, outside their level, behind a free one, or
            of no id that exists where samples are constrained; or the model yields scores that
            are not finite.
    """
    _check_settings(vocabulary, trie, number, temperature)
    prompts.check(len(weights.embedding_VD))
    shape = len(prompts), len(vocabulary.sizes)
    forced = np.full(shape, -1, np.int32) if forced_BL is None else forced_BL
    _check_forced(forced, shape, trie, constrained)
    noise_BGL = rng.random((len(prompts), number, shape[1]))
    codes_BGL = np.empty(noise_BGL.shape, np.int32)
    with torch.no_grad(), torch.autocast(weights.head_VD.device.type, enabled=False):
        sampler = _Sampler(weights, vocabulary, trie, temperature, constrained)
        for start in range(0, len(prompts), _ROWS):
            rows = slice(start, start + _ROWS)
            codes_BGL[rows] = sampler(prompts.rows(rows), noise_BGL[rows], forced[rows])
    sid_BG = trie.find(codes_BGL.reshape(-1, shape[1])).reshape(len(prompts), number)
    return Samples(codes_BGL, sid_BG)


class _Sampler:
    """A model laid out to draw ids."""

    def __init__(
        self,
        weights: Weights,
        vocabulary: Vocabulary,
        trie: Trie,
        temperature: float,
        constrained: bool,
    ) -> None:
        start = vocabulary.first_code
        self._branches = Branches(weights, start)
        self._heads = [Product(head_KD) for head_KD in vocabulary.heads(weights.head_VD)]
        self._trie, self._constrained, self._cold = trie, constrained, 1.0 / temperature
        self._offset_L = vocabulary.offset_L - start

    def __call__(self, prompts: Prompts, noise_RGL: Noise, forced_RL: Ints) -> Ints:
        """(R, G, L) codes."""
        rows, group, levels = noise_RGL.shape
        codes_NL = np.empty((rows * group, levels), np.int32)
        hidden_AD, grown = self._branches.read(prompts, rows * group * (levels - 1), levels)
        row_A, path_AE = np.arange(rows), np.empty((rows, 0), np.int64)
        at_N, node_N = np.repeat(row_A, group), np.zeros(rows * group, np.int32)
        for level, head in enumerate(self._heads):
            logits_AK = head(hidden_AD).cpu().numpy()
            noise_N = noise_RGL[..., level].ravel()
            code_N = self._draw(level, logits_AK, at_N, node_N, noise_N)
            forced_N = np.repeat(forced_RL[:, level], group)
            code_N = codes_NL[:, level] = np.where(forced_N >= 0, forced_N, code_N)
            if level == levels - 1:
                break
            if self._constrained:
                node_N = self._trie.child(level, node_N, code_N)
            # Branches ascend with their prompts, so those that grow from them do too.
            key_A, at_N = np.unique(at_N * logits_AK.shape[1] + code_N, return_inverse=True)
            from_A, code_A = np.divmod(key_A, logits_AK.shape[1])
            row_A, path_AE, code_A = row_A[from_A], path_AE[from_A], code_A + self._offset_L[level]
            hidden_AD, place_A = self._branches.grow(grown, row_A, path_AE, code_A)
            path_AE = np.concatenate([path_AE, place_A[:, None]], axis=1)
        return codes_NL.reshape(noise_RGL.shape)

    def _draw(
        self, level: int, logits_AK: NDArray[np.float32], at_N: Rows, node_N: Ints, noise_N: Noise
    ) -> Ints:
        """A code for each sample from the logits of its branch.

        Raises:
            NotFinite: logits that are not finite.
        """
        if not np.isfinite(logits_AK).all():
            raise NotFinite(f"logits of level {level} == NaN or infinite, must be finite")
        if self._constrained:
            pointer, code_C = self._trie.pointers[level], self._trie.codes[level]
            first_N, stop_N = pointer[node_N], pointer[node_N + 1]
        else:
            code_C = np.arange(logits_AK.shape[1], dtype=np.int32)
            first_N, stop_N = np.zeros_like(node_N), np.full_like(node_N, len(code_C))
        drawn_N = np.empty(len(at_N), np.int32)
        _invert(logits_AK, at_N, first_N, stop_N, code_C, noise_N, self._cold, drawn_N)
        return drawn_N


@njit(cache=True, nogil=True, error_model="numpy")
def _invert(
    logits_AK: Any,
    at_N: Any,
    first_N: Any,
    stop_N: Any,
    code_C: Any,
    noise_N: Any,
    cold: float,
    drawn_N: Any,
) -> None:  # pragma: no cover
    """Draw one of the codes first to stop - 1 with the probability of its logit among these."""
    sum_C = np.empty((stop_N - first_N).max())
    for n in range(len(at_N)):
        logits_K, first, stop = logits_AK[at_N[n]], first_N[n], stop_N[n]
        top = logits_K[code_C[first]]
        for c in range(first + 1, stop):
            top = max(top, logits_K[code_C[c]])
        total = 0.0
        for c in range(first, stop):
            total += np.exp((np.float64(logits_K[code_C[c]]) - top) * cold)
            sum_C[c - first] = total
        # The sums do not fall, and the noise is below 1: a code of no probability is never drawn.
        below = noise_N[n] * total
        drawn_N[n] = code_C[first + np.searchsorted(sum_C[: stop - first], below, side="right")]


def _check_settings(vocabulary: Vocabulary, trie: Trie, number: int, temperature: float) -> None:
    if number < 1:
        raise ConfigError(f"number == {number}, must be >= 1")
    if not temperature > 0:
        raise ConfigError(f"temperature == {temperature}, must be > 0")
    if vocabulary.sizes != trie.sizes:
        raise ConfigError(f"trie.sizes == {trie.sizes}, must be {vocabulary.sizes}")


def _check_forced(forced_BL: Ints, shape: tuple[int, int], trie: Trie, constrained: bool) -> None:
    if forced_BL.shape != shape:
        raise ContractError(f"forced_BL.shape == {forced_BL.shape}, must be {shape}")
    node_B = np.zeros(len(forced_BL), np.int32)
    for level, size in enumerate(trie.sizes):
        code_B = forced_BL[:, level]
        free_B = code_B < 0
        wrong_B, wanted = (code_B < -1) | (code_B >= size), f"must be -1 to {size - 1}"
        if level:
            behind_B = ~free_B & (forced_BL[:, level - 1] < 0)
            wrong_B, wanted = wrong_B | behind_B, wanted + ", and -1 behind a free code"
        if constrained and not wrong_B.any():
            node_B = np.where(free_B, 0, trie.child(level, node_B, code_B))
            wrong_B, wanted = node_B < 0, "must be one of an id that exists"
        if wrong_B.any():
            row = int(wrong_B.argmax())
            raise ContractError(f"forced_BL[{row}, {level}] == {code_B[row]}, {wanted}")
