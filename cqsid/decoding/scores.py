"""Logits of a level's codes, and what turns them into log-probabilities.

Among a level's codes that is cheap. Among all tokens it costs more than all else, so it comes with
a bound that tightens block by block: by Jensen's inequality a sum of exponentials of logits is at
least their number times the exponential of their mean, and the mean of the logits is one product
with the mean of their rows.

Axis suffixes: A beams, S some of them, D model width, K codes of a level, V tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from cqsid.kernels.logsumexp import Floats, Partition
from cqsid.kernels.matmul import Product

Softmax = Literal["level", "full"]
Rows = NDArray[np.int64]
_ROWS: Final = 192  # beams, and
_TOKENS: Final = 2048  # tokens, at once: their logits stay near the processor
_SLACK: Final = np.float32(1e-3)  # of a bound: more than float32 can be wrong


@dataclass(frozen=True)
class _Block:
    """Some tokens that are not of a level, and what bounds them and those of later blocks."""

    head: Product
    mean_D: Tensor
    log_count: np.float32


class Scores:
    """The output side of a model.

    Attributes:
        starts: place of each level's code 0 among all codes.
    """

    def __init__(self, weights: Weights, vocabulary: Vocabulary, softmax: Softmax) -> None:
        """Lay out the output rows as they are now."""
        head_VD = weights.head_VD.detach().float()
        parts = vocabulary.heads(head_VD)
        self.starts: list[int] = (vocabulary.offset_L - vocabulary.first_code).tolist()
        laid: dict[int, Product] = {}  # levels of one range share what is laid out
        for start, part_KD in zip(self.starts, parts, strict=True):
            if start not in laid:
                laid[start] = Product(part_KD)
        self._levels = [laid[start] for start in self.starts]
        self._rests: list[list[_Block]] = [[] for _ in parts]
        if softmax == "level":
            return
        texts_VD = head_VD[: vocabulary.first_code]
        whole = len(texts_VD) // _TOKENS * _TOKENS
        texts = [texts_VD[at : at + _TOKENS] for at in range(0, whole, _TOKENS)]
        shared = [Product(text_VD) for text_VD in texts]
        ends = (texts_VD[whole:], head_VD[len(vocabulary) :])
        for level in range(len(parts)):
            own_VD = torch.cat([*ends, *parts[:level], *parts[level + 1 :]])
            blocks = [*texts, own_VD] if len(own_VD) else texts
            heads = [*shared, Product(own_VD)] if len(own_VD) else shared
            self._rests[level] = _bounded(heads, blocks)

    @property
    def bounded(self) -> bool:
        """Whether `norm` asks what it still needs to do."""
        return bool(self._rests[0])

    def of(self, hidden_AD: Tensor, level: int) -> tuple[Floats, Partition]:
        """(A, K) logits of the codes of a level, and the sum of their exponentials."""
        logits_AK: Floats = self._levels[level](hidden_AD).cpu().numpy()
        return logits_AK, Partition(logits_AK)

    def least(self, hidden_AD: Tensor, codes: Partition, level: int) -> Floats:
        """(A,) what norms are at least, for the sum of `of`."""
        return _least(hidden_AD, codes, self._rests[level][0])

    def norm(
        self,
        hidden_AD: Tensor,
        codes: Partition,
        level: int,
        wanted: Callable[[Rows, Floats], NDArray[np.bool_]] | None = None,
    ) -> tuple[Rows, Floats]:
        """What to take from logits for log-probabilities.

        Args:
            hidden_AD: output of the model.
            codes: the sum of `of`; is used up.
            level: of the codes.
            wanted: given some of the beams and what their norms are at least, says which of them
                are still wanted. None: all.

        Returns:
            (S,) the beams that remained, and their norms.
        """
        some = np.arange(len(hidden_AD))
        for block in self._rests[level]:
            if wanted is not None:
                kept = np.flatnonzero(wanted(some, _least(hidden_AD, codes, block)))
                if len(kept) < len(some):
                    some, hidden_AD, codes = some[kept], hidden_AD[kept], codes.rows(kept)
            for first in range(0, len(some), _ROWS):
                logits_RV = block.head(hidden_AD[first : first + _ROWS])
                codes.take(logits_RV.cpu().numpy(), first)
        return some, codes.log()


def _bounded(heads: list[Product], blocks: list[Tensor]) -> list[_Block]:
    """Blocks of tokens, each with the mean row of itself and those behind it, and their number."""
    found: list[_Block] = []
    sum_D, count = torch.zeros(blocks[0].shape[1], dtype=torch.float64, device=blocks[0].device), 0
    for head, block_VD in zip(reversed(heads), reversed(blocks), strict=True):
        sum_D, count = sum_D + block_VD.double().sum(0), count + len(block_VD)
        found.append(_Block(head, (sum_D / count).float(), np.float32(np.log(count))))
    return found[::-1]


def _least(hidden_AD: Tensor, sums: Partition, block: _Block) -> Floats:
    mean_A = (hidden_AD @ block.mean_D).cpu().numpy() + block.log_count
    least_A = np.logaddexp(sums.log(), mean_A)
    slack_A: Floats = _SLACK * (1 + np.abs(least_A))
    return least_A - slack_A
