"""Prompts with their answers as a batch, and the loss of the answers.

Axis suffixes: B rows, T positions, L levels, D model width, V tokens, K codes of a level.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cqsid.decoding.decoder import Softmax
from cqsid.generator.prefix import Prefix
from cqsid.generator.prompts import Prompts
from cqsid.generator.transformer import Weights, embed, forward
from cqsid.generator.vocabulary import Vocabulary
from cqsid.kernels.matmul import linear
from cqsid.training.examples import Rows
from simulator.catalogue.catalog import Ints


@dataclass(frozen=True)
class Batch:
    """Prompts with all codes of their answers but the last.

    Attributes:
        tokens_BT: padded on the right.
        wanted_BL: the positions that predict each code of the answer.
        codes_BL: the codes of the answer.
        prefix: of the prompts.
    """

    tokens_BT: Ints
    wanted_BL: Rows
    codes_BL: Ints
    prefix: Prefix | None = None

    @staticmethod
    def of(prompts: Prompts, codes_BL: Ints, vocabulary: Vocabulary) -> "Batch":
        """Put answers behind prompts, as narrow as the longest allows."""
        length_B1, levels = prompts.length_B[:, None], codes_BL.shape[1]
        width = int(prompts.length_B.max())
        tokens_BT = np.full((len(prompts), width + levels - 1), vocabulary.pad, np.int32)
        tokens_BT[:, :width] = prompts.tokens_BT[:, :width]
        at_BL = length_B1 + np.arange(levels - 1)
        np.put_along_axis(tokens_BT, at_BL, vocabulary.tokens(codes_BL)[:, :-1], axis=1)
        wanted_BL = length_B1 - 1 + np.arange(levels)
        return Batch(tokens_BT, wanted_BL, codes_BL, prompts.prefix)


def answer_loss(
    weights: Weights, vocabulary: Vocabulary, batch: Batch, softmax: Softmax = "level"
) -> Tensor:
    """Mean cross entropy of the codes of the answers, a scalar.

    Prompts are not predicted. With `softmax == "level"` a code competes with the codes of its
    level only, with "full" with every token.
    """
    device = weights.embedding_VD.device
    tokens_BT, wanted_BL, codes_BL = (
        torch.from_numpy(part).to(device)
        for part in (batch.tokens_BT, batch.wanted_BL, batch.codes_BL.astype(np.int64))
    )
    position_T = torch.arange(tokens_BT.shape[1], device=device)
    # Padding is on the right, so that a causal mask hides it from all that matters.
    causal_TT = position_T[:, None] >= position_T
    hidden_BLD, _ = forward(
        weights,
        embed(weights, tokens_BT, batch.prefix),
        position_T[None],
        causal_TT[None],
        wanted_BN=wanted_BL,
        linear=linear,
    )
    if softmax == "full":
        token_BL = codes_BL + torch.from_numpy(vocabulary.offset_L).to(device)
        logits_NV = linear(hidden_BLD.flatten(0, 1), weights.head_VD)
        return F.cross_entropy(logits_NV, token_BL.flatten())
    heads = vocabulary.heads(weights.head_VD)
    losses = [
        F.cross_entropy(linear(hidden_BLD[:, level], head_KD), codes_BL[:, level])
        for level, head_KD in enumerate(heads)
    ]
    return torch.stack(losses).mean()
