"""How likely a policy finds the ids of a group, and how sure of each code it is; differentiable.

Three softmaxes differ in what a code competes with: the codes of its level ("level"), every token
("full"), or, where a trie is given, the codes that exist after the prefix ("legal").

Axis suffixes: B requests, G ids of a group, L levels, K codes of a level, N nodes (distinct
beginnings of ids, see `cqsid.alignment.packing`), U nodes of one level, D model width, E pairs of
a node and a code that exists behind it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cqsid.alignment.packing import Packed, Tree
from cqsid.decoding.decoder import Softmax
from cqsid.decoding.forward import Branches
from cqsid.decoding.trie import Trie
from cqsid.generator.prompts import Prompts
from cqsid.generator.transformer import Weights, embed, forward
from cqsid.generator.vocabulary import Vocabulary
from cqsid.kernels.logsumexp import log_partition
from cqsid.kernels.matmul import linear
from simulator.catalogue.catalog import Ints
from simulator.errors import ConfigError

_NEVER: Final = float("-inf")


@dataclass(frozen=True)
class Scores:
    """What a policy makes of B groups of G ids.

    Attributes:
        logp_BGL: log-probability of each code after those before it.
        entropy_BGL: entropy of the distribution that gave it, in nats; with the softmax over
            every token that of the level's codes alone. Without gradients.
    """

    logp_BGL: Tensor
    entropy_BGL: Tensor


@dataclass(frozen=True)
class _Level:
    """The choices at the nodes of one level.

    Attributes:
        logits_UK: of the level's codes.
        legal_UK: which codes exist; None: all.
        norm_U: logarithm of the sum that probabilities are a share of.
    """

    logits_UK: Tensor
    legal_UK: Tensor | None
    norm_U: Tensor

    @property
    def logp_UK(self) -> Tensor:
        """Log-probabilities, -inf for what does not exist."""
        logp_UK = self.logits_UK - self.norm_U[:, None]
        return logp_UK if self.legal_UK is None else logp_UK.masked_fill(~self.legal_UK, _NEVER)

    def chosen(self, node_BG: Tensor, code_BG: Tensor) -> Tensor:
        """(B, G) log-probability of a code at a node; one that does not exist is added there."""
        logit_BG, norm_BG = self.logits_UK[node_BG, code_BG], self.norm_U[node_BG]
        if self.legal_UK is not None:
            with_BG = torch.logaddexp(norm_BG, logit_BG)
            norm_BG = torch.where(self.legal_UK[node_BG, code_BG], norm_BG, with_BG)
        return logit_BG - norm_BG

    @torch.no_grad()
    def entropy_U(self) -> Tensor:
        """Of the level's codes, in nats."""
        logits_UK = self.logits_UK
        if self.legal_UK is not None:
            logits_UK = logits_UK.masked_fill(~self.legal_UK, torch.finfo(torch.float32).min)
        logp_UK = logits_UK.log_softmax(dim=-1)
        return -(logp_UK.exp() * logp_UK).sum(dim=-1)


def log_probabilities(
    weights: Weights,
    vocabulary: Vocabulary,
    prompts: Prompts,
    codes_BGL: Ints,
    *,
    softmax: Softmax = "level",
    trie: Trie | None = None,
) -> Scores:
    """Score groups of ids in one pass; gradients flow to the weights.

    Args:
        weights: the policy's parameters.
        vocabulary: its tokens.
        prompts: B prompts.
        codes_BGL: int32 (B, G, L) codes of the ids.
        softmax: what a code competes with.
        trie: the ids that exist; a code then competes only with those that exist after its prefix,
            whatever `softmax` is, and the probabilities of all ids that exist sum to one. A code
            that does not exist there competes with these too, and after a prefix that does not
            exist with all codes of its level: every id has a finite log-probability.

    Raises:
        ConfigError: an unknown softmax.
        ContractError: codes of another shape, or outside their levels.
    """
    tree, levels = _levels(weights, vocabulary, prompts, codes_BGL, softmax, trie)
    node_BGL = torch.from_numpy(tree.node_BGL - tree.starts[:-1]).to(weights.head_VD.device)
    code_BGL = torch.from_numpy(codes_BGL.astype(np.int64)).to(weights.head_VD.device)
    pairs = [(node_BGL[..., level], each) for level, each in enumerate(levels)]
    logp = [each.chosen(at_BG, code_BGL[..., level]) for level, (at_BG, each) in enumerate(pairs)]
    entropy = [each.entropy_U()[at_BG] for at_BG, each in pairs]
    return Scores(torch.stack(logp, dim=-1), torch.stack(entropy, dim=-1))


@torch.no_grad()
def distributions(
    weights: Weights,
    vocabulary: Vocabulary,
    prompts: Prompts,
    codes_BGL: Ints,
    *,
    softmax: Softmax = "level",
    trie: Trie | None = None,
) -> list[Tensor]:
    """Log-probabilities of all codes along the ids of groups, without gradients.

    Arguments and errors are those of `log_probabilities`.

    Returns:
        For each level those of its K codes after each id's codes before: (B, 1, K) for the first
        level, before which all ids are equal, then (B, G, K). They sum to one, with the softmax
        over every token to less. -inf for codes that do not exist after a prefix that does.
    """
    tree, levels = _levels(weights, vocabulary, prompts, codes_BGL, softmax, trie)
    node_BGL = torch.from_numpy(tree.node_BGL - tree.starts[:-1]).to(weights.head_VD.device)
    first, *later = (each.logp_UK for each in levels)
    return [first[:, None], *(each[node_BGL[..., n]] for n, each in enumerate(later, start=1))]


def _levels(
    weights: Weights,
    vocabulary: Vocabulary,
    prompts: Prompts,
    codes_BGL: Ints,
    softmax: Softmax,
    trie: Trie | None,
) -> tuple[Tree, list[_Level]]:
    """The nodes of the groups, and the choices at them."""
    if softmax not in ("level", "full"):
        raise ConfigError(f"softmax == {softmax!r}, must be 'level' or 'full'")
    tree, device = Tree.of(prompts, codes_BGL, vocabulary), weights.head_VD.device
    outputs = _read if device.type == "cpu" and not torch.is_grad_enabled() else _learn
    hidden_ND, bounds = outputs(weights, vocabulary, prompts, codes_BGL, tree), tree.starts
    heads = vocabulary.heads(weights.head_VD)
    norm_N = None
    if softmax == "full" and trie is None:
        norm_N = log_partition(hidden_ND, weights.head_VD)
    levels = []
    for level, head_KD in enumerate(heads):
        some = slice(*bounds[level : level + 2])
        logits_UK, legal_UK = linear(hidden_ND[some], head_KD).float(), None
        if trie is not None:
            legal_UK = torch.from_numpy(_legal(trie, tree, codes_BGL, level)).to(device)
            norm_U = logits_UK.masked_fill(~legal_UK, _NEVER).logsumexp(dim=-1)
        else:
            norm_U = logits_UK.logsumexp(dim=-1) if norm_N is None else norm_N[some]
        levels.append(_Level(logits_UK, legal_UK, norm_U))
    return tree, levels


def _learn(
    weights: Weights, vocabulary: Vocabulary, prompts: Prompts, codes_BGL: Ints, tree: Tree
) -> Tensor:
    """(N, D) the model's output at each node, with gradients."""
    packed = Packed.of(prompts, codes_BGL, vocabulary, tree)
    place_N = tree.row_N * len(tree.level_C) + tree.place_N
    columns = packed.tokens_BT, packed.position_BT, packed.mask_BTT, packed.wanted_BC, place_N
    tokens_BT, position_BT, mask_BTT, wanted_BC, place = (
        torch.from_numpy(each).to(weights.embedding_VD.device) for each in columns
    )
    hidden_BTD = embed(weights, tokens_BT, prompts.prefix)
    hidden_BCD, _ = forward(
        weights, hidden_BTD, position_BT, mask_BTT, wanted_BN=wanted_BC, linear=linear
    )
    return hidden_BCD.flatten(0, 1)[place]


def _read(
    weights: Weights, vocabulary: Vocabulary, prompts: Prompts, codes_BGL: Ints, tree: Tree
) -> Tensor:
    """The same without gradients, by the forward pass that serves: nothing is padded."""
    start, levels = vocabulary.first_code, len(vocabulary.sizes)
    branches, nodes = Branches(weights, start), len(tree.row_N)
    hidden_AD, grown = branches.read(prompts, nodes, levels)
    outputs, place_N = [hidden_AD], np.zeros(nodes, np.int64)
    for level in range(1, levels):
        some = slice(*tree.starts[level : level + 2])
        row_U, id_U = tree.row_N[some], tree.id_N[some]
        path_UE = place_N[tree.node_BGL[row_U, id_U, 1:level]]
        code_U = codes_BGL[row_U, id_U, level - 1] + vocabulary.offset_L[level - 1] - start
        hidden_AD, place_N[some] = branches.grow(grown, row_U, path_UE, code_U)
        outputs.append(hidden_AD)
    return torch.cat(outputs)


def _legal(trie: Trie, tree: Tree, codes_BGL: Ints, level: int) -> NDArray[np.bool_]:
    """(U, K) codes that exist after each prefix of a level; all after one that does not exist."""
    some = slice(*tree.starts[level : level + 2])
    prefix_UL = codes_BGL[tree.row_N[some], tree.id_N[some]]
    node_U = np.zeros(len(prefix_UL), np.int32)
    for before in range(level):
        node_U = trie.child(before, node_U, prefix_UL[:, before])
    pointer, known_U = trie.pointers[level], node_U >= 0
    first_U = np.where(known_U, pointer[node_U], 0)
    count_U = np.where(known_U, pointer[node_U + 1], 0) - first_U
    at_E = np.repeat(np.arange(len(node_U)), count_U)
    child_E = np.arange(len(at_E)) + np.repeat(first_U - np.cumsum(count_U) + count_U, count_U)
    legal_UK = np.repeat(~known_U[:, None], trie.sizes[level], axis=1)
    legal_UK[at_E, trie.codes[level][child_E]] = True
    return legal_UK
